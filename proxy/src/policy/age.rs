//! How old a response was when it arrived (RFC 9111 section 4.2.3).

use http::HeaderMap;
use http::header::{AGE, DATE};

use super::directives::{Members, clamp_seconds, delta_seconds};
use super::http_date;
use crate::clock::UnixMillis;

/// When an exchange began and ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timing {
    pub(crate) requested_at: UnixMillis,
    pub(crate) received_at: UnixMillis,
}

/// `Age` as other caches have written it. Of several lines or members the first counts; one that is no number is as good as
/// none (section 5.1).
pub(crate) fn value(response: &HeaderMap) -> Option<u32> {
    Members(response.get(AGE)?.as_bytes())
        .next()
        .and_then(delta_seconds)
}

/// When the origin made the response: its `Date`, or when it arrived (RFC 9110 section 6.6.1).
pub(crate) fn date(response: &HeaderMap, received_at: UnixMillis) -> UnixMillis {
    let date = response.get(DATE);
    date.and_then(|value| http_date::parse(value.as_bytes(), received_at))
        .unwrap_or(received_at)
}

/// `corrected_initial_age`, in whole seconds.
pub(crate) fn initial(response: &HeaderMap, timing: Timing) -> u32 {
    let delay_s = timing.received_at.since(timing.requested_at).as_secs();
    let apparent_s = timing
        .received_at
        .since(date(response, timing.received_at))
        .as_secs();
    let corrected_s = u64::from(value(response).unwrap_or(0)) + delay_s;
    clamp_seconds(apparent_s.max(corrected_s))
}

#[cfg(test)]
mod tests {
    use super::super::directives::DELTA_SECONDS_MAX;
    use super::super::testing::headers;
    use super::*;

    #[test]
    fn the_older_of_what_date_and_age_say() {
        let timing = Timing {
            requested_at: UnixMillis(784_111_776_000),
            received_at: UnixMillis(784_111_777_999), // Sun, 06 Nov 1994 08:49:37 GMT
        };
        for (lines, age) in [
            (vec![("age", "30")], 31),
            (vec![("age", "30, 5")], 31),
            (vec![("age", "30"), ("age", "5")], 31),
            (vec![("age", "x")], 1),
            (vec![("age", "-1")], 1),
            (vec![("age", "30.5")], 1),
            (vec![("age", "30;a=b")], 1),
            (vec![("age", "99999999999")], DELTA_SECONDS_MAX),
            (vec![("date", "Sun, 06 Nov 1994 08:48:37 GMT")], 60),
            (vec![("date", "Sun, 06 Nov 1994 08:48:37 GMT"), ("age", "5")], 60),
            (vec![("date", "Sun, 06 Nov 1994 08:50:37 GMT"), ("age", "5")], 6),
            (vec![("date", "yesterday")], 1),
        ] {
            assert_eq!(initial(&headers(&lines), timing), age, "{lines:?}");
        }
    }
}
