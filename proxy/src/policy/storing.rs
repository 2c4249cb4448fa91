//! Whether a response may be stored (RFC 9111 section 3), and what is kept of its freshness.

use http::header::{ETAG, EXPIRES, LAST_MODIFIED, SET_COOKIE};
use http::{HeaderMap, HeaderName, StatusCode};
use proxima_config::checked::{Route, SetCookie, Ttl};

use super::age::{self, Timing};
use super::directives::clamp_seconds;
use super::freshness::Facts;
use super::response::ResponseControl;
use super::{http_date, vary};
use crate::request::Signals;

/// Heuristic lifetime: this share of the time since `Last-Modified` (RFC 9111 section 4.2.2 suggests a tenth) …
const HEURISTIC_DIVISOR: u64 = 10;
/// … and never more than a day.
const HEURISTIC_MAX_S: u64 = 24 * 60 * 60;

/// One exchange with an origin, as far as storing is concerned.
pub(crate) struct Exchange<'e> {
    pub(crate) request: Asked,
    pub(crate) status: StatusCode,
    pub(crate) response: &'e HeaderMap,
    pub(crate) timing: Timing,
}

/// What about the request decides whether its response is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Asked {
    pub(crate) authorization: bool,
    pub(crate) no_store: bool,
    /// It asked for a range, so that a part may be what it was given.
    pub(crate) range: bool,
    /// It was a POST, which takes more to be stored (RFC 9110 section 9.3.3).
    pub(crate) post: bool,
}

impl Asked {
    pub(crate) fn of(signals: &Signals) -> Self {
        Self {
            authorization: signals.authorization,
            no_store: signals.no_store,
            ..Self::default()
        }
    }
}

/// Why a response is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotStored {
    /// `no-store` in the request.
    RequestNoStore,
    /// `no-store` in the response, and no `must-understand` that overrides it.
    NoStore,
    /// `must-understand`, and a status that is not understood.
    NotUnderstood,
    /// `private`.
    Private,
    /// The request had `Authorization` and the response does not open itself to sharing.
    Authorization,
    /// The response sets a cookie.
    SetCookie,
    /// `Vary: *`, or on a field that the origin sees other than the client sent it.
    VaryStar,
    /// A status that may not be stored, or not without an explicit lifetime.
    Status,
    /// Never fresh, and with nothing to validate it by.
    OfNoUse,
    /// More than `cache.max_body`.
    TooLarge,
    /// A part that does not say which.
    NoPlace,
    /// The answer to a HEAD, which has no body to store.
    Head,
}

impl NotStored {
    /// What decided, in a few words, and the rule it comes from.
    pub(crate) fn explain(self) -> (&'static str, &'static str) {
        match self {
            Self::RequestNoStore => ("no-store in the request", "RFC 9111 section 5.2.1.5"),
            Self::NoStore => ("no-store", "RFC 9111 section 5.2.2.5"),
            Self::NotUnderstood => (
                "must-understand with an unknown status",
                "RFC 9111 section 5.2.2.3",
            ),
            Self::Private => ("private", "RFC 9111 section 5.2.2.7"),
            Self::Authorization => (
                "Authorization in the request, and no public, s-maxage or must-revalidate in the response",
                "RFC 9111 section 3.5",
            ),
            Self::SetCookie => (
                "Set-Cookie, and no public or s-maxage (route: set_cookie)",
                "RFC 9111 section 7.3",
            ),
            Self::VaryStar => (
                "Vary on everything, or on what the origin is not sent as the client sent it",
                "RFC 9111 section 4.1",
            ),
            Self::Status => ("a status that takes an explicit lifetime", "RFC 9111 section 3"),
            Self::OfNoUse => (
                "no lifetime, and neither ETag nor Last-Modified to validate it by",
                "RFC 9111 section 4.2.1",
            ),
            Self::TooLarge => (
                "a body larger than cache.max_body",
                "configuration: cache.max_body",
            ),
            Self::NoPlace => (
                "206 without a Content-Range that tells which part it is",
                "RFC 9111 section 3.3",
            ),
            Self::Head => (
                "the answer to a HEAD has no body to store",
                "RFC 9111 section 4.3.5",
            ),
        }
    }
}

/// Where a freshness lifetime comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    SMaxage,
    MaxAge,
    Expires,
    LastModified,
}

/// A response that may be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Storable {
    pub(crate) facts: Facts,
    /// Fields that only the first client may have.
    pub(crate) withheld: Vec<HeaderName>,
}

/// Decides whether a response is stored, and returns what to keep of it.
///
/// # Errors
/// The first reason against storing it.
pub(crate) fn decide(exchange: &Exchange<'_>, route: &Route) -> Result<Storable, NotStored> {
    let control = ResponseControl::of(exchange.response);
    let status = exchange.status.as_u16();
    let (asked, response) = (exchange.request, exchange.response);
    let shared = control.public || control.s_maxage.is_some();
    let understood = is_understood(status);
    let sets_cookie = response.contains_key(SET_COOKIE) && !control.withheld.contains(&SET_COOKIE);
    let reasons = [
        (asked.no_store, NotStored::RequestNoStore),
        (control.must_understand && !understood, NotStored::NotUnderstood),
        (control.no_store && !control.must_understand, NotStored::NoStore),
        (control.private, NotStored::Private),
        (
            asked.authorization && !shared && !control.must_revalidate,
            NotStored::Authorization,
        ),
        (
            sets_cookie && !shared && route.set_cookie == SetCookie::Explicit,
            NotStored::SetCookie,
        ),
        (vary::is_unselectable(response), NotStored::VaryStar),
        (!may_store_status(exchange, &control), NotStored::Status),
    ];
    if let Some((_, reason)) = reasons.iter().find(|(applies, _)| *applies) {
        return Err(*reason);
    }
    let facts = facts(exchange, &control);
    if !is_of_use(exchange, &facts, route) {
        return Err(NotStored::OfNoUse);
    }
    let mut withheld = control.withheld;
    if route.set_cookie == SetCookie::Strip {
        withheld.push(SET_COOKIE);
    }
    Ok(Storable { facts, withheld })
}

