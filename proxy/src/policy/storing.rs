//! Whether a response may be stored (RFC 9111 section 3), and what is kept of its freshness.

use http::header::{AGE, AUTHORIZATION, CACHE_CONTROL, DATE, EXPIRES, LAST_MODIFIED, SET_COOKIE, VARY};
use http::{HeaderMap, StatusCode};
use proxima_config::checked::{Route, Ttl};

use super::cache_control::{CacheControl, DELTA_SECONDS_MAX, Members, delta_seconds};
use super::freshness::Facts;
use crate::clock::UnixMillis;
use crate::fields;

/// Heuristic lifetime: this share of the time since `Last-Modified` (RFC 9111 section 4.2.2 suggests a tenth) …
const HEURISTIC_DIVISOR: u64 = 10;
/// … and never more than a day.
const HEURISTIC_MAX_S: u64 = 24 * 60 * 60;

/// One exchange with an origin, as far as storing is concerned.
pub(crate) struct Exchange<'e> {
    pub(crate) request: &'e HeaderMap,
    pub(crate) status: StatusCode,
    pub(crate) response: &'e HeaderMap,
    pub(crate) requested_at: UnixMillis,
    pub(crate) received_at: UnixMillis,
}

/// Why a response is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotStored {
    /// `no-store`, in the response or the request (sections 5.2.2.5, 5.2.1.5).
    NoStore,
    /// `private` (section 5.2.2.7).
    Private,
    /// The request had `Authorization` and the response does not open itself to sharing (section 3.5).
    Authorization,
    /// The response sets a cookie.
    SetCookie,
    /// `Vary: *` (section 4.1), or on a field that the origin sees other than the client sent it.
    VaryStar,
    /// A status that may not be stored, or not without an explicit lifetime.
    Status,
    /// Neither a lifetime nor what a heuristic needs.
    NoLifetime,
}

/// Decides whether a response to a GET is stored, and returns the facts to keep.
///
/// # Errors
/// The first reason against storing it.
pub(crate) fn decide(exchange: &Exchange<'_>, route: &Route) -> Result<Facts, NotStored> {
    let control = control_of(exchange.response);
    let request_control = control_of(exchange.request);
    if control.no_store || request_control.no_store {
        return Err(NotStored::NoStore);
    }
    if control.private {
        return Err(NotStored::Private);
    }
    let shared = control.public || control.s_maxage.is_some() || control.must_revalidate;
    if exchange.request.contains_key(AUTHORIZATION) && !shared {
        return Err(NotStored::Authorization);
    }
    if exchange.response.contains_key(SET_COOKIE) {
        return Err(NotStored::SetCookie);
    }
    if varies_on_everything(exchange.response) {
        return Err(NotStored::VaryStar);
    }
    let facts = facts(exchange, &control);
    let set_by_route =
        matches!(route.ttl, Ttl::Fixed(_)) || (is_negative(exchange.status) && route.negative_ttl.is_some());
    let explicit = explicit_lifetime(exchange, &control).is_some();
    match exchange.status.as_u16() {
        206 | 304 => return Err(NotStored::Status),
        status if !explicit && !is_heuristically_cacheable(status) => return Err(NotStored::Status),
        _ => {}
    }
    if facts.lifetime_s.is_none() && !set_by_route {
        return Err(NotStored::NoLifetime);
    }
    Ok(facts)
}

/// The directives of a header section.
pub(crate) fn control_of(headers: &HeaderMap) -> CacheControl {
    CacheControl::parse(
        headers
            .get_all(CACHE_CONTROL)
            .iter()
            .map(http::HeaderValue::as_bytes),
    )
}

