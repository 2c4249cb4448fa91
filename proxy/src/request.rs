//! A read as the road sees it, whichever protocol brought it.

use std::net::SocketAddr;

use http::{HeaderMap, HeaderName, HeaderValue};
use proxima_config::checked::ClientCacheControl;

use crate::key::Scheme;
use crate::policy::conditional::Preconditions;
use crate::policy::request::{RequestControl, Wanted, is_pragma_no_cache};
use crate::policy::vary;
use crate::position::Position;

/// GET or HEAD; everything else is forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadMethod {
    Get,
    Head,
}

impl ReadMethod {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
        }
    }
}

/// HTTP version at the front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http10,
    Http11,
    Http2,
}

impl Protocol {
    /// What `Via` says of a request that came by it (RFC 9110 section 7.6.3).
    pub(crate) fn via(self) -> &'static str {
        match self {
            Self::Http10 => "1.0 proxima",
            Self::Http11 => "1.1 proxima",
            Self::Http2 => "2 proxima",
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Http10 => "HTTP/1.0",
            Self::Http11 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
        }
    }
}

/// Header fields, borrowed from wherever the front parsed them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Headers<'r> {
    /// Straight from the connection's buffer.
    Raw(&'r [httparse::Header<'r>]),
    /// From HTTP/2.
    Map(&'r HeaderMap),
}

impl<'r> Headers<'r> {
    /// Calls `each` with every field line, in order of arrival within a name.
    pub(crate) fn for_each(&self, mut each: impl FnMut(&str, &'r [u8])) {
        match self {
            Self::Raw(lines) => lines.iter().for_each(|line| each(line.name, line.value)),
            Self::Map(map) => map
                .iter()
                .for_each(|(name, value)| each(name.as_str(), value.as_bytes())),
        }
    }

    /// The combined value of a field (RFC 9110 section 5.2), `None` when it is absent.
    pub(crate) fn combined(&self, wanted: &str) -> Option<Vec<u8>> {
        let mut combined: Option<Vec<u8>> = None;
        self.for_each(|name, value| {
            if name.eq_ignore_ascii_case(wanted) {
                match &mut combined {
                    Some(so_far) => {
                        so_far.extend_from_slice(b", ");
                        so_far.extend_from_slice(value.trim_ascii());
                    }
                    None => combined = Some(value.trim_ascii().to_vec()),
                }
            }
        });
        combined
    }

    /// [`Self::combined`], in the form that selects stored responses.
    pub(crate) fn selecting(&self, wanted: &str) -> Option<Vec<u8>> {
        self.combined(wanted).map(|value| vary::normalise(wanted, value))
    }

    /// Whether a response that was given for these values of its selecting fields is one for this request, too (RFC 9111
    /// section 4.1).
    pub(crate) fn select<'v>(&self, mut vary: impl Iterator<Item = (&'v str, Option<&'v [u8]>)>) -> bool {
        vary.all(|(name, value)| self.selecting(name).as_deref() == value)
    }

    /// The preconditions that a cache may evaluate.
    pub(crate) fn preconditions(&self) -> Preconditions {
        Preconditions {
            if_none_match: self.combined("if-none-match"),
            if_modified_since: self.combined("if-modified-since"),
        }
    }

    /// All fields as an owned map.
    pub(crate) fn to_map(self) -> HeaderMap {
        let mut map = HeaderMap::new();
        self.for_each(|name, value| {
            let pair = (
                HeaderName::from_bytes(name.as_bytes()),
                HeaderValue::from_bytes(value),
            );
            if let (Ok(name), Ok(value)) = pair {
                map.append(name, value);
            }
        });
        map
    }
}

/// A GET or HEAD without a body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'r> {
    pub(crate) method: ReadMethod,
    pub(crate) protocol: Protocol,
    pub(crate) scheme: Scheme,
    pub(crate) host: &'r str,
    /// In origin form.
    pub(crate) target: &'r str,
    pub(crate) headers: Headers<'r>,
    pub(crate) client: Option<SocketAddr>,
}

/// What a request's fields ask of the cache, gathered in one pass.
#[derive(Debug, Clone)]
pub(crate) struct Signals {
    pub(crate) wanted: Wanted,
    pub(crate) no_store: bool,
    pub(crate) only_if_cached: bool,
    pub(crate) authorization: bool,
    /// `If-Match`, `If-Unmodified-Since`: for the origin alone to judge (RFC 9111 section 4.3.2).
    pub(crate) needs_origin: bool,
    /// `If-None-Match` or `If-Modified-Since`.
    pub(crate) conditional: bool,
    pub(crate) range: bool,
    /// `Proxima-Min-Position`: the client has seen data of this position.
    pub(crate) min_position: Option<Position>,
    /// `Proxima-Explain`: the client wants to know how its answer was decided.
    pub(crate) explain: bool,
}

