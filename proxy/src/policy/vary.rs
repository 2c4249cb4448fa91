//! Which stored response is for which request (RFC 9111 section 4.1).

use http::header::VARY;
use http::{HeaderMap, HeaderValue};

use super::directives::Members;
use crate::fields;

/// Fields whose members may come in any order and case: preference is in their weights (RFC 9110 sections 12.4.2 and 12.5).
const NEGOTIATED: [&str; 4] = ["accept", "accept-charset", "accept-encoding", "accept-language"];
/// Fields that are no lists: white space at a comma may mean something.
const NOT_LISTS: [&str; 6] = [
    "authorization",
    "cookie",
    "from",
    "origin",
    "referer",
    "user-agent",
];

/// Names that `Vary` lists, in lower case and sorted, each once.
pub(crate) fn names(response: &HeaderMap) -> Vec<String> {
    let lines = response.get_all(VARY).iter().map(HeaderValue::as_bytes);
    let mut names: Vec<String> = lines
        .flat_map(Members)
        .map(|name| String::from_utf8_lossy(name).to_ascii_lowercase())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Whether no request can be known to match: the response varies on everything, or on a field that the origin was not sent as
/// the client sent it.
pub(crate) fn is_unselectable(response: &HeaderMap) -> bool {
    names(response)
        .iter()
        .any(|name| name == "*" || fields::is_rewritten(name))
}

/// A field's combined value in a form that is the same for all values of the same meaning.
pub(crate) fn normalise(name: &str, value: Vec<u8>) -> Vec<u8> {
    if NOT_LISTS.contains(&name) {
        return value;
    }
    if NEGOTIATED.contains(&name) && !value.contains(&b'"') {
        let mut members: Vec<Vec<u8>> = Members(&value).map(negotiated).collect();
        members.sort_unstable();
        return members.join(&b", "[..]);
    }
    let plain = !value.contains(&b',');
    if plain {
        return value;
    }
    Members(&value).collect::<Vec<_>>().join(&b", "[..])
}

/// One `token;q=0.5` without the white space that may stand at a semicolon, in lower case. Anywhere else it is an error that
/// an origin may answer otherwise than the same without it.
fn negotiated(member: &[u8]) -> Vec<u8> {
    let parts: Vec<&[u8]> = member
        .split(|&byte| byte == b';')
        .map(<[u8]>::trim_ascii)
        .collect();
    parts.join(&b";"[..]).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::super::testing::headers;
    use super::*;
    use proptest::prelude::*;

    fn normal(name: &str, value: &str) -> String {
        String::from_utf8(normalise(name, value.as_bytes().to_vec())).unwrap()
    }

    #[test]
    fn names_are_a_set() {
        let response = headers(&[("vary", "Accept, X"), ("vary", "x,,accept-language")]);
        assert_eq!(names(&response), ["accept", "accept-language", "x"]);
        assert!(!is_unselectable(&response));
        assert!(is_unselectable(&headers(&[("vary", "x, *")])));
        assert!(is_unselectable(&headers(&[("vary", "If-None-Match")])));
    }

    #[test]
    fn values_of_one_meaning_are_one() {
        for (name, one, other) in [
            ("x", "1,2", "1 ,  2"),
            ("x", "1, , 2", "1, 2"),
            ("accept-language", "en, de;q=0.5", "DE; q=0.5,EN"),
            ("accept-encoding", "gzip, br", "br,gzip"),
            ("accept", "text/html ; level=1, a/b", "a/b, TEXT/html;level=1"),
        ] {
            assert_eq!(normal(name, one), normal(name, other), "{name}");
        }
        for (name, one, other) in [
            ("x", "1, 2", "2, 1"),
            ("x", "a", "A"),
            ("cookie", "a=1,2", "a=1, 2"),
            ("accept-language", "en;q=0.1, de", "en, de;q=0.1"),
            ("accept-encoding", "g zip", "gzip"),
            ("accept", "a/b;x=\"Y\"", "a/b;x=\"y\""),
        ] {
            assert_ne!(normal(name, one), normal(name, other), "{name}");
        }
    }

    proptest! {
        #[test]
        fn normal_forms_stay(name in prop::sample::select(vec!["x", "accept", "cookie"]), value in prop::collection::vec(any::<u8>(), 0..60)) {
            let once = normalise(name, value);
            prop_assert_eq!(normalise(name, once.clone()), once);
        }
    }
}
