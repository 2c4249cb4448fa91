//! Conditional requests that a stored response answers (RFC 9110 section 13, RFC 9111 section 4.3.2).

use http::HeaderMap;
use http::header::{ETAG, LAST_MODIFIED};

use super::directives::Members;
use super::{age, http_date};
use crate::clock::UnixMillis;

/// The preconditions that a cache may evaluate, as the client sent them. `If-Match` and `If-Unmodified-Since` are the
/// origin's business.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Preconditions {
    pub(crate) if_none_match: Option<Vec<u8>>,
    pub(crate) if_modified_since: Option<Vec<u8>>,
}

impl Preconditions {
    /// Whether the client has the response already, so that 304 answers it. `If-None-Match` alone decides where there is
    /// one (RFC 9110 section 13.2.2).
    pub(crate) fn are_met_by(&self, response: &HeaderMap, received_at: UnixMillis) -> bool {
        match (&self.if_none_match, &self.if_modified_since) {
            (Some(list), _) => none_match_hits(list, etag(response)),
            (None, Some(since)) => is_unmodified_since(since, response, received_at),
            (None, None) => false,
        }
    }
}

fn etag(response: &HeaderMap) -> Option<&[u8]> {
    response.get(ETAG).map(http::HeaderValue::as_bytes)
}

/// Whether `If-None-Match` matches `etag`, by weak comparison (RFC 9110 sections 8.8.3.2 and 13.1.2).
fn none_match_hits(list: &[u8], etag: Option<&[u8]>) -> bool {
    Members(list).any(|member| match (member, etag) {
        (b"*", _) => true,
        (member, Some(etag)) => opaque(member) == opaque(etag),
        (_, None) => false,
    })
}

/// RFC 9110 section 13.1.3; what is no date is ignored. Without a `Last-Modified`, the response's `Date` counts, or else the
/// time of its receipt (RFC 9111 section 4.3.2).
fn is_unmodified_since(since: &[u8], response: &HeaderMap, received_at: UnixMillis) -> bool {
    let modified = match response.get(LAST_MODIFIED) {
        Some(modified) => http_date::parse(modified.as_bytes(), received_at),
        None => Some(age::date(response, received_at)),
    };
    let since = http_date::parse(since, received_at);
    // `Date` and `Last-Modified` are whole seconds, the time of receipt is not
    since
        .zip(modified)
        .is_some_and(|(since, modified)| modified.0 / 1000 <= since.0 / 1000)
}

/// Whether a range may be answered from this response (RFC 9110 section 13.1.5): the validator is strong and matches exactly.
pub(crate) fn if_range_holds(condition: &[u8], response: &HeaderMap, received_at: UnixMillis) -> bool {
    if condition.starts_with(b"\"") {
        return etag(response) == Some(condition);
    }
    let Some(modified) = response
        .get(LAST_MODIFIED)
        .filter(|modified| modified.as_bytes() == condition)
    else {
        return false;
    };
    let modified = http_date::parse(modified.as_bytes(), received_at);
    modified.is_some_and(|modified| is_strong_date(modified, response, received_at))
}

/// RFC 9110 section 8.8.2.2: the response was made at least a second after the last change.
fn is_strong_date(modified: UnixMillis, response: &HeaderMap, received_at: UnixMillis) -> bool {
    age::date(response, received_at).since(modified).as_secs() >= 1
}

/// The strong validators that two responses share: the entity tag, or else the date of the last change where neither has a
/// tag (RFC 9110 section 8.8.1).
pub(crate) fn share_a_strong_validator(one: &HeaderMap, other: &HeaderMap, received_at: UnixMillis) -> bool {
    match (etag(one), etag(other)) {
        (Some(a), Some(b)) => a == b && !is_weak(a),
        (None, None) => {
            let date = |headers: &HeaderMap| {
                let modified = http_date::parse(headers.get(LAST_MODIFIED)?.as_bytes(), received_at)?;
                is_strong_date(modified, headers, received_at).then_some(modified)
            };
            date(one).is_some_and(|modified| date(other) == Some(modified))
        }
        _ => false,
    }
}

pub(crate) fn is_weak(etag: &[u8]) -> bool {
    etag.starts_with(b"W/")
}

pub(crate) fn opaque(etag: &[u8]) -> &[u8] {
    etag.strip_prefix(b"W/").unwrap_or(etag)
}

