//! Reading a JSON request body into an object, within limits of size and time.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::problem::Problem;
use crate::model::{FieldError, Resource};

const JSON_BYTES_MAX: usize = 1 << 20;
/// How much of a body beyond the limit is still read, and thrown away. A connection that is closed with bytes unread is
/// reset, and the client may never see why it was refused.
const DISCARDED_BYTES_MAX: usize = 4 << 20;
const JSON_TIMEOUT: Duration = Duration::from_secs(15);

pub(super) const JSON: &str = "application/json";
pub(super) const PATCHES: &str = "application/merge-patch+json, application/json";

/// Reads a body of one of the media types `accepted`, a list as in the `Accept` field.
pub(super) async fn read(headers: &HeaderMap, body: Body, accepted: &'static str) -> Result<Bytes, Problem> {
    let fits = media_type(headers).is_some_and(|sent| accepted.split(", ").any(|known| known == sent));
    if !fits || headers.contains_key(CONTENT_ENCODING) {
        return Err(Problem::unsupported_type(accepted));
    }
    timeout(JSON_TIMEOUT, collect(body))
        .await
        .map_err(|_| Problem::too_slow())?
}

async fn collect(body: Body) -> Result<Bytes, Problem> {
    let mut stream = body.into_data_stream();
    let mut bytes = BytesMut::new();
    let mut read_bytes = 0;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Problem::unreadable_body("the body ended early"))?;
        read_bytes += chunk.len();
        if read_bytes > JSON_BYTES_MAX + DISCARDED_BYTES_MAX {
            break;
        }
        if read_bytes <= JSON_BYTES_MAX {
            bytes.extend_from_slice(&chunk);
        }
    }
    if read_bytes > JSON_BYTES_MAX {
        return Err(Problem::too_large(JSON_BYTES_MAX as u64));
    }
    Ok(bytes.freeze())
}

/// What `Content-Length` says; the HTTP parser has refused what is not a number.
pub(super) fn declared_size(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The media type without parameters, lower case.
fn media_type(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(text.split(';').next().unwrap_or(text).trim().to_ascii_lowercase())
}

/// Parses JSON.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(bytes).map_err(|error| Problem::unreadable_body(format!("not JSON: {error}")))
}

/// Makes a checked object of JSON. What only the server sets may be present, as a client that sends back what
/// it read will have it, and is ignored; but `id` must then be that of the object, if it has one already.
pub(super) fn object<R: Resource>(json: Value, id: Option<i64>) -> Result<R, Problem> {
    let Value::Object(mut members) = json else {
        let detail = "the body must be a JSON object".to_owned();
        return Err(Problem::wrong_shape(FieldError {
            field: String::new(),
            detail,
        }));
    };
    drop_read_only::<R>(&mut members, id)?;
    let object: R = serde_path_to_error::deserialize(Value::Object(members)).map_err(|error| {
        Problem::wrong_shape(FieldError {
            field: error.path().to_string(),
            detail: error.into_inner().to_string(),
        })
    })?;
    match object.check() {
        errors if errors.is_empty() => Ok(object),
        errors => Err(Problem::invalid(errors)),
    }
}

fn drop_read_only<R: Resource>(members: &mut Map<String, Value>, id: Option<i64>) -> Result<(), Problem> {
    if let Some(sent) = members.get("id")
        && sent.as_i64() != id
    {
        let detail = match id {
            Some(id) => format!("must be {id} as in the path, or be left out"),
            None => "is assigned by the server; leave it out".to_owned(),
        };
        return Err(Problem::invalid(vec![FieldError {
            field: "id".to_owned(),
            detail,
        }]));
    }
    members.retain(|name, _| !R::READ_ONLY.contains(&name.as_str()));
    Ok(())
}