/// RFC 9111 section 3, on the status and the method.
fn may_store_status(exchange: &Exchange<'_>, control: &ResponseControl) -> bool {
    let explicit = explicit_lifetime(exchange.response, exchange.timing, control).is_some();
    match exchange.status.as_u16() {
        // what a client was given for a range is no answer to those who ask for the whole
        206 => exchange.request.range && (explicit || control.public || is_heuristically_cacheable(206)),
        304 | 416 => false,
        400.. if exchange.request.range => false,
        _ if exchange.request.post => explicit,
        status => explicit || control.public || is_heuristically_cacheable(status),
    }
}

/// Worth its room: it will be fresh for a while, may be served stale, or can be validated.
fn is_of_use(exchange: &Exchange<'_>, facts: &Facts, route: &Route) -> bool {
    let negative = matches!(exchange.status.as_u16(), 404 | 410) && route.negative_ttl.is_some();
    let set_by_route = matches!(route.ttl, Ttl::Fixed(_)) || negative;
    let has_validator = [ETAG, LAST_MODIFIED]
        .iter()
        .any(|name| exchange.response.contains_key(name));
    let lives = facts.lifetime_s > Some(0)
        || set_by_route
        || facts.stale_if_error_s > Some(0)
        || facts.stale_while_revalidate_s > Some(0);
    has_validator || (lives && !facts.no_cache)
}

/// RFC 9110 section 15.1.
fn is_heuristically_cacheable(status: u16) -> bool {
    matches!(
        status,
        200 | 203 | 204 | 206 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501
    )
}

/// Final status codes whose meaning for a cache is known here (RFC 9111 section 5.2.2.3): those of RFC 9110 and of the
/// registry, as far as they say nothing new about caching.
fn is_understood(status: u16) -> bool {
    matches!(
        status,
        200..=208 | 226 | 300..=305 | 307 | 308 | 400..=417 | 421..=426 | 428 | 429 | 431 | 451 | 500..=508 | 510 | 511
    )
}

fn facts(exchange: &Exchange<'_>, control: &ResponseControl) -> Facts {
    let lifetime = lifetime(exchange.response, exchange.timing, control);
    Facts {
        lifetime_s: lifetime.map(|(seconds, _)| seconds),
        heuristic: lifetime.is_some_and(|(_, source)| source == Source::LastModified),
        stale_while_revalidate_s: control.stale_while_revalidate,
        stale_if_error_s: control.stale_if_error,
        no_cache: control.no_cache,
        must_revalidate: control.must_revalidate || control.proxy_revalidate || control.s_maxage.is_some(),
        immutable: control.immutable,
        initial_age_s: age::initial(exchange.response, exchange.timing),
    }
}

/// Seconds that a response stays fresh by what its origin said, and what said so.
pub(crate) fn lifetime(
    response: &HeaderMap,
    timing: Timing,
    control: &ResponseControl,
) -> Option<(u32, Source)> {
    explicit_lifetime(response, timing, control).or_else(|| heuristic_lifetime(response, timing))
}

/// RFC 9111 section 4.2.1: `s-maxage`, else `max-age`, else `Expires` less `Date`. RFC 9213 section 2.2: no `Expires` where a
/// targeted field decides.
fn explicit_lifetime(
    response: &HeaderMap,
    timing: Timing,
    control: &ResponseControl,
) -> Option<(u32, Source)> {
    let by = |seconds: Option<u32>, source: Source| seconds.map(|seconds| (seconds, source));
    let by_expires = || {
        let lines = response.get_all(EXPIRES).iter().filter(|_| !control.targeted);
        let mut dates = lines.map(|line| http_date::parse(line.as_bytes(), timing.received_at));
        // what is no date, and what is two different ones, has expired (section 5.3)
        let first = dates.next()?;
        let expires = first.filter(|_| dates.all(|other| other == first));
        let date = age::date(response, timing.received_at);
        let seconds = expires.map_or(0, |expires| expires.since(date).as_secs());
        Some((clamp_seconds(seconds), Source::Expires))
    };
    by(control.s_maxage, Source::SMaxage)
        .or_else(|| by(control.max_age, Source::MaxAge))
        .or_else(by_expires)
}

/// RFC 9111 section 4.2.2.
fn heuristic_lifetime(response: &HeaderMap, timing: Timing) -> Option<(u32, Source)> {
    let modified = response.get(LAST_MODIFIED)?;
    let modified = http_date::parse(modified.as_bytes(), timing.received_at)?;
    let unchanged_s = age::date(response, timing.received_at).since(modified).as_secs();
    let seconds = clamp_seconds((unchanged_s / HEURISTIC_DIVISOR).min(HEURISTIC_MAX_S));
    Some((seconds, Source::LastModified))
}

#[cfg(test)]
mod tests;