impl Signals {
    pub(crate) fn of(headers: &Headers<'_>, obey: ClientCacheControl) -> Self {
        let mut control = RequestControl::default();
        let mut signals = Self {
            wanted: Wanted::default(),
            no_store: false,
            only_if_cached: false,
            authorization: false,
            needs_origin: false,
            conditional: false,
            range: false,
            min_position: None,
            explain: false,
        };
        let (mut has_control, mut pragma) = (false, false);
        headers.for_each(|name, value| {
            let is = |wanted: &str| name.eq_ignore_ascii_case(wanted);
            match name.len() {
                13 if is("cache-control") => {
                    has_control = true;
                    control.add(value);
                }
                13 if is("authorization") => signals.authorization = true,
                13 if is("if-none-match") => signals.conditional = true,
                17 if is("if-modified-since") => signals.conditional = true,
                // fields that `Connection` names are gone before the origin sees them, so they cannot select a variant
                10 if is("connection") => signals.needs_origin |= names_fields(value),
                6 if is("pragma") => pragma |= is_pragma_no_cache(value),
                5 if is("range") => signals.range = true,
                15 if is("proxima-explain") => {
                    signals.explain = !matches!(value.trim_ascii(), b"" | b"0");
                }
                8 if is("if-match") => signals.needs_origin = true,
                19 if is("if-unmodified-since") => signals.needs_origin = true,
                20 if is("proxima-min-position") => {
                    let position = std::str::from_utf8(value)
                        .ok()
                        .and_then(|text| text.trim().parse().ok());
                    signals.min_position = signals.min_position.max(position);
                    signals.needs_origin |= position.is_none();
                }
                _ => {}
            }
        });
        let has_directives = has_control || pragma;
        if !has_directives || obey == ClientCacheControl::Ignore {
            return signals;
        }
        signals.wanted = Wanted::from_request(&control, pragma && !has_control);
        signals.no_store = control.no_store;
        signals.only_if_cached = control.only_if_cached;
        signals
    }
}

/// Whether a `Connection` value names other fields than the usual.
fn names_fields(value: &[u8]) -> bool {
    let usual = |token: &[u8]| {
        ["", "close", "keep-alive", "te"]
            .iter()
            .any(|usual| token.eq_ignore_ascii_case(usual.as_bytes()))
    };
    !value.split(|&b| b == b',').all(|token| usual(token.trim_ascii()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signals(lines: &[(&'static str, &'static str)]) -> Signals {
        let lines: Vec<_> = lines
            .iter()
            .map(|(name, value)| httparse::Header {
                name,
                value: value.as_bytes(),
            })
            .collect();
        Signals::of(&Headers::Raw(&lines), ClientCacheControl::Obey)
    }

    #[test]
    fn one_pass_finds_every_signal() {
        let no_cache = signals(&[("Cache-Control", "no-cache")]).wanted;
        assert!(no_cache.asks_for_more());
        assert_eq!(signals(&[("pragma", "no-cache")]).wanted, no_cache);
        assert_eq!(
            signals(&[("pragma", "no-cache"), ("cache-control", "max-age=5")]).wanted,
            signals(&[("cache-control", "max-age=5")]).wanted
        );
        assert!(signals(&[("cache-control", "only-if-cached")]).only_if_cached);
        assert!(signals(&[("Authorization", "x")]).authorization);
        assert!(signals(&[("RANGE", "bytes=0-1")]).range);
        assert!(signals(&[("If-None-Match", "*")]).conditional);
        assert!(signals(&[("If-Match", "*")]).needs_origin);
        assert!(signals(&[("Connection", "close, X-Tenant")]).needs_origin);
        assert!(!signals(&[("Connection", "Keep-Alive, TE")]).needs_origin);
        assert!(signals(&[("Proxima-Explain", "1")]).explain);
        for off in ["", "0", " 0 "] {
            assert!(!signals(&[("Proxima-Explain", off)]).explain, "{off:?}");
        }
        let position = Some(Position {
            timeline: 0,
            offset: 7,
        });
        assert_eq!(signals(&[("Proxima-Min-Position", "0:7")]).min_position, position);
        assert!(
            signals(&[("Proxima-Min-Position", "seven")]).needs_origin,
            "the origin says what is wrong with it"
        );
    }

    #[test]
    fn a_route_may_have_no_ear_for_reloads() {
        let lines = [
            ("cache-control", "no-cache, no-store, only-if-cached"),
            ("pragma", "no-cache"),
        ];
        let lines = lines.map(|(name, value)| httparse::Header {
            name,
            value: value.as_bytes(),
        });
        let signals = Signals::of(&Headers::Raw(&lines), ClientCacheControl::Ignore);
        assert_eq!(signals.wanted, Wanted::default());
        assert!(!signals.no_store && !signals.only_if_cached);
    }

    #[test]
    fn repeated_fields_combine() {
        let lines = [("accept", " a "), ("Accept", "b")].map(|(name, v)| httparse::Header {
            name,
            value: v.as_bytes(),
        });
        let headers = Headers::Raw(&lines);
        assert_eq!(headers.combined("accept").unwrap(), b"a, b");
        assert_eq!(headers.combined("x"), None);
        assert_eq!(headers.to_map().get_all("accept").iter().count(), 2);
    }
}
