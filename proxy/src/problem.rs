//! Errors that a client sees: problem+json (RFC 9457).

use std::borrow::Cow;

use bytes::Bytes;
use http::StatusCode;

/// An answer that this proxy makes itself because it cannot give the one asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) detail: Cow<'static, str>,
    /// `Retry-After` in seconds (RFC 9110 section 10.2.3), where something can be said of that.
    pub(crate) retry_after_s: Option<u32>,
}

impl Problem {
    /// Media type of [`Self::body`].
    pub(crate) const CONTENT_TYPE: &'static str = "application/problem+json";

    pub(crate) fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            detail: detail.into(),
            retry_after_s: None,
        }
    }

    pub(crate) fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// The JSON document.
    pub(crate) fn body(&self) -> Bytes {
        let document = serde_json::json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        Bytes::from(document.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_the_members_of_rfc_9457() {
        let problem = Problem::new(StatusCode::BAD_GATEWAY, "origin `x` said \"no\"");
        let document: serde_json::Value = serde_json::from_slice(&problem.body()).unwrap();
        assert_eq!(document["status"], 502);
        assert_eq!(document["title"], "Bad Gateway");
        assert_eq!(document["detail"], "origin `x` said \"no\"");
    }
}
