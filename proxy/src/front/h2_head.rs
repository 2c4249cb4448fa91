//! What h2 lets through in a request head and this proxy does not: heads that an HTTP/1 origin, or whoever reads the key,
//! could take for another request than the client's.

use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Method, Uri};

/// Why a request goes nowhere (RFC 9113 section 8.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    #[error("the length of the body is not clear")]
    Length,
    #[error("`:path` is not a path")]
    Path,
    #[error("the request names no one host")]
    Authority,
}

/// Checks what RFC 9113 sections 8.1.1 and 8.3.1 ask of whoever sends a request on.
pub(super) fn check(method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Malformed> {
    if headers.contains_key(TRANSFER_ENCODING) || !length_is_clear(headers) {
        return Err(Malformed::Length);
    }
    if !is_path(method, uri) {
        return Err(Malformed::Path);
    }
    if !authority_is_clear(uri, headers) {
        return Err(Malformed::Authority);
    }
    Ok(())
}

/// At most one length, in digits. An origin that gets two may pick the other one.
fn length_is_clear(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(CONTENT_LENGTH).iter();
    let is_length = |line: &HeaderValue| {
        let digits = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let text = line.to_str().ok().filter(digits);
        text.is_some_and(|text| text.parse::<u64>().is_ok())
    };
    lines.next().is_none_or(is_length) && lines.next().is_none()
}

/// An absolute path, or what OPTIONS and CONNECT have in its place; nothing that ends a request line.
fn is_path(method: &Method, uri: &Uri) -> bool {
    let Some(target) = uri.path_and_query().map(http::uri::PathAndQuery::as_str) else {
        return *method == Method::CONNECT;
    };
    let allowed = target.starts_with('/') || (*method == Method::OPTIONS && target == "*");
    allowed && !target.bytes().any(|byte| byte <= b' ' || byte == 0x7F)
}

/// One host, without user information, in `:authority`, in `Host` or the same in both.
fn authority_is_clear(uri: &Uri, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter().map(HeaderValue::as_bytes);
    let host = hosts.next();
    let authority = uri.authority().map(|authority| authority.as_str().as_bytes());
    let Some(named) = authority.or(host) else {
        return false;
    };
    let agrees = host.is_none_or(|host| host == named);
    hosts.next().is_none() && agrees && !named.contains(&b'@')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(method: &str, uri: &str, fields: &[(&'static str, &str)]) -> Result<(), Malformed> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        check(&method, &uri.parse().unwrap(), &headers)
    }

    #[test]
    fn what_browsers_and_tools_send_passes() {
        for (method, uri, fields) in [
            ("GET", "https://a.example/x?y=1", &[][..]),
            ("GET", "https://a.example:8443/", &[("host", "a.example:8443")]),
            ("GET", "/x", &[("host", "a.example")]),
            ("GET", "/x?next=http://b.example/", &[("host", "a.example")]),
            ("POST", "https://a.example/", &[("content-length", "5")]),
            ("OPTIONS", "*", &[("host", "a.example")]),
            ("CONNECT", "a.example:443", &[]),
        ] {
            assert_eq!(checked(method, uri, fields), Ok(()), "{method} {uri} {fields:?}");
        }
    }

    #[test]
    fn lengths_that_can_be_read_in_two_ways_do_not() {
        for values in [
            &["5", "6"][..],
            &["5", "5"],
            &["5, 5"],
            &["+5"],
            &["-1"],
            &[""],
            &["99999999999999999999999999"],
        ] {
            let fields: Vec<_> = values.iter().map(|value| ("content-length", *value)).collect();
            let refused = checked("POST", "https://a.example/", &fields);
            assert_eq!(refused, Err(Malformed::Length), "{values:?}");
        }
        let coded = checked("POST", "https://a.example/", &[("transfer-encoding", "chunked")]);
        assert_eq!(coded, Err(Malformed::Length));
    }

    #[test]
    fn paths_that_are_none_do_not() {
        assert_eq!(
            checked("GET", "*", &[("host", "a.example")]),
            Err(Malformed::Path)
        );
        assert_eq!(
            checked("GET", "a.example:443", &[("host", "a.example:443")]),
            Err(Malformed::Path)
        );
    }

    #[test]
    fn authorities_that_can_be_read_in_two_ways_do_not() {
        for (uri, hosts) in [
            ("/x", &[][..]),
            ("/x", &["a.example", "a.example"]),
            ("/x", &["user@a.example"]),
            ("https://a.example/x", &["b.example"]),
            ("https://a.example/x", &["A.EXAMPLE"]),
            ("https://a.example/x", &["a.example", "a.example"]),
            ("https://a.example/x", &["a.example:443"]),
            ("https://user@a.example/x", &[]),
            ("https://user@a.example/x", &["user@a.example"]),
        ] {
            let fields: Vec<_> = hosts.iter().map(|host| ("host", *host)).collect();
            assert_eq!(
                checked("GET", uri, &fields),
                Err(Malformed::Authority),
                "{uri} {hosts:?}"
            );
        }
    }
}
