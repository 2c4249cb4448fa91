//! The two fronts: what speaks HTTP/1 and HTTP/2 with clients, and how both write answers.

pub(crate) mod h1;
mod h1_answer;
pub(crate) mod h1_head;
pub(crate) mod h2;
pub(crate) mod log;
pub(crate) mod upload;

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use pingora::apps::HttpServerApp;
use pingora::http::ResponseHeader;
use pingora::proxy::HttpProxy;
use tokio::sync::watch;

use crate::forward::Forward;
use crate::problem::Problem;
use crate::proxy::Proxy;

/// What every connection needs.
#[derive(Clone)]
pub(crate) struct Front {
    pub(crate) proxy: Arc<Proxy>,
    /// Takes what is not for the cache.
    pub(crate) forwarder: Arc<HttpProxy<Forward>>,
    /// Turns true when the server stops.
    pub(crate) shutdown: watch::Receiver<bool>,
}

impl Front {
    /// Hands a request that is not for the cache to pingora's proxy. What comes back is the connection, if it lives.
    pub(crate) async fn forward(
        &self,
        session: pingora::protocols::http::ServerSession,
    ) -> Option<pingora::protocols::Stream> {
        let reused = self.forwarder.process_new_http(session, &self.shutdown).await?;
        Some(reused.consume().0)
    }
}

/// Waits until the server stops.
pub(crate) async fn stopped(shutdown: &mut watch::Receiver<bool>) {
    let _ = shutdown.wait_for(|stop| *stop).await;
}

/// Head and body of a problem, for what writes through pingora.
pub(crate) fn problem_answer(problem: &Problem) -> pingora::Result<(ResponseHeader, Bytes)> {
    let body = problem.body();
    let mut header = ResponseHeader::build(problem.status, Some(4))?;
    header.insert_header(CONTENT_TYPE, Problem::CONTENT_TYPE)?;
    header.insert_header(CACHE_CONTROL, "no-store")?;
    header.insert_header(CONTENT_LENGTH, HeaderValue::from(body.len()))?;
    Ok((header, body))
}