/// Names that `Vary` lists, in lower case and sorted, each once.
pub(crate) fn vary_names(response: &HeaderMap) -> Vec<String> {
    let lines = response.get_all(VARY).iter().map(http::HeaderValue::as_bytes);
    let mut names: Vec<String> = lines
        .flat_map(Members)
        .map(|name| String::from_utf8_lossy(name).to_ascii_lowercase())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn varies_on_everything(response: &HeaderMap) -> bool {
    vary_names(response)
        .iter()
        .any(|name| name == "*" || fields::is_rewritten(name))
}

fn is_negative(status: StatusCode) -> bool {
    matches!(status.as_u16(), 404 | 410)
}

/// RFC 9110 section 15.1, less 206.
fn is_heuristically_cacheable(status: u16) -> bool {
    matches!(
        status,
        200 | 203 | 204 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501
    )
}

fn facts(exchange: &Exchange<'_>, control: &CacheControl) -> Facts {
    Facts {
        lifetime_s: explicit_lifetime(exchange, control).or_else(|| heuristic_lifetime(exchange)),
        stale_while_revalidate_s: control.stale_while_revalidate,
        stale_if_error_s: control.stale_if_error,
        no_cache: control.no_cache,
        must_revalidate: control.must_revalidate || control.proxy_revalidate || control.s_maxage.is_some(),
        initial_age_s: initial_age(exchange),
    }
}

/// RFC 9111 section 4.2.1: `s-maxage`, else `max-age`, else `Expires` less `Date`.
fn explicit_lifetime(exchange: &Exchange<'_>, control: &CacheControl) -> Option<u32> {
    let by_expires = || {
        let mut lines = exchange.response.get_all(EXPIRES).iter();
        let expires = lines.next()?;
        let date = date_of(exchange);
        // anything but one well-formed date is "already expired" (section 5.3)
        let expires = if lines.next().is_some() {
            None
        } else {
            http_date(expires.as_bytes())
        };
        let seconds = expires.map_or(0, |expires| expires.since(date).as_secs());
        Some(clamp_seconds(seconds))
    };
    control.s_maxage.or(control.max_age).or_else(by_expires)
}

fn heuristic_lifetime(exchange: &Exchange<'_>) -> Option<u32> {
    let modified = http_date(exchange.response.get(LAST_MODIFIED)?.as_bytes())?;
    let unchanged_for = date_of(exchange).since(modified).as_secs();
    Some(clamp_seconds(
        (unchanged_for / HEURISTIC_DIVISOR).min(HEURISTIC_MAX_S),
    ))
}

/// Age of an answer that another cache has already aged, for passing on; `None` for one fresh from its origin.
pub(crate) fn age_given(exchange: &Exchange<'_>) -> Option<u32> {
    exchange.response.contains_key(AGE).then(|| initial_age(exchange))
}

/// RFC 9111 section 4.2.3, in whole seconds. Of several `Age` lines or members the first counts (section 5.1).
fn initial_age(exchange: &Exchange<'_>) -> u32 {
    let first = exchange
        .response
        .get(AGE)
        .and_then(|line| Members(line.as_bytes()).next());
    let age = u64::from(first.and_then(delta_seconds).unwrap_or(0));
    let delay = exchange.received_at.since(exchange.requested_at).as_secs();
    let apparent = exchange.received_at.since(date_of(exchange)).as_secs();
    clamp_seconds(apparent.max(age + delay))
}

fn date_of(exchange: &Exchange<'_>) -> UnixMillis {
    let date = exchange
        .response
        .get(DATE)
        .and_then(|value| http_date(value.as_bytes()));
    date.unwrap_or(exchange.received_at)
}

/// RFC 9110 section 5.6.7, all three formats.
pub(crate) fn http_date(value: &[u8]) -> Option<UnixMillis> {
    let text = std::str::from_utf8(value).ok()?;
    httpdate::parse_http_date(text.trim()).ok().map(UnixMillis::from)
}

fn clamp_seconds(seconds: u64) -> u32 {
    u32::try_from(seconds)
        .unwrap_or(DELTA_SECONDS_MAX)
        .min(DELTA_SECONDS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::testing::route;
    use http::{HeaderName, HeaderValue};
    use std::time::Duration;

    const NOW_S: u64 = 784_111_777; // Sun, 06 Nov 1994 08:49:37 GMT

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&str, &str)| {
            (
                HeaderName::try_from(*name).unwrap(),
                HeaderValue::try_from(*value).unwrap(),
            )
        };
        lines.iter().map(pair).collect()
    }

    fn decide_for(
        status: u16,
        request: &[(&str, &str)],
        response: &[(&str, &str)],
        ttl: Ttl,
    ) -> Result<Facts, NotStored> {
        let exchange = Exchange {
            request: &headers(request),
            status: StatusCode::from_u16(status).unwrap(),
            response: &headers(response),
            requested_at: UnixMillis::from_secs(NOW_S),
            received_at: UnixMillis::from_secs(NOW_S),
        };
        decide(&exchange, &route(ttl))
    }

    #[test]
    fn lifetimes() {
        let expires =
            |value: &'static str| vec![("date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("expires", value)];
        for (response, lifetime) in [
            (vec![("cache-control", "max-age=60")], Some(60)),
            (vec![("cache-control", "max-age=60, s-maxage=5")], Some(5)),
            (
                vec![
                    ("cache-control", "max-age=x"),
                    ("expires", "Mon, 07 Nov 1994 08:49:37 GMT"),
                ],
                Some(0),
            ),
            (expires("Sun, 06 Nov 1994 08:50:37 GMT"), Some(60)),
            (expires("Sunday, 06-Nov-94 08:50:37 GMT"), Some(60)),
            (expires("Sun Nov  6 08:50:37 1994"), Some(60)),
            (expires("0"), Some(0)),
            (expires("Sun, 06 Nov 1994 08:40:37 GMT"), Some(0)),
            (vec![("last-modified", "Sun, 06 Nov 1994 08:48:37 GMT")], Some(6)),
            (
                vec![("last-modified", "Thu, 06 Nov 1980 08:48:37 GMT")],
                Some(86_400),
            ),
        ] {
            let facts = decide_for(200, &[], &response, Ttl::Origin).unwrap();
            assert_eq!(facts.lifetime_s, lifetime, "{response:?}");
        }
    }

    #[test]
    fn what_is_not_stored() {
        const LASTING: (&str, &str) = ("cache-control", "max-age=60");
        type Lines = &'static [(&'static str, &'static str)];
        let fixed = Ttl::Fixed(Duration::from_secs(60));
        let cases: &[(u16, Lines, Lines, Ttl, NotStored)] = &[
            (
                200,
                &[],
                &[("cache-control", "no-store, max-age=60")],
                fixed,
                NotStored::NoStore,
            ),
            (
                200,
                &[("cache-control", "no-store")],
                &[LASTING],
                fixed,
                NotStored::NoStore,
            ),
            (
                200,
                &[],
                &[("cache-control", "private, max-age=60")],
                fixed,
                NotStored::Private,
            ),
            (
                200,
                &[("authorization", "Bearer x")],
                &[LASTING],
                fixed,
                NotStored::Authorization,
            ),
            (
                200,
                &[],
                &[LASTING, ("set-cookie", "a=b")],
                fixed,
                NotStored::SetCookie,
            ),
            (
                200,
                &[],
                &[LASTING, ("vary", "accept, *")],
                fixed,
                NotStored::VaryStar,
            ),
            (206, &[], &[LASTING], fixed, NotStored::Status),
            (500, &[], &[], fixed, NotStored::Status),
            (302, &[], &[], Ttl::Origin, NotStored::Status),
            (200, &[], &[], Ttl::Origin, NotStored::NoLifetime),
        ];
        for (status, request, response, ttl, reason) in cases {
            assert_eq!(
                decide_for(*status, request, response, *ttl),
                Err(*reason),
                "{status} {response:?}"
            );
        }
    }

    #[test]
    fn what_is_stored() {
        for (status, request, response, ttl) in [
            (
                200,
                vec![("authorization", "x")],
                vec![("cache-control", "s-maxage=9")],
                Ttl::Origin,
            ),
            (
                200,
                vec![("authorization", "x")],
                vec![("cache-control", "public, max-age=9")],
                Ttl::Origin,
            ),
            (302, vec![], vec![("cache-control", "max-age=9")], Ttl::Origin),
            (503, vec![], vec![("cache-control", "max-age=9")], Ttl::Origin),
            (404, vec![], vec![], Ttl::Fixed(Duration::from_secs(1))),
            (
                200,
                vec![],
                vec![("cache-control", "no-cache, max-age=9")],
                Ttl::Origin,
            ),
        ] {
            assert!(
                decide_for(status, &request, &response, ttl).is_ok(),
                "{status} {response:?}"
            );
        }
    }

    #[test]
    fn ages() {
        for (response, age) in [
            (vec![("age", "30")], 30),
            (vec![("age", "30, 5")], 30),
            (vec![("age", "x")], 0),
            (vec![("age", "-1")], 0),
            (vec![("age", "99999999999")], DELTA_SECONDS_MAX),
            (vec![("date", "Sun, 06 Nov 1994 08:48:37 GMT")], 60),
            (vec![("date", "Sun, 06 Nov 1994 08:48:37 GMT"), ("age", "5")], 60),
        ] {
            let response: Vec<_> = response
                .into_iter()
                .chain([("cache-control", "max-age=9")])
                .collect();
            let facts = decide_for(200, &[], &response, Ttl::Origin).unwrap();
            assert_eq!(facts.initial_age_s, age, "{response:?}");
        }
    }
}
