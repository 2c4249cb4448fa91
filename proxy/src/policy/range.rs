//! Range requests (RFC 9110 section 14): what was asked for, and which bytes that is.

use std::fmt;
use std::ops::Range;

use super::directives::Members;

/// More ranges than this in one request are no honest wish; the whole is sent (RFC 9110 section 17.15).
const RANGES_MAX: usize = 16;

/// One range as asked for. Positions are inclusive, as in the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spec {
    /// `500-`
    From(u64),
    /// `0-499`
    FromTo(u64, u64),
    /// `-500`
    Last(u64),
}

/// What a `Range` field asks for of a representation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Selected {
    /// All of it: the field is ignored.
    Whole,
    /// These bytes, in the order asked for; at least one range, none of them empty.
    Parts(Vec<Range<u64>>),
    /// Nothing that is there: 416.
    Unsatisfiable,
}

/// Reads a `Range` field; `None` when it is to be ignored: another unit, malformed, or too much.
pub(crate) fn parse(value: &[u8]) -> Option<Vec<Spec>> {
    let at = value.iter().position(|&b| b == b'=')?;
    let (unit, set) = (&value[..at], &value[at + 1..]);
    if !unit.eq_ignore_ascii_case(b"bytes") {
        return None;
    }
    let specs: Option<Vec<Spec>> = Members(set).take(RANGES_MAX + 1).map(spec).collect();
    specs.filter(|specs| (1..=RANGES_MAX).contains(&specs.len()))
}

fn spec(text: &[u8]) -> Option<Spec> {
    let dash = text.iter().position(|&b| b == b'-')?;
    let (first, last) = (&text[..dash], &text[dash + 1..]);
    match (first.is_empty(), last.is_empty()) {
        (true, true) => None,
        (true, false) => Some(Spec::Last(position(last)?)),
        (false, true) => Some(Spec::From(position(first)?)),
        (false, false) => {
            let (first, last) = (position(first)?, position(last)?);
            (first <= last).then_some(Spec::FromTo(first, last))
        }
    }
}

/// Digits; what is too large for any representation counts as the largest number.
fn position(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0_u64, |sum, digit| {
        digit
            .is_ascii_digit()
            .then(|| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
    })
}

impl Spec {
    /// The bytes of a representation of `length` bytes, `None` when it has none of them.
    fn resolve(self, length: u64) -> Option<Range<u64>> {
        let range = match self {
            Self::From(first) => first..length,
            Self::FromTo(first, last) => first..last.saturating_add(1).min(length),
            Self::Last(count) => length.saturating_sub(count)..length,
        };
        (range.start < range.end).then_some(range)
    }
}

/// Chooses the bytes of a representation of `length` bytes.
pub(crate) fn select(specs: &[Spec], length: u64) -> Selected {
    let asks_for_an_end = specs.iter().any(|spec| matches!(spec, Spec::Last(1..)));
    if length == 0 && asks_for_an_end {
        return Selected::Whole; // there is one, and it cannot be told: `Content-Range` knows no empty range
    }
    let parts: Vec<Range<u64>> = specs.iter().filter_map(|spec| spec.resolve(length)).collect();
    if parts.is_empty() {
        return Selected::Unsatisfiable;
    }
    let bytes = parts.iter().map(|part| part.end - part.start);
    // ranges that overlap so much cost more than the whole
    let repeats = parts.len() > 1 && bytes.fold(0, u64::saturating_add) > length;
    if repeats {
        Selected::Whole
    } else {
        Selected::Parts(parts)
    }
}

/// `Content-Range` of one part (RFC 9110 section 14.4). Positions are inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ContentRange {
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// `None` for a length that the origin does not know.
    pub(crate) complete: Option<u64>,
}

impl ContentRange {
    /// Reads the field; `None` for another unit, an unsatisfied range, or numbers that cannot be.
    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok()?.trim_ascii();
        let (unit, rest) = text.split_once(' ')?;
        let (range, complete) = rest.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let number = |text: &str| {
            (!text.is_empty())
                .then(|| position(text.as_bytes()))
                .flatten()
                .filter(|number| *number < u64::MAX)
        };
        let complete = match complete {
            "*" => None,
            digits => Some(number(digits)?),
        };
        let (first, last) = (number(first)?, number(last)?);
        let possible = first <= last && complete.is_none_or(|complete| last < complete);
        (possible && unit.eq_ignore_ascii_case("bytes")).then_some(Self {
            first,
            last,
            complete,
        })
    }

    /// For part of a representation of `complete` bytes.
    pub(crate) fn of(part: &Range<u64>, complete: Option<u64>) -> Self {
        Self {
            first: part.start,
            last: part.end.saturating_sub(1),
            complete,
        }
    }

    /// How many bytes it names.
    pub(crate) fn length(&self) -> u64 {
        (self.last - self.first).saturating_add(1)
    }

    /// The bytes that it names.
    pub(crate) fn bytes(&self) -> Range<u64> {
        self.first..self.last.saturating_add(1)
    }
}

