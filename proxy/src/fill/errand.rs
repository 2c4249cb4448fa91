//! What a fill asks an origin for.

use http::header::{ETAG, HOST, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, RANGE};
use http::{HeaderMap, HeaderValue};
use pingora::http::RequestHeader;

use crate::answer::place;
use crate::cache::entry::Entry;
use crate::fetch::FetchError;
use crate::fields;
use crate::floors::TagHash;
use crate::key;
use crate::policy::conditional::is_weak;
use crate::policy::partial;
use crate::proxy::Proxy;
use crate::read::Read;

/// What a fill is after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Errand {
    /// A whole response to a GET.
    Whole,
    /// The parts of one that the client asked for.
    Range,
    /// The response to a HEAD.
    Head,
}

/// What is stored, as far as a fill has to do with it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Held<'h> {
    /// Answers the request once the origin says that it is still good.
    pub(super) valid: Option<&'h Entry>,
    /// Its beginning is stored already: the rest will do.
    pub(super) start: Option<&'h Entry>,
}

/// The request that a fill sends: without preconditions of the client's, for exactly what the key names, that asks for data
/// at least as new as every change known here.
pub(super) fn origin_request(
    proxy: &Proxy,
    read: &Read<'_>,
    client: &HeaderMap,
    route_tags: &[String],
    (errand, held): (Errand, Held<'_>),
) -> Result<RequestHeader, FetchError> {
    let mut headers = client.clone();
    let (client_address, scheme) = (read.request.client, read.request.scheme);
    fields::for_fill(&mut headers, client_address, scheme, read.request.protocol);
    let unfit = |_| FetchError::Failed {
        origin: "none".into(),
        why: "the request cannot be passed on".into(),
    };
    let host = HeaderValue::from_str(proxy.origin_host(read.request.host)).map_err(|_| unfit(()))?;
    headers.insert(HOST, host);
    insert_conditions(&mut headers, client, errand, held);
    let tags = route_tags
        .iter()
        .map(|tag| TagHash::of_tag(tag))
        .chain([TagHash::of_url(read.key)]);
    let floor = proxy.coherence.min_position(tags).max(read.signals.min_position);
    if let Some(value) = floor.and_then(|floor| HeaderValue::from_str(&floor.to_string()).ok()) {
        headers.insert(fields::name::MIN_POSITION, value);
    }
    let method = if errand == Errand::Head { "HEAD" } else { "GET" };
    let target = target(read);
    let mut request =
        RequestHeader::build(method, target.as_bytes(), Some(headers.len())).map_err(|_| unfit(()))?;
    for (name, value) in &headers {
        request
            .append_header(name.clone(), value.clone())
            .map_err(|_| unfit(()))?;
    }
    Ok(request)
}

/// Path and query as the key has them.
fn target(read: &Read<'_>) -> String {
    let mut target = read.target.path.clone().into_owned();
    if let Some(query) = key::keyed_query(read.target.query, &read.route.route.query) {
        target.push('?');
        target.push_str(&query);
    }
    target
}

/// RFC 9111 section 4.3.1: validators of what is stored. A part that is asked for goes along as the client asked.
fn insert_conditions(headers: &mut HeaderMap, client: &HeaderMap, errand: Errand, held: Held<'_>) {
    if let Some(valid) = held.valid {
        for (validator, condition) in [(ETAG, IF_NONE_MATCH), (LAST_MODIFIED, IF_MODIFIED_SINCE)] {
            if let Some(value) = valid.headers().get(validator) {
                headers.insert(condition, value.clone());
            }
        }
    }
    if errand == Errand::Range {
        for name in [RANGE, IF_RANGE] {
            if let Some(value) = client.get(&name) {
                headers.insert(name, value.clone());
            }
        }
    }
    if let Some((etag, rest)) = held.start.and_then(rest_of) {
        headers.insert(IF_RANGE, etag);
        if let Ok(range) = HeaderValue::from_str(&format!("bytes={rest}-")) {
            headers.insert(RANGE, range);
        }
    }
}

/// The strong validator of a stored beginning, and where the rest begins.
pub(super) fn rest_of(start: &Entry) -> Option<(HeaderValue, u64)> {
    let etag = start
        .headers()
        .get(ETAG)
        .filter(|etag| !is_weak(etag.as_bytes()))?;
    Some((etag.clone(), partial::rest(&place(start)?)?))
}

/// The request without conditions: what is stored turned out to be of no help.
pub(super) fn unconditional(request: &RequestHeader, keep_range: bool) -> RequestHeader {
    let mut request = request.clone();
    for name in [IF_NONE_MATCH, IF_MODIFIED_SINCE] {
        request.remove_header(&name);
    }
    if !keep_range {
        request.remove_header(&IF_RANGE);
        request.remove_header(&RANGE);
    }
    request
}
