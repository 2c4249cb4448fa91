//! What h2 lets through in a request head and this proxy does not: heads that an HTTP/1 origin, or whoever reads the key,
//! could take for another request than the client's.

use std::net::SocketAddr;

use http::header::{CONTENT_LENGTH, COOKIE, HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, HeaderValue, Method, Uri};

use super::h1_head::FIELDS_MAX;
use super::log::Asked;
use crate::key::Scheme;
use crate::request::{Headers, Protocol, ReadMethod, Request};

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

/// A GET or HEAD that the cache may answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ReadHead<'h> {
    pub(super) method: ReadMethod,
    target: &'h str,
    host: &'h str,
}

/// Checks what RFC 9113 sections 8.1.1 and 8.3.1 ask of whoever sends a request on. `None` is a good request that takes more
/// than the cache, or more than a glance: it has another method, a body, many fields or a cookie in pieces.
pub(super) fn read(head: &Parts) -> Result<Option<ReadHead<'_>>, Malformed> {
    let fields = scan(&head.headers)?;
    let target = head.uri.path_and_query().map(PathAndQuery::as_str);
    if !is_path(&head.method, target) {
        return Err(Malformed::Path);
    }
    let host = host(&head.uri, &fields)?;
    let method = match head.method {
        Method::GET => ReadMethod::Get,
        Method::HEAD => ReadMethod::Head,
        _ => return Ok(None),
    };
    let plain = !fields.has_body && fields.cookies < 2 && head.headers.len() <= FIELDS_MAX;
    Ok(plain.then(|| ReadHead {
        method,
        target: target.unwrap_or("/"),
        host,
    }))
}

impl<'h> ReadHead<'h> {
    /// The request as the road sees it.
    pub(super) fn request(&self, head: &'h Parts, client: Option<SocketAddr>) -> Request<'h> {
        Request {
            method: self.method,
            protocol: Protocol::Http2,
            scheme: Scheme::Https,
            host: self.host,
            target: self.target,
            headers: Headers::Map(&head.headers),
            client,
        }
    }

    /// The request as the log sees it.
    pub(super) fn asked(&self, head: &'h Parts, client: Option<SocketAddr>) -> Asked<'h> {
        Asked {
            client,
            protocol: Protocol::Http2.as_str(),
            method: self.method.as_str(),
            host: self.host,
            target: self.target,
            headers: Headers::Map(&head.headers),
        }
    }
}

/// What is looked for in the fields, found in one pass.
#[derive(Debug, Default)]
struct Scanned<'h> {
    host: Option<&'h HeaderValue>,
    has_length: bool,
    has_body: bool,
    cookies: usize,
}

fn scan(headers: &HeaderMap) -> Result<Scanned<'_>, Malformed> {
    let mut found = Scanned::default();
    for (name, value) in headers {
        match *name {
            HOST if found.host.is_some() => return Err(Malformed::Authority),
            HOST => found.host = Some(value),
            COOKIE => found.cookies += 1,
            // at most one length: an origin that gets two may pick the other one
            CONTENT_LENGTH if found.has_length || !is_length(value) => return Err(Malformed::Length),
            // The end of a stream does not tell whether there is a body: one that its client has reset meanwhile never ends, and
            // must not reach an origin for that. Content that a GET brings unannounced goes nowhere.
            CONTENT_LENGTH => {
                found.has_length = true;
                found.has_body = value.as_bytes() != b"0";
            }
            TRANSFER_ENCODING => return Err(Malformed::Length),
            _ => {}
        }
    }
    Ok(found)
}

fn is_length(value: &HeaderValue) -> bool {
    let digits = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = value.to_str().ok().filter(digits);
    text.is_some_and(|text| text.parse::<u64>().is_ok())
}

/// An absolute path, or what OPTIONS and CONNECT have in its place; nothing that ends a request line.
fn is_path(method: &Method, target: Option<&str>) -> bool {
    let Some(target) = target else {
        return *method == Method::CONNECT;
    };
    let allowed = target.starts_with('/') || (*method == Method::OPTIONS && target == "*");
    allowed && !target.bytes().any(|byte| byte <= b' ' || byte == 0x7F)
}

/// One host, without user information, in `:authority`, in `Host` or the same in both.
fn host<'h>(uri: &'h Uri, fields: &Scanned<'h>) -> Result<&'h str, Malformed> {
    let field = fields.host.map(HeaderValue::as_bytes);
    let authority = uri.authority().map(Authority::as_str);
    let named = authority
        .map(str::as_bytes)
        .or(field)
        .ok_or(Malformed::Authority)?;
    if field.is_some_and(|field| field != named) || named.contains(&b'@') {
        return Err(Malformed::Authority);
    }
    // what is no text is no host either, which whoever makes a key of it finds
    Ok(std::str::from_utf8(named).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(method: &str, uri: &str, fields: &[(&'static str, &str)]) -> Result<(), Malformed> {
        let mut request = http::Request::new(());
        for (name, value) in fields {
            request
                .headers_mut()
                .append(*name, HeaderValue::from_str(value).unwrap());
        }
        *request.method_mut() = Method::from_bytes(method.as_bytes()).unwrap();
        *request.uri_mut() = uri.parse().unwrap();
        read(&request.into_parts().0).map(drop)
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
