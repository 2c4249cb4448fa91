//! Header fields of HTTP/2 answers.

use http::header::AGE;
use http::{HeaderMap, HeaderValue};

use crate::answer::{Form, Stored};
use crate::fields::{
    self,
    name::{CACHE_STATUS, EXPLAIN},
};
use crate::proxy::Proxy;
use crate::status::CacheStatus;

/// `Age`, `Cache-Status`, `Proxima-Explain`, and a `Date` where the origin gave none.
const ADDED_MAX: usize = 4;

/// Fields of the answer that a stored response makes. `text` is room that the caller keeps.
pub(super) fn of_stored(
    proxy: &Proxy,
    stored: &Stored,
    explained: Option<HeaderValue>,
    text: &mut String,
) -> HeaderMap {
    let mut headers = match &stored.form {
        Form::Whole => with_room(stored.entry.headers()),
        Form::Made(made) => made.headers.clone(),
        Form::NotModified => fields::of_not_modified(stored.entry.headers()),
    };
    headers.extend(stored.age_s.map(|age_s| (AGE, HeaderValue::from(age_s))));
    add_status(proxy, &mut headers, &stored.status, text);
    headers.extend(explained.map(|explained| (EXPLAIN, explained)));
    headers
}

/// A copy that grows by what is added here without being moved: a clone has no room to spare.
pub(super) fn with_room(fields: &HeaderMap) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(fields.len() + ADDED_MAX);
    for (name, value) in fields {
        headers.append(name.clone(), value.clone());
    }
    headers
}

/// Says what the cache did.
pub(super) fn add_status(proxy: &Proxy, headers: &mut HeaderMap, status: &CacheStatus, text: &mut String) {
    text.clear();
    status.write(&proxy.cache_name, text);
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.append(CACHE_STATUS, value);
    }
}
