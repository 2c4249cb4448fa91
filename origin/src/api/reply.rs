//! Header fields that answers to reads and writes share.

use std::time::SystemTime;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, LAST_MODIFIED};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::App;
use super::body::JSON;
use super::precondition::Validators;
use crate::model::Kind;
use crate::position::Position;
use crate::store::{Record, system_time};

pub(super) const POSITION: HeaderName = HeaderName::from_static("proxima-position");
const SURROGATE_KEY: HeaderName = HeaderName::from_static("surrogate-key");

/// Turns text that we made of digits and names into a field value.
pub(super) fn value(text: impl AsRef<str>) -> HeaderValue {
    HeaderValue::from_str(text.as_ref()).expect("our own field values are visible ASCII")
}

/// Of an object: its version is its entity tag.
pub(super) fn validators(record: &Record) -> Validators {
    Validators {
        etag: etag(record.version),
        modified: system_time(record.updated_ms),
    }
}

/// A version as an entity tag.
pub(super) fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

/// Fields of an answer to a read, whether it found something or not.
pub(super) fn read(app: &App, position: Position, tag: &str) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(CACHE_CONTROL, app.cache_control.clone());
    headers.insert(POSITION, value(position.to_string()));
    headers.insert(SURROGATE_KEY, value(tag));
    headers
}

/// Fields of an answer to a write of one object.
pub(super) fn wrote(kind: Kind, id: i64, position: Position) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(POSITION, value(position.to_string()));
    headers.insert(
        SURROGATE_KEY,
        value(format!("{} {}", kind.tag(id), kind.collection())),
    );
    headers
}

/// Adds what identifies the state that the answer shows.
pub(super) fn add_validators(headers: &mut HeaderMap, validators: &Validators) {
    headers.insert(ETAG, value(&validators.etag));
    headers.insert(
        LAST_MODIFIED,
        value(httpdate::fmt_http_date(not_in_future(validators.modified))),
    );
}

/// RFC 9110 section 8.8.2.1: an origin must not send a modification date later than its own clock.
fn not_in_future(time: SystemTime) -> SystemTime {
    time.min(SystemTime::now())
}

/// Marks the body as JSON.
pub(super) fn add_json(headers: &mut HeaderMap) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
}
