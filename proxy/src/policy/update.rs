//! What a newer answer without a body says about a stored response (RFC 9111 sections 3.2, 4.3.4 and 4.3.5).

use http::header::{CONTENT_LENGTH, ETAG, LAST_MODIFIED};
use http::{HeaderMap, HeaderName};

use super::conditional::{is_weak, opaque};

/// Whether a 304 is about the stored response that was asked about: its validators, where it has any, are the same.
pub(crate) fn is_about(stored: &HeaderMap, not_modified: &HeaderMap) -> bool {
    if let Some(new) = not_modified.get(ETAG) {
        let same = |old: &http::HeaderValue| {
            let either_is_weak = is_weak(new.as_bytes()) || is_weak(old.as_bytes());
            if either_is_weak {
                opaque(old.as_bytes()) == opaque(new.as_bytes())
            } else {
                old == new
            }
        };
        return stored.get(ETAG).is_some_and(same);
    }
    not_modified
        .get(LAST_MODIFIED)
        .is_none_or(|new| stored.get(LAST_MODIFIED).is_none_or(|old| old == new))
}

/// Whether a 200 to a HEAD describes the stored response to a GET: every validator and the length that it gives are the same.
pub(crate) fn describes(stored: &HeaderMap, head: &HeaderMap) -> bool {
    [ETAG, LAST_MODIFIED, CONTENT_LENGTH]
        .iter()
        .all(|name| head.get(name).is_none_or(|new| stored.get(name) == Some(new)))
}

/// Merges the fields of a 304, or of a HEAD's 200, into those stored, leaving what describes the stored bytes.
pub(crate) fn merge(stored: &mut HeaderMap, update: &HeaderMap) {
    let describes_bytes = |name: &HeaderName| {
        *name == CONTENT_LENGTH || matches!(name.as_str(), "content-encoding" | "content-range")
    };
    for name in update.keys().filter(|name| !describes_bytes(name)) {
        stored.remove(name);
        for value in update.get_all(name) {
            stored.append(name.clone(), value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::headers;
    use super::*;

    #[test]
    fn a_304_about_something_else_updates_nothing() {
        let stored = headers(&[("etag", "\"a\""), ("last-modified", "then")]);
        for (not_modified, is) in [
            (vec![("etag", "\"a\"")], true),
            (vec![("etag", "W/\"a\"")], true),
            (vec![("etag", "\"b\"")], false),
            (vec![("last-modified", "then")], true),
            (vec![("last-modified", "later")], false),
            (vec![], true),
        ] {
            assert_eq!(is_about(&stored, &headers(&not_modified)), is, "{not_modified:?}");
        }
        assert!(!is_about(&headers(&[]), &headers(&[("etag", "\"b\"")])));
    }

    #[test]
    fn a_head_describes_what_has_its_validators_and_length() {
        let stored = headers(&[("etag", "\"a\""), ("content-length", "5")]);
        for (head, does) in [
            (vec![("etag", "\"a\""), ("content-length", "5")], true),
            (vec![("x", "1")], true),
            (vec![("content-length", "6")], false),
            (vec![("etag", "\"b\"")], false),
            (vec![("last-modified", "then")], false),
        ] {
            assert_eq!(describes(&stored, &headers(&head)), does, "{head:?}");
        }
    }

    #[test]
    fn an_update_leaves_what_describes_the_stored_bytes() {
        let mut stored = headers(&[
            ("content-length", "5"),
            ("content-encoding", "br"),
            ("content-type", "a/b"),
            ("cache-control", "max-age=1"),
            ("x", "1"),
        ]);
        merge(
            &mut stored,
            &headers(&[
                ("content-length", "0"),
                ("content-encoding", "gzip"),
                ("content-type", "c/d"),
                ("cache-control", "max-age=9"),
                ("y", "2"),
                ("y", "3"),
            ]),
        );
        let expected = headers(&[
            ("content-length", "5"),
            ("content-encoding", "br"),
            ("content-type", "c/d"),
            ("cache-control", "max-age=9"),
            ("x", "1"),
            ("y", "2"),
            ("y", "3"),
        ]);
        assert_eq!(stored, expected);
    }
}
