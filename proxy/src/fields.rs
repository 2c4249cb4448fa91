//! Header fields on their way through: which are dropped, which are added (RFC 9110 sections 7.6.1 and 7.6.3).

use std::fmt::Write as _;
use std::net::SocketAddr;

use http::header::{
    AGE, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_RANGE, COOKIE, DATE, ETAG,
    EXPECT, EXPIRES, HOST, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    IF_RANGE, IF_UNMODIFIED_SINCE, LAST_MODIFIED, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, RANGE, TE,
    TRAILER, TRANSFER_ENCODING, UPGRADE, VARY, VIA,
};
use http::{StatusCode, Uri};

use crate::clock::UnixMillis;
use crate::key::Scheme;
use crate::policy::http_date;
use crate::request::Protocol;

/// Names that are not in `http::header`.
pub(crate) mod name {
    use http::HeaderName;

    pub(crate) const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
    pub(crate) const CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");
    pub(crate) const CACHE_TAG: HeaderName = HeaderName::from_static("cache-tag");
    /// Between a client and this proxy: it goes no further, and what an origin says in it is not passed on.
    pub(crate) const EXPLAIN: HeaderName = HeaderName::from_static("proxima-explain");
    pub(crate) const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
    pub(crate) const MIN_POSITION: HeaderName = HeaderName::from_static("proxima-min-position");
    pub(crate) const PROXY_AUTHENTICATION_INFO: HeaderName =
        HeaderName::from_static("proxy-authentication-info");
    pub(crate) const POSITION: HeaderName = HeaderName::from_static("proxima-position");
    pub(crate) const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
    pub(crate) const SURROGATE_KEY: HeaderName = HeaderName::from_static("surrogate-key");
    pub(crate) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
    pub(crate) const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
    pub(crate) const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
}