impl fmt::Display for ContentRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bytes {}-{}/", self.first, self.last)?;
        match self.complete {
            Some(complete) => write!(f, "{complete}"),
            None => f.write_str("*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranges_as_asked_for() {
        for (field, specs) in [
            ("bytes=0-4", Some(vec![Spec::FromTo(0, 4)])),
            ("Bytes=5-", Some(vec![Spec::From(5)])),
            ("bytes=-3", Some(vec![Spec::Last(3)])),
            ("bytes=0-0, ,-1", Some(vec![Spec::FromTo(0, 0), Spec::Last(1)])),
            (
                "bytes=0-99999999999999999999",
                Some(vec![Spec::FromTo(0, u64::MAX)]),
            ),
            ("bytes=4-2", None),
            ("bytes=-", None),
            ("bytes=", None),
            ("bytes=a-b", None),
            ("bytes 0-4", None),
            ("bytes=0 - 4", None),
            ("bytes=0-1,x", None),
            ("lines=0-4", None),
        ] {
            assert_eq!(parse(field.as_bytes()), specs, "{field}");
        }
        let many = format!("bytes={}", "0-0,".repeat(RANGES_MAX + 1));
        assert_eq!(parse(many.as_bytes()), None);
    }

    #[test]
    #[expect(clippy::single_range_in_vec_init, reason = "one part is what is meant")]
    fn ranges_as_they_are() {
        let of = |field: &str, length| select(&parse(field.as_bytes()).unwrap(), length);
        for (field, length, selected) in [
            ("bytes=0-4", 10, Selected::Parts(vec![0..5])),
            ("bytes=5-", 10, Selected::Parts(vec![5..10])),
            ("bytes=5-99", 10, Selected::Parts(vec![5..10])),
            ("bytes=-3", 10, Selected::Parts(vec![7..10])),
            ("bytes=-30", 10, Selected::Parts(vec![0..10])),
            ("bytes=7-8,0-1", 10, Selected::Parts(vec![7..9, 0..2])),
            ("bytes=0-1,90-", 10, Selected::Parts(vec![0..2])),
            ("bytes=0-,0-", 10, Selected::Whole),
            ("bytes=10-", 10, Selected::Unsatisfiable),
            ("bytes=-0", 10, Selected::Unsatisfiable),
            ("bytes=0-4", 0, Selected::Unsatisfiable),
            ("bytes=-4", 0, Selected::Whole),
        ] {
            assert_eq!(of(field, length), selected, "{field} of {length}");
        }
    }

    #[test]
    fn content_ranges_that_cannot_be() {
        for field in [
            "bytes 5-4/10",
            "bytes 0-10/10",
            "bytes */10",
            "bytes 0-4",
            "lines 0-4/10",
            "bytes -4/10",
            "",
        ] {
            assert_eq!(ContentRange::parse(field.as_bytes()), None, "{field}");
        }
    }

    proptest! {
        #[test]
        fn content_ranges_round_trip(first in 0_u64..1000, length in 1_u64..1000, more in prop::option::of(0_u64..1000)) {
            let last = first + length - 1;
            let range = ContentRange { first, last, complete: more.map(|more| last + 1 + more) };
            prop_assert_eq!(ContentRange::parse(range.to_string().as_bytes()), Some(range));
            prop_assert_eq!(range.length(), length);
        }

        #[test]
        fn what_is_selected_is_there(field in "bytes=[0-9,-]{0,20}", length in 0_u64..50) {
            if let Some(Selected::Parts(parts)) = parse(field.as_bytes()).map(|specs| select(&specs, length)) {
                prop_assert!(!parts.is_empty());
                prop_assert!(parts.iter().all(|part| part.start < part.end && part.end <= length));
            }
        }

        #[test]
        fn never_panics(field in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = (parse(&field), ContentRange::parse(&field));
        }
    }
}
