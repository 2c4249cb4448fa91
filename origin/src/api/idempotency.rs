//! The `Idempotency-Key` field (draft-ietf-httpapi-idempotency-key-header).

use http::{HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest, Sha256};

use super::problem::Problem;
use crate::store::{Once, hex};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Marks an answer that was given before.
pub(super) const REPLAYED: (HeaderName, HeaderValue) = (
    HeaderName::from_static("idempotency-replayed"),
    HeaderValue::from_static("true"),
);
const KEY_BYTES_MAX: usize = 255;

/// Reads the key, if there is one, and ties it to the body. Quotes around it belong to it.
pub(super) fn once(headers: &HeaderMap, body: &[u8]) -> Result<Option<Once>, Problem> {
    let mut keys = headers.get_all(&KEY).iter();
    let Some(key) = keys.next() else { return Ok(None) };
    let text = key
        .to_str()
        .ok()
        .filter(|text| (1..=KEY_BYTES_MAX).contains(&text.len()));
    match (text, keys.next()) {
        (Some(text), None) => Ok(Some(Once {
            key: text.to_owned(),
            request_sha256: hex(&Sha256::digest(body)),
        })),
        _ => Err(Problem::bad_parameter(
            KEY.as_str(),
            format!("must be given once, 1 to {KEY_BYTES_MAX} visible ASCII characters"),
        )),
    }
}
