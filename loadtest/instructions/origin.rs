//! The origin: any number of objects that all look the same.

use std::net::SocketAddr;

use anyhow::Context;
use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::routing::get;
use tokio::net::TcpListener;

/// What every object has as its `ETag`.
pub(crate) const TAG: &str = "\"1\"";
/// Size of an object in bytes, that of a profile or a job offer without its prose.
const BODY_BYTES: usize = 1536;

/// Starts it on a free port; it serves as long as the runtime lives.
pub(crate) async fn start() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("origin")?;
    let address = listener.local_addr()?;
    let fields = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "max-age=86400"),
        (ETAG, TAG),
    ];
    let body = format!("\"{}\"", "x".repeat(BODY_BYTES - 2));
    let answer = (fields, body);
    let router = Router::new().route(&path("{id}"), get(async move || answer.clone()));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

/// Where an object is.
pub(crate) fn path(id: impl std::fmt::Display) -> String {
    format!("/profiles/{id}")
}
