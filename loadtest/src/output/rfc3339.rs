//! Points in time, as RFC 3339 writes them.

use std::fmt::Write as _;

const SECOND_NS: u64 = 1_000_000_000;

/// Writes times in UTC, to the nanosecond. The text of a second is kept: thousands of samples fall into each.
#[derive(Debug, Default)]
pub struct Rfc3339 {
    /// `None` at first.
    second: Option<u64>,
    /// Up to the second.
    text: String,
}

impl Rfc3339 {
    /// Appends a time since the Unix epoch, as in `2026-02-28T23:59:59.000000001Z`.
    pub fn append(&mut self, unix_ns: u64, to: &mut String) {
        let second = unix_ns / SECOND_NS;
        if self.second != Some(second) {
            self.second = Some(second);
            self.text.clear();
            let (year, month, day) = date(second / 86_400);
            let (hour, minute, second) = (second / 3_600 % 24, second / 60 % 60, second % 60);
            write!(
                self.text,
                "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
            )
            .expect("a string takes everything");
        }
        to.push_str(&self.text);
        write!(to, ".{:09}Z", unix_ns % SECOND_NS).expect("a string takes everything");
    }
}

/// Year, month and day of a day since the Unix epoch, in the Gregorian calendar: a year is taken to start in March, so
/// that the leap day is its last.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468; // since 0000-03-01
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let march_month = (5 * day + 2) / 153;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let day = day - (153 * march_month + 2) / 5 + 1;
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc_to_the_nanosecond() {
        let mut times = Rfc3339::default();
        for (unix_ns, text) in [
            (0, "1970-01-01T00:00:00.000000000Z"),
            (951_782_400_000_000_000, "2000-02-29T00:00:00.000000000Z"),
            (1_700_000_000_000_000_001, "2023-11-14T22:13:20.000000001Z"),
            (1_700_000_000_999_999_999, "2023-11-14T22:13:20.999999999Z"),
            (1_772_323_199_500_000_000, "2026-02-28T23:59:59.500000000Z"),
            (1_772_323_200_000_000_000, "2026-03-01T00:00:00.000000000Z"),
            (4_107_542_400_000_000_000, "2100-03-01T00:00:00.000000000Z"),
        ] {
            let mut written = String::new();
            times.append(unix_ns, &mut written);
            assert_eq!(written, text);
        }
    }
}
