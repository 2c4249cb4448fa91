//! Errors as clients see them: problem details, RFC 9457.

use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::Serialize;

use crate::model::{FieldError, Kind};
use crate::store::StoreError;

/// An error answer.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    /// Last part of the `type` URN; one per cause, so that clients can tell two causes of one status apart.
    cause: &'static str,
    detail: String,
    errors: Vec<FieldError>,
    /// Boxed to keep results that carry a problem small.
    headers: Box<HeaderMap>,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
}

impl Problem {
    fn new(status: StatusCode, cause: &'static str, detail: impl Into<String>) -> Self {
        let mut headers = Box::new(HeaderMap::new());
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Self {
            status,
            cause,
            detail: detail.into(),
            errors: Vec::new(),
            headers,
        }
    }

    /// Adds a header field, replacing one of the same name.
    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Adds header fields, replacing those of the same names.
    pub(super) fn with_all(mut self, headers: HeaderMap) -> Self {
        self.headers.extend(headers);
        self
    }

    /// 400: a query parameter or header field, named, makes no sense.
    pub(super) fn bad_parameter(name: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let mut problem = Self::new(
            StatusCode::BAD_REQUEST,
            "bad-parameter",
            format!("{name}: {detail}"),
        );
        problem.errors = vec![FieldError {
            field: name.to_owned(),
            detail,
        }];
        problem
    }

    /// 400: the body is not JSON, or ended early.
    pub(super) fn unreadable_body(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "unreadable-body", detail)
    }

    /// 400: the body is JSON, but a field has the wrong type or does not exist.
    pub(super) fn wrong_shape(error: FieldError) -> Self {
        let detail = format!("{}: {}", error.field, error.detail);
        let mut problem = Self::new(StatusCode::BAD_REQUEST, "wrong-shape", detail);
        problem.errors = vec![error];
        problem
    }

    /// 422: fields have the right types, but values that are not allowed.
    pub(super) fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [only] => format!("{}: {}", only.field, only.detail),
            several => format!("{} fields are not valid", several.len()),
        };
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail);
        problem.errors = errors;
        problem
    }

    /// 422: `Idempotency-Key` was used with another body.
    pub(super) fn key_reused() -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency-key-reused",
            "this Idempotency-Key was used before with another body; use a new key",
        )
    }

    /// 404.
    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    /// 404: the id is well formed, the object is not there.
    pub(super) fn no_object(kind: Kind, id: i64) -> Self {
        Self::not_found(format!("{} {id} does not exist", kind.noun()))
    }

    /// 405; the router adds `Allow`.
    pub(super) fn method_not_allowed(method: &Method) -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            format!("{method} is not possible here; the Allow field lists what is"),
        )
    }

    /// 408.
    pub(super) fn too_slow() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "too-slow",
            "the request body did not arrive in time",
        )
    }

    /// 409.
    pub(super) fn duplicate(kind: Kind) -> Self {
        let field = kind.unique_field();
        let detail = format!("another {} has the same {field}", kind.noun());
        let mut problem = Self::new(StatusCode::CONFLICT, "duplicate", detail.clone());
        problem.errors = vec![FieldError {
            field: field.to_owned(),
            detail,
        }];
        problem
    }

    /// 410: the feed cannot go on from there.
    pub(super) fn gone(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::GONE, "feed-position-gone", detail)
    }

    /// 412.
    pub(super) fn precondition_failed() -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "precondition-failed",
            "the object is not in the state that the request requires; read it again",
        )
    }

    /// 413.
    pub(super) fn too_large(bytes_max: u64) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            format!("the body is larger than {bytes_max} bytes"),
        )
    }

    /// 415, with what would be accepted.
    pub(super) fn unsupported_type(accepted: &'static str) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            format!("send the body as {accepted}, without Content-Encoding"),
        )
        .with(ACCEPT, HeaderValue::from_static(accepted))
    }

    /// 503.
    pub(super) fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
            .with(RETRY_AFTER, HeaderValue::from_static("1"))
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Duplicate(kind) => Self::duplicate(kind),
            StoreError::Busy(cause) => {
                tracing::warn!(%cause, "the database is busy");
                Self::unavailable("the database is busy")
            }
            failure => {
                tracing::error!(%failure, "the store failed");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "internal",
                    "the origin failed; its log says why",
                )
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Body {
            r#type: format!("urn:proxima:problem:{}", self.cause),
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            errors: &self.errors,
        };
        let json = serde_json::to_string(&body).expect("a struct of strings and numbers serialises");
        let content_type = [(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"))];
        (self.status, content_type, *self.headers, json).into_response()
    }
}