#[cfg(test)]
mod tests {
    use super::super::testing::headers;
    use super::*;

    const NOW: UnixMillis = UnixMillis(784_111_777_500); // Sun, 06 Nov 1994 08:49:37 GMT
    const EARLIER: &str = "Sun, 06 Nov 1994 08:00:00 GMT";
    const LATER: &str = "Sun, 06 Nov 1994 08:00:01 GMT";

    fn met(condition: (&str, &str), response: &[(&str, &str)]) -> bool {
        let value = Some(condition.1.as_bytes().to_vec());
        let asked = match condition.0 {
            "if-none-match" => Preconditions {
                if_none_match: value,
                ..Preconditions::default()
            },
            _ => Preconditions {
                if_modified_since: value,
                ..Preconditions::default()
            },
        };
        asked.are_met_by(&headers(response), NOW)
    }

    #[test]
    fn entity_tags_compare_weakly_over_a_list() {
        for (list, etag, hit) in [
            ("\"a\"", Some("\"a\""), true),
            ("W/\"a\"", Some("\"a\""), true),
            ("\"b\", \"a\"", Some("W/\"a\""), true),
            ("\"x,\\\"a\"", Some("\"a\""), false),
            ("*", None, true),
            ("\"a\"", None, false),
            ("a", Some("\"a\""), false),
        ] {
            let response: Vec<_> = etag.map(|etag| ("etag", etag)).into_iter().collect();
            assert_eq!(met(("if-none-match", list), &response), hit, "{list}");
        }
    }

    #[test]
    fn dates_compare_with_the_last_change_or_with_the_response() {
        const DATE: (&str, &str) = ("date", LATER);
        for (since, response, hit) in [
            (EARLIER, vec![("last-modified", EARLIER), DATE], true),
            (LATER, vec![("last-modified", EARLIER), DATE], true),
            (EARLIER, vec![("last-modified", LATER), DATE], false),
            (EARLIER, vec![DATE], false),
            (LATER, vec![DATE], true),
            ("Sun, 06 Nov 1994 08:49:37 GMT", vec![], true),
            ("Sun, 06 Nov 1994 08:49:36 GMT", vec![], false),
            ("soon", vec![("last-modified", EARLIER)], false),
        ] {
            assert_eq!(
                met(("if-modified-since", since), &response),
                hit,
                "{since} {response:?}"
            );
        }
        let both = Preconditions {
            if_none_match: Some(b"\"b\"".to_vec()),
            if_modified_since: Some(LATER.as_bytes().to_vec()),
        };
        let response = headers(&[("etag", "\"a\""), ("last-modified", EARLIER)]);
        assert!(!both.are_met_by(&response, NOW), "the tag decides");
    }

    #[test]
    fn ranges_take_a_strong_validator() {
        let response = headers(&[("etag", "\"a\""), ("last-modified", EARLIER), ("date", LATER)]);
        for (condition, holds) in [
            ("\"a\"", true),
            ("\"b\"", false),
            ("W/\"a\"", false),
            (EARLIER, true),
            (LATER, false),
            ("nonsense", false),
        ] {
            assert_eq!(
                if_range_holds(condition.as_bytes(), &response, NOW),
                holds,
                "{condition}"
            );
        }
        let weak = headers(&[("etag", "W/\"a\""), ("last-modified", LATER), ("date", LATER)]);
        assert!(!if_range_holds(b"W/\"a\"", &weak, NOW));
        assert!(!if_range_holds(LATER.as_bytes(), &weak, NOW));
    }

    #[test]
    fn parts_belong_together_by_a_strong_validator_only() {
        let with = |lines: &[(&str, &str)]| headers(lines);
        let share = |a: &HeaderMap, b: &HeaderMap| share_a_strong_validator(a, b, NOW);
        let strong = with(&[("etag", "\"a\"")]);
        assert!(share(&strong, &strong));
        assert!(!share(&strong, &with(&[("etag", "\"b\"")])));
        let weak = with(&[("etag", "W/\"a\"")]);
        assert!(!share(&weak, &weak));
        let dated = with(&[("last-modified", EARLIER), ("date", LATER)]);
        assert!(share(&dated, &dated));
        assert!(!share(&dated, &strong));
        assert!(!share(&with(&[]), &with(&[])));
    }
}
