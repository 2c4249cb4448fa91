//! Durations as k6 scripts write them, and as Go prints them.

use std::fmt::Write as _;
use std::time::Duration;

/// The longest duration: what fits Go's type, some 292 years.
const NANOSECONDS_MAX: u128 = i64::MAX as u128;
/// More decimals than this cannot make a nanosecond of an hour.
const DECIMALS_MAX: usize = 18;

/// Units and how many nanoseconds they have. Those that begin with another one come first.
const UNITS: [(&str, u128); 9] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// Why a text is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no duration: {reason}; write one like \"1m30s\", \"500ms\" or 500 (milliseconds)")]
pub struct DurationError {
    text: String,
    reason: &'static str,
}

/// Reads `1h2m3.5s`, `500ms`, `100us`, or a bare number of milliseconds.
///
/// # Errors
/// For everything else, what is negative, and what is longer than 292 years.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let error = |reason| DurationError {
        text: text.to_owned(),
        reason,
    };
    let trimmed = text.trim();
    if trimmed.starts_with('-') {
        return Err(error("it is negative"));
    }
    let unsigned = trimmed.strip_prefix('+').unwrap_or(trimmed);
    let mut rest = unsigned;
    if rest.is_empty() {
        return Err(error("it is empty"));
    }
    let mut total = 0;
    while !rest.is_empty() {
        let (number, after) =
            rest.split_at(rest.find(|c| !matches!(c, '0'..='9' | '.')).unwrap_or(rest.len()));
        let bare = number.len() == unsigned.len();
        let (unit, after) = if bare {
            (1_000_000, after)
        } else {
            unit(after).ok_or_else(|| error("it has a number without a unit (ns, us, ms, s, m, h, d)"))?
        };
        let part = nanoseconds(number, unit).ok_or_else(|| error("it has a unit without a number"))?;
        total += part;
        if total > NANOSECONDS_MAX {
            return Err(error("it is longer than 292 years"));
        }
        rest = after;
    }
    Ok(Duration::from_nanos(u64::try_from(total).expect("checked above")))
}

fn unit(text: &str) -> Option<(u128, &str)> {
    UNITS
        .iter()
        .find_map(|(name, size)| Some((*size, text.strip_prefix(name)?)))
}

/// `number` (digits, perhaps with a point) times `unit`, cut off below a nanosecond; more than
/// [`NANOSECONDS_MAX`] for what is too great.
fn nanoseconds(number: &str, unit: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let fraction = &fraction[..fraction.len().min(DECIMALS_MAX)];
    let digits = |digits: &str| match digits {
        "" => 0,
        digits => digits.parse().unwrap_or(u128::from(u64::MAX)),
    };
    let scale = 10_u128.pow(u32::try_from(fraction.len()).expect("at most 18"));
    let whole = digits(whole).min(u128::from(u64::MAX)).saturating_mul(unit);
    Some(whole.saturating_add(digits(fraction) * unit / scale))
}

/// Reads a number of milliseconds.
///
/// # Errors
/// For what is negative, no number, or longer than 292 years.
pub fn from_milliseconds(milliseconds: f64) -> Result<Duration, DurationError> {
    let error = |reason| DurationError {
        text: milliseconds.to_string(),
        reason,
    };
    if milliseconds < 0.0 {
        return Err(error("it is negative"));
    }
    Duration::try_from_secs_f64(milliseconds / 1e3)
        .ok()
        .filter(|duration| duration.as_nanos() <= NANOSECONDS_MAX)
        .ok_or_else(|| error("it is longer than 292 years"))
}

/// As Go prints it: `1h0m0s`, `1m30s`, `1.5s`, `500ms`, `100µs`, `0s`.
#[must_use]
pub fn format(duration: Duration) -> String {
    let nanoseconds = duration.as_nanos();
    match nanoseconds {
        0 => return "0s".to_owned(),
        1..1_000 => return format!("{nanoseconds}ns"),
        1_000..1_000_000 => return format!("{}µs", decimal(nanoseconds, 1_000)),
        1_000_000..1_000_000_000 => return format!("{}ms", decimal(nanoseconds, 1_000_000)),
        _ => {}
    }
    let seconds = duration.as_secs();
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    let mut text = String::new();
    if hours > 0 {
        write!(text, "{hours}h").expect("a string takes everything");
    }
    if seconds >= 60 {
        write!(text, "{minutes}m").expect("a string takes everything");
    }
    text.push_str(&decimal(nanoseconds % 60_000_000_000, 1_000_000_000));
    text.push('s');
    text
}

/// `value / unit`, without trailing noughts; `unit` is a power of ten.
fn decimal(value: u128, unit: u128) -> String {
    let digits = unit.ilog10() as usize;
    let text = format!("{}.{:0digits$}", value / unit, value % unit);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read_as_k6_reads_them() {
        for (text, wanted) in [
            ("1h2m3.5s", Duration::from_millis(3_723_500)),
            ("500ms", Duration::from_millis(500)),
            ("100us", Duration::from_micros(100)),
            ("100µs", Duration::from_micros(100)),
            ("7ns", Duration::from_nanos(7)),
            ("10", Duration::from_millis(10)),
            ("+10", Duration::from_millis(10)),
            ("0.5", Duration::from_micros(500)),
            ("0", Duration::ZERO),
            (".5s", Duration::from_millis(500)),
            ("1.s", Duration::from_secs(1)),
            ("1d1h", Duration::from_secs(25 * 3_600)),
            (" 2s ", Duration::from_secs(2)),
        ] {
            assert_eq!(parse(text), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_says_why() {
        for (text, reason) in [
            ("", "empty"),
            ("-1s", "negative"),
            ("1x", "without a unit"),
            ("1s5", "without a unit"),
            ("0s5", "without a unit"),
            ("s", "without a number"),
            (".s", "without a number"),
            ("1.2.3s", "without a number"),
            ("1 s", "without a unit"),
            ("99999999h", "292 years"),
            ("99999999999999999999999999999999999999999999s", "292 years"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
        assert!(from_milliseconds(-1.0).is_err() && from_milliseconds(f64::NAN).is_err());
    }

    #[test]
    fn durations_are_printed_as_go_prints_them() {
        for (duration, wanted) in [
            (Duration::ZERO, "0s"),
            (Duration::from_nanos(1), "1ns"),
            (Duration::from_nanos(1_100), "1.1µs"),
            (Duration::from_micros(2_200), "2.2ms"),
            (Duration::from_millis(500), "500ms"),
            (Duration::from_millis(1_500), "1.5s"),
            (Duration::from_secs(90), "1m30s"),
            (Duration::from_secs(600), "10m0s"),
            (Duration::from_secs(3_600), "1h0m0s"),
            (Duration::from_millis(3_723_001), "1h2m3.001s"),
        ] {
            assert_eq!(format(duration), wanted);
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back_the_same(nanoseconds in prop_oneof![0..2_000_000_000_u64, 0..i64::MAX as u64]) {
            let duration = Duration::from_nanos(nanoseconds);
            prop_assert_eq!(parse(&format(duration)), Ok(duration));
        }
    }
}
