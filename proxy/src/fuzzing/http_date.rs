//! Dates, with the `httpdate` crate as an oracle.

use std::time::{Duration, UNIX_EPOCH};

use super::{NOW, lines};
use crate::clock::UnixMillis;
use crate::policy::http_date;

/// A date, then two moments at which it is read, in Unix milliseconds.
pub fn http_date(data: &[u8]) {
    const YEAR_10000_S: u64 = 253_402_300_800;
    let mut lines = lines(data);
    let line = lines.next().unwrap_or_default();
    let mut number = || std::str::from_utf8(lines.next()?).ok()?.parse().ok();
    let (one, other) = (number().unwrap_or(NOW.0), number().unwrap_or(NOW.0));
    let (earlier, later) = (UnixMillis(one.min(other)), UnixMillis(one.max(other)));

    let written = |seconds: u64| httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
    let canonical = one % YEAR_10000_S;
    let read = http_date::parse(written(canonical).as_bytes(), later);
    assert_eq!(read, Some(UnixMillis(canonical * 1000)));

    let date = http_date::parse(line, earlier);
    assert_eq!(http_date::parse(&line.to_ascii_uppercase(), earlier), date);
    if let (Some(date), Some(moved)) = (date, http_date::parse(line, later)) {
        assert!(date <= moved, "the century goes back");
    }
    if let Some(UnixMillis(ms)) = date
        && ms < YEAR_10000_S * 1000
    {
        let again = http_date::parse(written(ms / 1000).as_bytes(), earlier);
        assert_eq!(again, date, "written again it is another");
    }
    let oracle = std::str::from_utf8(line)
        .ok()
        .and_then(|text| httpdate::parse_http_date(text).ok());
    let has_century = !line.contains(&b'-');
    if let (Some(oracle), Some(date)) = (oracle, date.filter(|_| has_century)) {
        assert_eq!(UnixMillis::from(oracle), date, "httpdate reads another");
    }
}
