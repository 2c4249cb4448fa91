//! A position in the data's history: `<timeline>:<log position>`, compared in that order.

use std::fmt;
use std::str::FromStr;

/// How much of the history an answer contains, or where in it a change sits.
///
/// SQLite has one history, so the timeline is always 0 and the log position is an id in the change log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) timeline: u64,
    pub(crate) log: u64,
}

/// The text was not two decimal numbers with a colon between.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a position; write <timeline>:<position>, both decimal, as in 0:42")]
pub(crate) struct MalformedPosition(String);

impl Position {
    /// The place of a change-log row. Ids start at 1; 0 is the empty log.
    pub(crate) fn of_change(id: i64) -> Self {
        Self {
            timeline: 0,
            log: u64::try_from(id).expect("change-log ids are never negative"),
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.timeline, self.log)
    }
}

impl FromStr for Position {
    type Err = MalformedPosition;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.split_once(':').and_then(|(timeline, log)| {
            Some(Self {
                timeline: decimal(timeline)?,
                log: decimal(log)?,
            })
        });
        parsed.ok_or_else(|| MalformedPosition(text.chars().take(64).collect()))
    }
}

/// `u64::from_str` alone would accept a leading `+`.
fn decimal(text: &str) -> Option<u64> {
    text.bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for text in ["0:0", "0:42", "3:18446744073709551615"] {
            assert_eq!(text.parse::<Position>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn refuses_anything_else() {
        for text in [
            "",
            ":",
            "0:",
            ":1",
            "42",
            "0:1:2",
            "+0:1",
            "0:-1",
            "0: 1",
            "a:b",
            "0:18446744073709551616",
        ] {
            assert!(text.parse::<Position>().is_err(), "{text}");
        }
    }

    #[test]
    fn orders_by_timeline_first() {
        let p = |text: &str| text.parse::<Position>().unwrap();
        assert!(p("0:9") < p("0:10"));
        assert!(p("0:999") < p("1:1"));
    }
}