const HOP_BY_HOP: [HeaderName; 10] = [
    CONNECTION,
    name::KEEP_ALIVE,
    name::PROXY_CONNECTION,
    PROXY_AUTHENTICATE,
    name::PROXY_AUTHENTICATION_INFO,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// For every recipient, whatever `Connection` (RFC 9110 section 7.6.1) or `private` say: without them a response would be another.
pub(crate) const ESSENTIAL: [HeaderName; 4] = [CONTENT_LENGTH, CONTENT_RANGE, DATE, VARY];

/// What a client may not say about itself or about the request: rewritten from the connection, or dropped. None of it is in
/// a key, so none of it may shape a stored answer.
fn is_clients_claim(name: &HeaderName) -> bool {
    let name = name.as_str();
    name == "forwarded"
        || name == "x-host"
        || name == "x-rewrite-url"
        || name == "x-method-override"
        || ["x-forwarded-", "x-original-", "x-http-method"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

/// Whether an origin sees another value of a field than the client sent: what varies on it cannot be selected.
pub(crate) fn is_rewritten(name: &str) -> bool {
    HeaderName::from_bytes(name.as_bytes()).is_ok_and(|name| {
        const OWN: [HeaderName; 4] = [VIA, EXPECT, name::MIN_POSITION, name::EXPLAIN];
        HOP_BY_HOP.contains(&name)
            || CONDITIONAL.contains(&name)
            || OWN.contains(&name)
            || is_clients_claim(&name)
    })
}

fn drop_claims(headers: &mut HeaderMap) {
    let claims: Vec<HeaderName> = headers
        .keys()
        .filter(|name| is_clients_claim(name))
        .cloned()
        .collect();
    claims.iter().for_each(|name| drop(headers.remove(name)));
}

/// Would make the answer to one client unfit for the next.
const CONDITIONAL: [HeaderName; 6] = [
    IF_MATCH,
    IF_MODIFIED_SINCE,
    IF_NONE_MATCH,
    IF_RANGE,
    IF_UNMODIFIED_SINCE,
    RANGE,
];

/// Fields of a 200 that a 304 in its place repeats (RFC 9110 section 15.4.5).
pub(crate) const OF_NOT_MODIFIED: [HeaderName; 8] = [
    CACHE_CONTROL,
    name::CDN_CACHE_CONTROL,
    CONTENT_LOCATION,
    DATE,
    ETAG,
    EXPIRES,
    LAST_MODIFIED,
    VARY,
];

/// The fields of a response that a 304 in its place repeats (RFC 9110 section 15.4.5).
pub(crate) fn of_not_modified(headers: &HeaderMap) -> HeaderMap {
    let mut out = HeaderMap::new();
    for name in OF_NOT_MODIFIED {
        for value in headers.get_all(&name) {
            out.append(name.clone(), value.clone());
        }
    }
    out
}

/// Drops the fields that concern one connection only, and those that `Connection` names.
pub(crate) fn drop_hop_by_hop(headers: &mut HeaderMap) {
    hop_by_hop(headers)
        .iter()
        .for_each(|name| drop(headers.remove(name)));
}

/// The fields of a message that concern one connection only: the known ones, and those that `Connection` names.
pub(crate) fn hop_by_hop(headers: &HeaderMap) -> Vec<HeaderName> {
    let named = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|line| line.to_str().ok());
    named
        .flat_map(|line| line.split(','))
        .filter_map(|token| HeaderName::from_bytes(token.trim().as_bytes()).ok())
        .filter(|name| !ESSENTIAL.contains(name))
        .chain(HOP_BY_HOP)
        .collect()
}

/// Makes a client's fields into those of a fill, whose answer everybody may get.
///
/// No `X-Forwarded-Host` goes along: it is not in the key, so it must not shape the answer.
pub(crate) fn for_fill(
    headers: &mut HeaderMap,
    client: Option<SocketAddr>,
    scheme: Scheme,
    protocol: Protocol,
) {
    drop_hop_by_hop(headers);
    drop_claims(headers);
    CONDITIONAL.iter().for_each(|name| drop(headers.remove(name)));
    headers.remove(CONTENT_LENGTH);
    headers.remove(EXPECT);
    headers.remove(name::EXPLAIN);
    add_forwarding(headers, client, scheme, protocol);
}

/// Makes a client's fields into those of a forwarded request, `host` being the one that the client asked for.
pub(crate) fn for_forward(
    headers: &mut HeaderMap,
    client: Option<SocketAddr>,
    (scheme, host): (Scheme, &str),
    protocol: Protocol,
) {
    drop_claims(headers);
    headers.remove(name::EXPLAIN);
    add_forwarding(headers, client, scheme, protocol);
    if let Ok(host) = HeaderValue::from_str(host) {
        headers.insert(name::X_FORWARDED_HOST, host);
    }
}

fn add_forwarding(headers: &mut HeaderMap, client: Option<SocketAddr>, scheme: Scheme, protocol: Protocol) {
    if let Some(client) = client
        && let Ok(value) = HeaderValue::from_str(&client.ip().to_string())
    {
        headers.insert(name::X_FORWARDED_FOR, value);
    }
    headers.insert(name::X_FORWARDED_PROTO, HeaderValue::from_static(scheme.as_str()));
    headers.append(VIA, HeaderValue::from_static(protocol.via()));
}

/// Makes an origin's fields into those that are stored and sent on: without what concerns one hop or is computed anew, with one
/// `Content-Length` or none, and with a `Date` (RFC 9110 section 6.6.1).
pub(crate) fn for_client(headers: &mut HeaderMap, status: StatusCode, received_at: UnixMillis) {
    drop_hop_by_hop(headers);
    headers.remove(AGE);
    headers.remove(name::EXPLAIN);
    let length = content_length(headers).filter(|_| status != StatusCode::NO_CONTENT);
    headers.remove(CONTENT_LENGTH);
    if let Some(length) = length {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    let has_date = headers
        .get(DATE)
        .is_some_and(|date| http_date::parse(date.as_bytes(), received_at).is_some());
    if !has_date {
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_millis(received_at.0);
        if let Ok(date) = HeaderValue::from_str(&httpdate::fmt_http_date(time)) {
            headers.insert(DATE, date);
        }
    }
}

/// The one length that every `Content-Length` gives (RFC 9110 section 8.6); `None` when there is none or they differ.
pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    let lines = headers
        .get_all(CONTENT_LENGTH)
        .iter()
        .filter_map(|line| line.to_str().ok());
    let mut lengths = lines
        .flat_map(|line| line.split(','))
        .map(|length| length.trim().parse().ok());
    let first = lengths.next()?;
    lengths.all(|other| other == first).then_some(first).flatten()
}

/// The whole of a `Cookie` that an HTTP/2 client has sent in pieces (RFC 9113 section 8.2.3); `None` when it is whole.
pub(crate) fn joined_cookie(headers: &HeaderMap) -> Option<HeaderValue> {
    let crumbs: Vec<&[u8]> = headers
        .get_all(COOKIE)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    if crumbs.len() < 2 {
        return None;
    }
    HeaderValue::from_bytes(&crumbs.join(&b"; "[..])).ok()
}

/// Writes the status line and fields of an HTTP/1.1 answer, each ended by CRLF, without the empty line.
pub(crate) fn write_head(status: StatusCode, headers: &HeaderMap) -> Vec<u8> {
    let mut head = String::with_capacity(256);
    let _ = write!(
        head,
        "HTTP/1.1 {} {}\r\n",
        status.as_u16(),
        status.canonical_reason().unwrap_or("")
    );
    let mut head = head.into_bytes();
    for (name, value) in headers {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head
}

/// The authority that a request asks for: its target's, or `Host` (RFC 9110 section 7.2, RFC 9113 section 8.3.1).
pub(crate) fn authority<'r>(uri: &'r Uri, headers: &'r HeaderMap) -> &'r str {
    let named = uri.authority().map(http::uri::Authority::as_str);
    let field = || headers.get(HOST).and_then(|host| host.to_str().ok());
    named.or_else(field).unwrap_or_default()
}

/// Surrogate keys of a response: `Surrogate-Key` separated by spaces, `Cache-Tag` by commas.
pub(crate) fn surrogate_keys(headers: &HeaderMap) -> Vec<String> {
    let of = |name: &HeaderName, separator: char| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|line| line.to_str().ok())
            .flat_map(move |line| line.split(separator))
            .map(str::trim)
            .filter(|tag| !tag.is_empty())
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let mut tags = of(&name::SURROGATE_KEY, ' ');
    tags.extend(of(&name::CACHE_TAG, ','));
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(lines: &[(&str, &str)]) -> HeaderMap {
        let pair = |(n, v): &(&str, &str)| {
            (
                HeaderName::try_from(*n).unwrap(),
                HeaderValue::try_from(*v).unwrap(),
            )
        };
        lines.iter().map(pair).collect()
    }

    #[test]
    fn hop_by_hop_fields_and_those_that_connection_names_go() {
        let mut headers = map(&[
            ("connection", "close, X-Hop"),
            ("x-hop", "1"),
            ("te", "trailers"),
            ("accept", "a"),
        ]);
        drop_hop_by_hop(&mut headers);
        assert_eq!(headers, map(&[("accept", "a")]));
    }

    #[test]
    fn a_client_cannot_speak_for_others() {
        let mut headers = map(&[
            ("x-forwarded-for", "1.2.3.4"),
            ("x-forwarded-host", "evil"),
            ("if-none-match", "*"),
        ]);
        for_fill(
            &mut headers,
            Some(([127, 0, 0, 1], 5).into()),
            Scheme::Https,
            Protocol::Http2,
        );
        assert_eq!(
            headers,
            map(&[
                ("x-forwarded-for", "127.0.0.1"),
                ("x-forwarded-proto", "https"),
                ("via", "2 proxima")
            ])
        );
    }

    #[test]
    fn a_length_is_one_number_or_none() {
        let of = |lines: &[(&str, &str)]| content_length(&map(lines));
        assert_eq!(of(&[("content-length", "5")]), Some(5));
        assert_eq!(
            of(&[("content-length", "5, 5"), ("content-length", "5")]),
            Some(5)
        );
        assert_eq!(of(&[("content-length", "5, 6")]), None);
        assert_eq!(of(&[("content-length", "many")]), None);
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn cookies_in_pieces_are_joined() {
        assert_eq!(
            joined_cookie(&map(&[("cookie", "a=1"), ("cookie", "b=2")])).unwrap(),
            "a=1; b=2"
        );
        assert_eq!(joined_cookie(&map(&[("cookie", "a=1")])), None);
    }

    #[test]
    fn what_an_origin_sees_changed_cannot_be_varied_on() {
        for name in [
            "x-forwarded-for",
            "X-Forwarded-Prefix",
            "forwarded",
            "connection",
            "range",
            "x-original-url",
        ] {
            assert!(is_rewritten(name), "{name}");
        }
        assert!(!is_rewritten("accept-language"));
    }

    #[test]
    fn surrogate_keys_of_both_kinds() {
        let headers = map(&[("surrogate-key", "profile:7  profiles"), ("cache-tag", "a, b")]);
        assert_eq!(surrogate_keys(&headers), ["profile:7", "profiles", "a", "b"]);
    }
}
