//! Numbers as the summary writes them.

use crate::metrics::Contains;
use crate::options::TimeUnit;

/// Nanoseconds of the units that a time can be written in, and their signs; a time gets the greatest that fits.
const UNITS: [(i128, &str); 3] = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "µs")];
const SECOND_NS: i128 = 1_000_000_000;
const BYTES: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];

/// A value of a metric in the form that suits what it contains.
pub(super) fn value(value: f64, contains: Contains, unit: Option<TimeUnit>) -> String {
    match contains {
        Contains::Default => plain(value),
        Contains::Time => duration(value, unit),
        Contains::Data => bytes(value),
    }
}

/// Milliseconds, truncated to two decimals of `unit`, or of the one that suits them (`312.44µs`, `1m30s`).
pub(super) fn duration(ms: f64, unit: Option<TimeUnit>) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "`as` saturates, as it should here"
    )]
    let ns = (ms * 1e6).round() as i128;
    let (sign, size) = (if ns < 0 { "-" } else { "" }, ns.abs());
    let text = match unit {
        Some(TimeUnit::Seconds) => fixed(size, SECOND_NS, "s"),
        Some(TimeUnit::Milliseconds) => fixed(size, 1_000_000, "ms"),
        Some(TimeUnit::Microseconds) => fixed(size, 1_000, "µs"),
        None if size == 0 => "0s".to_owned(),
        None if size >= 60 * SECOND_NS => clock(size / SECOND_NS),
        None => UNITS.iter().find(|(length, _)| size >= *length).map_or_else(
            || format!("{size}ns"),
            |(length, name)| short(size, *length, name),
        ),
    };
    format!("{sign}{text}")
}

/// With exactly two decimals.
fn fixed(size: i128, length: i128, name: &str) -> String {
    let hundredths = size * 100 / length;
    format!("{}.{:02}{name}", hundredths / 100, hundredths % 100)
}

/// With two decimals at most.
fn short(size: i128, length: i128, name: &str) -> String {
    let hundredths = size * 100 / length;
    let digits = format!("{}.{:02}", hundredths / 100, hundredths % 100);
    format!("{}{name}", digits.trim_end_matches('0').trim_end_matches('.'))
}

fn clock(seconds: i128) -> String {
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}h{minutes}m{seconds}s")
    } else {
        format!("{minutes}m{seconds}s")
    }
}

/// Base 1000; one decimal for numbers below 10.
pub(super) fn bytes(size: f64) -> String {
    let mut scaled = size.abs();
    let mut place = 0;
    // 999.5 would be written as 1000.
    while scaled >= 999.5 && place + 1 < BYTES.len() {
        scaled /= 1000.0;
        place += 1;
    }
    let sign = if size < 0.0 { "-" } else { "" };
    let decimals = usize::from(place > 0 && scaled < 9.95);
    format!("{sign}{scaled:.decimals$} {}", BYTES[place])
}

/// At most six decimals.
pub(super) fn plain(number: f64) -> String {
    let digits = format!("{number:.6}");
    let digits = digits.trim_end_matches('0').trim_end_matches('.');
    if digits == "-0" { "0" } else { digits }.to_owned()
}

/// `part` of `whole`, truncated to two decimals of a percent; 0 of nothing.
pub(super) fn percent(part: u64, whole: u64) -> String {
    let hundredths = u128::from(part) * 10_000 / u128::from(whole.max(1));
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}

/// A share from 0 to 1, truncated to two decimals of a percent.
pub(super) fn share(share: f64) -> String {
    // 0.29 is 28.999999999999996 %, and is to be written as 29.00 %.
    let hundredths = (share * 10_000.0 + 1e-6).floor();
    format!("{:.2}%", hundredths / 100.0)
}

/// How many there are as often as `count` times in `seconds`; 0 of no time.
pub(super) fn per_second(count: f64, seconds: f64) -> f64 {
    if seconds > 0.0 { count / seconds } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_truncated_to_two_decimals_of_the_unit_that_suits_them() {
        for (ms, text) in [
            (0.0, "0s"),
            (0.000_5, "500ns"),
            (0.007, "7µs"),
            (0.312_449, "312.44µs"),
            (0.999_999, "999.99µs"),
            (2.9, "2.9ms"),
            (4.21, "4.21ms"),
            (88.129, "88.12ms"),
            (999.999_999, "999.99ms"),
            (1_000.0, "1s"),
            (12_345.678, "12.34s"),
            (59_999.0, "59.99s"),
            (60_000.0, "1m0s"),
            (90_500.0, "1m30s"),
            (3_723_000.0, "1h2m3s"),
            (-1.5, "-1.5ms"),
        ] {
            assert_eq!(duration(ms, None), text, "{ms}");
        }
    }

    #[test]
    fn a_wanted_unit_has_always_two_decimals() {
        for (unit, text) in [
            (TimeUnit::Seconds, "1.23s"),
            (TimeUnit::Milliseconds, "1234.56ms"),
            (TimeUnit::Microseconds, "1234567.00µs"),
        ] {
            assert_eq!(duration(1_234.567, Some(unit)), text);
        }
        assert_eq!(duration(0.0, Some(TimeUnit::Milliseconds)), "0.00ms");
    }

    #[test]
    fn sizes_are_in_thousands() {
        for (size, text) in [
            (0.0, "0 B"),
            (718.4, "718 B"),
            (999.4, "999 B"),
            (999.6, "1.0 kB"),
            (4_900.0, "4.9 kB"),
            (9_960.0, "10 kB"),
            (210_000.0, "210 kB"),
            (999_999.0, "1.0 MB"),
            (3_900_000.0, "3.9 MB"),
            (7.2e18, "7.2 EB"),
        ] {
            assert_eq!(bytes(size), text, "{size}");
        }
    }

    #[test]
    fn plain_numbers_have_six_decimals_at_most() {
        for (number, text) in [
            (2_000.0, "2000"),
            (199.061_7, "199.0617"),
            (398.123_456_7, "398.123457"),
            (152.355_555_6, "152.355556"),
            (0.0, "0"),
            (-0.000_000_1, "0"),
            (-2.5, "-2.5"),
        ] {
            assert_eq!(plain(number), text);
        }
    }

    #[test]
    fn a_percentage_never_claims_more_than_there_is() {
        assert_eq!(percent(3_999, 4_000), "99.97%");
        assert_eq!(percent(1, 4_000), "0.02%");
        assert_eq!(percent(7, 7), "100.00%");
        assert_eq!(percent(0, 0), "0.00%");
        assert_eq!(share(0.29), "29.00%");
        assert_eq!(share(0.999_99), "99.99%");
    }
}
