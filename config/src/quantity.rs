//! Durations and sizes as people write them: `"250ms"`, `"256 MiB"`.

use std::time::Duration;

/// Why a text is not a duration or a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// No digits, a sign, or a fraction.
    #[error("does not start with a whole number")]
    Number,
    /// A duration without its unit, or with another one.
    #[error("does not end with one of ms, s, m, h, d")]
    DurationUnit,
    /// Another unit than those known.
    #[error("does not end with one of B, kB, MB, GB, KiB, MiB, GiB")]
    SizeUnit,
    /// More than a 64-bit number of milliseconds or bytes.
    #[error("is too large")]
    TooLarge,
}

/// Units of time in milliseconds, largest first.
const DURATION_UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// Units of size in bytes; the first that divides a size evenly is the one it is written in.
const SIZE_UNITS: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1000),
    ("B", 1),
];

/// A duration from a whole number and a unit, `ms`, `s`, `m`, `h` or `d`: `"250ms"`, `"60s"`, `"1 d"`.
///
/// # Errors
/// [`QuantityError`] when the number, the unit or the range is wrong.
pub fn parse_duration(text: &str) -> Result<Duration, QuantityError> {
    let (number, unit) = split(text)?;
    let (_, millis) = DURATION_UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .ok_or(QuantityError::DurationUnit)?;
    number
        .checked_mul(*millis)
        .map(Duration::from_millis)
        .ok_or(QuantityError::TooLarge)
}

/// Bytes from a whole number and a unit, decimal (`kB`) or binary (`KiB`), or none for bytes: `"256 MiB"`,
/// `"100kB"`, `"0"`.
///
/// # Errors
/// [`QuantityError`] when the number, the unit or the range is wrong.
pub fn parse_size(text: &str) -> Result<u64, QuantityError> {
    let (number, unit) = split(text)?;
    if unit.is_empty() {
        return Ok(number);
    }
    let (_, bytes) = SIZE_UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .ok_or(QuantityError::SizeUnit)?;
    number.checked_mul(*bytes).ok_or(QuantityError::TooLarge)
}

/// The shortest text that [`parse_duration`] reads back as this; less than a millisecond is cut off.
pub fn format_duration(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let evenly = |unit: &&(&str, u64)| millis.is_multiple_of(unit.1);
    match DURATION_UNITS.iter().find(evenly) {
        Some((unit, size)) if millis > 0 => format!("{}{unit}", millis / size),
        _ => "0s".to_owned(),
    }
}

/// The shortest text that [`parse_size`] reads back as this.
pub(crate) fn format_size(bytes: u64) -> String {
    match SIZE_UNITS.iter().find(|unit| bytes.is_multiple_of(unit.1)) {
        Some((unit, size)) if bytes > 0 && *size > 1 => format!("{} {unit}", bytes / size),
        _ => bytes.to_string(),
    }
}

fn split(text: &str) -> Result<(u64, &str), QuantityError> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    if number.is_empty() || unit.starts_with(['.', ',', '_']) {
        return Err(QuantityError::Number);
    }
    let number = number.parse().map_err(|_| QuantityError::TooLarge)?;
    Ok((number, unit.strip_prefix(' ').unwrap_or(unit)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_as_written() {
        let rows = [
            ("250ms", 250),
            ("60s", 60_000),
            ("5m", 300_000),
            ("1h", 3_600_000),
            ("1 d", 86_400_000),
            ("0s", 0),
        ];
        for (text, millis) in rows {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn texts_that_are_no_duration() {
        let rows = [
            ("", QuantityError::Number),
            ("s", QuantityError::Number),
            ("-1s", QuantityError::Number),
            (" 1s", QuantityError::Number),
            ("1.5s", QuantityError::Number),
            ("60", QuantityError::DurationUnit),
            ("60sec", QuantityError::DurationUnit),
            ("1h30m", QuantityError::DurationUnit),
            ("60S", QuantityError::DurationUnit),
            ("99999999999999999999s", QuantityError::TooLarge),
            ("18446744073709551615d", QuantityError::TooLarge),
        ];
        for (text, error) in rows {
            assert_eq!(parse_duration(text), Err(error), "{text}");
        }
    }

    #[test]
    fn sizes_as_written() {
        let rows = [
            ("0", 0),
            ("1024", 1024),
            ("7 B", 7),
            ("100 kB", 100_000),
            ("64KiB", 65_536),
            ("256 MiB", 268_435_456),
            ("1 GiB", 1_073_741_824),
            ("2 GB", 2_000_000_000),
        ];
        for (text, bytes) in rows {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn texts_that_are_no_size() {
        let rows = [
            ("", QuantityError::Number),
            ("MiB", QuantityError::Number),
            ("-1", QuantityError::Number),
            ("1.5 GiB", QuantityError::Number),
            ("1 mb", QuantityError::SizeUnit),
            ("1 KB", QuantityError::SizeUnit),
            ("1  MiB", QuantityError::SizeUnit),
            ("18446744073709551616", QuantityError::TooLarge),
            ("18446744073709551615 KiB", QuantityError::TooLarge),
        ];
        for (text, error) in rows {
            assert_eq!(parse_size(text), Err(error), "{text}");
        }
    }

    #[test]
    fn written_in_the_largest_even_unit() {
        let durations = [
            (1500, "1500ms"),
            (90_000, "90s"),
            (120_000, "2m"),
            (0, "0s"),
            (86_400_000, "1d"),
        ];
        for (millis, text) in durations {
            assert_eq!(format_duration(Duration::from_millis(millis)), text);
        }
        let sizes = [
            (0, "0"),
            (1, "1"),
            (1000, "1 kB"),
            (1024, "1 KiB"),
            (1_024_000, "1000 KiB"),
            (1 << 30, "1 GiB"),
        ];
        for (bytes, text) in sizes {
            assert_eq!(format_size(bytes), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(number in any::<u64>()) {
            prop_assert_eq!(parse_duration(&format_duration(Duration::from_millis(number))), Ok(Duration::from_millis(number)));
            prop_assert_eq!(parse_size(&format_size(number)), Ok(number));
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = (parse_duration(&text), parse_size(&text));
        }
    }
}
