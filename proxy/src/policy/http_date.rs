//! HTTP-date (RFC 9110 section 5.6.7): the three formats, strictly, in any letter case.

use crate::clock::UnixMillis;

const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];
const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
/// A two-digit year that seems further ahead than this is in the past century.
const AHEAD_MAX_YEARS: u64 = 50;
const DAY_S: u64 = 24 * 60 * 60;
/// Days from the first of March of year 0 to the epoch.
const EPOCH_DAYS: u64 = 719_468;

#[derive(Debug, Clone, Copy)]
struct Civil {
    year: u64,
    month: u64,
    day: u64,
    second_of_day: u64,
}

/// Reads a date; `now` tells the century of a two-digit year. Dates before 1970 count as 1970.
pub(crate) fn parse(value: &[u8], now: UnixMillis) -> Option<UnixMillis> {
    let text = std::str::from_utf8(value).ok()?.trim_ascii();
    let civil = imf_fixdate(text)
        .or_else(|| rfc_850(text, now))
        .or_else(|| asctime(text))?;
    let days_in_month = [31, if is_leap(civil.year) { 29 } else { 28 }, 31, 30, 31, 30];
    let days_in_month = days_in_month
        .into_iter()
        .chain([31, 31, 30, 31, 30, 31])
        .nth(usize::try_from(civil.month - 1).ok()?)?;
    (1..=days_in_month)
        .contains(&civil.day)
        .then(|| UnixMillis(civil.unix_seconds().saturating_mul(1000)))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`
fn imf_fixdate(text: &str) -> Option<Civil> {
    let (weekday, rest) = text.split_once(", ")?;
    is_short_weekday(weekday).then_some(())?;
    let [day, month, year, time, zone] = parts(rest, ' ')?;
    zone.eq_ignore_ascii_case("gmt").then_some(())?;
    Some(Civil {
        year: number(year, 4)?,
        month: month_of(month)?,
        day: number(day, 2)?,
        second_of_day: time_of_day(time)?,
    })
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`
fn rfc_850(text: &str, now: UnixMillis) -> Option<Civil> {
    let (weekday, rest) = text.split_once(", ")?;
    is_weekday(weekday).then_some(())?;
    let [date, time, zone] = parts(rest, ' ')?;
    zone.eq_ignore_ascii_case("gmt").then_some(())?;
    let [day, month, year] = parts(date, '-')?;
    let mut civil = Civil {
        year: number(year, 2)?,
        month: month_of(month)?,
        day: number(day, 2)?,
        second_of_day: time_of_day(time)?,
    };
    let this_year = 1970 + now.0 / 1000 / (DAY_S * 146_097 / 400);
    civil.year += this_year / 100 * 100 + 100;
    while civil.year > this_year + AHEAD_MAX_YEARS {
        civil.year -= 100;
    }
    Some(civil)
}

/// `Sun Nov  6 08:49:37 1994`
fn asctime(text: &str) -> Option<Civil> {
    let (weekday, rest) = text.split_once(' ')?;
    is_short_weekday(weekday).then_some(())?;
    let (month, rest) = rest.split_once(' ')?;
    let (day, rest) = rest.split_at_checked(2)?;
    let day = match day.strip_prefix(' ') {
        Some(digit) => number(digit, 1)?,
        None => number(day, 2)?,
    };
    let [time, year] = parts(rest.strip_prefix(' ')?, ' ')?;
    Some(Civil {
        year: number(year, 4)?,
        month: month_of(month)?,
        day,
        second_of_day: time_of_day(time)?,
    })
}

/// Exactly `N` parts.
fn parts<const N: usize>(text: &str, separator: char) -> Option<[&str; N]> {
    let parts: Vec<&str> = text.split(separator).take(N + 1).collect();
    parts.try_into().ok()
}

fn is_weekday(text: &str) -> bool {
    WEEKDAYS.iter().any(|name| text.eq_ignore_ascii_case(name))
}

fn is_short_weekday(text: &str) -> bool {
    WEEKDAYS.iter().any(|name| text.eq_ignore_ascii_case(&name[..3]))
}

fn month_of(text: &str) -> Option<u64> {
    (1..)
        .zip(MONTHS)
        .find_map(|(number, name)| text.eq_ignore_ascii_case(name).then_some(number))
}

fn number(text: &str, digits: usize) -> Option<u64> {
    (text.len() == digits && text.bytes().all(|b| b.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

/// Second 60 is a leap second, which counts as the one before it.
fn time_of_day(text: &str) -> Option<u64> {
    let [hour, minute, second] = parts(text, ':')?;
    let (hour, minute, second) = (number(hour, 2)?, number(minute, 2)?, number(second, 2)?);
    (hour < 24 && minute < 60 && second <= 60).then(|| hour * 3600 + minute * 60 + second.min(59))
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

impl Civil {
    /// Days from civil, counting years from March so that a leap day ends its year.
    fn unix_seconds(self) -> u64 {
        let (year, month) = if self.month > 2 {
            (self.year, self.month - 3)
        } else {
            (self.year.saturating_sub(1), self.month + 9)
        };
        let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + self.day - 1;
        if self.year < 1970 {
            return 0;
        }
        (days - EPOCH_DAYS) * DAY_S + self.second_of_day
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::{Duration, UNIX_EPOCH};

    const NOW: UnixMillis = UnixMillis(1_795_000_000_000); // November 2026

    fn seconds(text: &str) -> Option<u64> {
        parse(text.as_bytes(), NOW).map(|time| time.0 / 1000)
    }

    #[test]
    fn three_formats_in_any_case() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "sun, 06 nOV 1994 08:49:37 gmt",
            " Sun, 06 Nov 1994 08:49:37 GMT ",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "SUNDAY, 06-NOV-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Sun Nov 06 08:49:37 1994",
        ] {
            assert_eq!(seconds(text), Some(784_111_777), "{text}");
        }
        assert_eq!(
            seconds("Fri, 30 Jun 1972 23:59:60 GMT"),
            seconds("Fri, 30 Jun 1972 23:59:59 GMT")
        );
        assert_eq!(seconds("Thu, 29 Feb 2024 00:00:00 GMT"), Some(1_709_164_800));
    }

    #[test]
    fn everything_else_is_no_date() {
        for text in [
            "",
            "0",
            "-1",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun, 06 Nov 1994 8:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 AEST",
            "Sun, 06 Nov 1994 08:49:37 +0000",
            "Sun 06 Nov 1994 08:49:37 GMT",
            "Sun, 06  Nov 1994 08:49:37 GMT",
            "Sun, 06-Nov-1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08.49.37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 1994 08:60:00 GMT",
            "Sun, 31 Nov 1994 08:49:37 GMT",
            "Thu, 29 Feb 2023 00:00:00 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Xyz, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06-Nov-94 08:49:37 GMT",
            "Sun Nov 6 08:49:37 1994",
            "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
            "784111777",
            "Sun, 06 Nov 1994 08:49:37 GMT;",
        ] {
            assert_eq!(seconds(text), None, "{text:?}");
        }
    }

    #[test]
    fn two_digits_are_a_year_at_most_fifty_years_ahead() {
        let year = |text| UNIX_EPOCH + Duration::from_secs(seconds(text).unwrap());
        for (text, full) in [
            ("Sunday, 06-Nov-76 08:49:37 GMT", "06 Nov 2076"),
            ("Sunday, 06-Nov-77 08:49:37 GMT", "06 Nov 1977"),
            ("Sunday, 06-Nov-26 08:49:37 GMT", "06 Nov 2026"),
            ("Sunday, 06-Nov-00 08:49:37 GMT", "06 Nov 2000"),
        ] {
            assert!(httpdate::fmt_http_date(year(text)).contains(full), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(seconds in 0_u64..253_402_300_800) {
            let text = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
            prop_assert_eq!(parse(text.as_bytes(), NOW), Some(UnixMillis(seconds * 1000)));
        }

        #[test]
        fn never_panics(text in "[A-Za-z0-9 ,:-]{0,40}", now in any::<u64>()) {
            let _ = parse(text.as_bytes(), UnixMillis(now));
        }
    }
}
