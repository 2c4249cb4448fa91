//! A request, ready to go.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONNECTION;
use http::{HeaderName, HeaderValue, Method};

use super::target::Target;

/// One request. `Content-Length` is set from the body, whatever `headers` say.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its method.
    pub method: Method,
    /// Where it goes.
    pub target: Rc<Target>,
    /// What goes with it, in this order. `host` stands for the URL's host in `Host` and `:authority`; neither where the
    /// request goes nor TLS heed it.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Empty for none.
    pub body: Bytes,
    /// For everything from the look-up of the name to the body's last byte; [`Duration::MAX`] for as long as it takes.
    pub timeout: Duration,
    /// The response's body is read and thrown away.
    pub discard_body: bool,
}

impl Request {
    /// The first value of a field.
    pub(super) fn header(&self, name: &HeaderName) -> Option<&HeaderValue> {
        self.headers
            .iter()
            .find_map(|(known, value)| (known == name).then_some(value))
    }

    /// The caller asked for the connection to be closed.
    pub(super) fn wants_close(&self) -> bool {
        self.header(&CONNECTION).is_some_and(|value| {
            let mut tokens = value.as_bytes().split(|byte| *byte == b',');
            tokens.any(|token| token.trim_ascii().eq_ignore_ascii_case(b"close"))
        })
    }

    /// A `Content-Length` is written: there is a body, or the method is one that servers expect a body of.
    pub(super) fn has_content_length(&self) -> bool {
        !self.body.is_empty() || matches!(self.method, Method::POST | Method::PUT | Method::PATCH)
    }

    /// Sending it twice does what sending it once does (as Go sees it).
    pub(super) fn is_replayable(&self) -> bool {
        matches!(
            self.method,
            Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
        ) || self
            .headers
            .iter()
            .any(|(name, _)| matches!(name.as_str(), "idempotency-key" | "x-idempotency-key"))
    }
}
