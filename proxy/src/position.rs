//! A place in the history of the origin's data.

use std::fmt;
use std::str::FromStr;

/// How much of the data's history something reflects: timeline first, then log offset.
///
/// Written `<timeline>:<offset>` in decimal in `Proxima-Position`, `Proxima-Min-Position` and the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Position {
    /// Rises with every fail-over of the origin's database.
    pub(crate) timeline: u64,
    /// Log position within the timeline.
    pub(crate) offset: u64,
}

/// The text is not `<timeline>:<offset>`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a position (expected `<timeline>:<offset>`, both decimal)")]
pub(crate) struct ParsePositionError(String);

impl FromStr for Position {
    type Err = ParsePositionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = |part: &str| {
            let plain = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| part.parse().ok()).flatten()
        };
        let parsed = text.split_once(':').and_then(|(timeline, offset)| {
            Some(Self {
                timeline: digits(timeline)?,
                offset: digits(offset)?,
            })
        });
        parsed.ok_or_else(|| ParsePositionError(text.chars().take(64).collect()))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.timeline, self.offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_by_timeline_then_offset() {
        let at = |text: &str| text.parse::<Position>().unwrap();
        assert!(at("0:9") < at("0:10"));
        assert!(at("0:10") < at("1:1"));
        assert_eq!(at("3:7").to_string(), "3:7");
    }

    #[test]
    fn refuses_what_is_not_two_decimals() {
        for text in [
            "",
            "7",
            ":",
            "1:",
            ":1",
            "+1:2",
            "1:2:3",
            "1: 2",
            "0x1:2",
            "1:99999999999999999999999",
        ] {
            assert!(text.parse::<Position>().is_err(), "{text}");
        }
    }
}
