//! `Max-Forwards`: requests that count the proxies that they pass (RFC 9110 section 7.6.2).

use http::header::{ALLOW, CONTENT_LENGTH, MAX_FORWARDS};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use pingora::http::{RequestHeader, ResponseHeader};

/// Whether the field of a request with this method is heeded.
fn counts(method: &Method) -> bool {
    matches!(*method, Method::OPTIONS | Method::TRACE)
}

fn left(headers: &HeaderMap) -> Option<u64> {
    headers.get(MAX_FORWARDS)?.to_str().ok()?.trim().parse().ok()
}

/// Takes one off what the request may still pass.
pub(super) fn count_down(method: &Method, headers: &mut HeaderMap) {
    if let Some(left) = left(headers).filter(|_| counts(method)) {
        headers.insert(MAX_FORWARDS, HeaderValue::from(left.saturating_sub(1)));
    }
}

/// Whether the request may go no further.
pub(super) fn ends_here(request: &RequestHeader) -> bool {
    counts(&request.method) && left(&request.headers) == Some(0)
}

/// The answer to a request that may go no further. Nothing is told to TRACE: what it would echo may hold secrets.
pub(super) fn answer(request: &RequestHeader, cache_status: &str) -> pingora::Result<ResponseHeader> {
    let status = if request.method == Method::OPTIONS {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::METHOD_NOT_ALLOWED
    };
    let mut answer = ResponseHeader::build(status, Some(3))?;
    answer.insert_header(ALLOW, "GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE")?;
    answer.insert_header(crate::fields::name::CACHE_STATUS, cache_status)?;
    if status != StatusCode::NO_CONTENT {
        answer.insert_header(CONTENT_LENGTH, "0")?;
    }
    Ok(answer)
}
