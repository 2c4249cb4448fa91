//! The two fronts: what speaks HTTP/1 and HTTP/2 with clients, and how both write answers.

mod cork;
pub(crate) mod h1;
mod h1_answer;
pub(crate) mod h1_head;
mod h1_send;
pub(crate) mod h2;
mod h2_fields;
mod h2_head;
mod h2_reply;
mod h2_session;
mod h2_stream;
pub(crate) mod log;
mod patience;
pub(crate) mod upload;

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::response::Parts;
use http::{HeaderValue, Response};
use pingora::apps::HttpServerApp;
use pingora::protocols::Stream;
use pingora::protocols::http::ServerSession;
use pingora::proxy::HttpProxy;

use crate::forward::Forward;
use crate::problem::Problem;
use crate::proxy::Proxy;
use crate::shutdown::Shutdown;

/// What every connection needs.
#[derive(Clone)]
pub(crate) struct Front {
    pub(crate) proxy: Arc<Proxy>,
    /// Takes what is not for the cache.
    pub(crate) forwarder: Arc<HttpProxy<Forward>>,
    pub(crate) shutdown: Shutdown,
}

impl Front {
    /// Hands a request that is not for the cache to pingora's proxy. What comes back is the connection, if it lives.
    pub(crate) async fn forward(&self, session: ServerSession) -> Option<Stream> {
        let reused = self
            .forwarder
            .process_new_http(session, self.shutdown.signal())
            .await?;
        Some(reused.consume().0)
    }
}

/// Head and body of a problem.
pub(crate) fn problem_answer(problem: &Problem) -> (Parts, Bytes) {
    let body = problem.body();
    let (mut head, ()) = Response::new(()).into_parts();
    head.status = problem.status;
    head.headers
        .insert(CONTENT_TYPE, HeaderValue::from_static(Problem::CONTENT_TYPE));
    head.headers
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    head.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    let retry_after = problem.retry_after_s.map(HeaderValue::from);
    head.headers.extend(retry_after.map(|value| (RETRY_AFTER, value)));
    (head, body)
}
