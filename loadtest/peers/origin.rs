//! The origin behind the servers: objects of one size, and a count of how often it was asked for one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

/// Size of an object in bytes: a profile or a job offer without its prose.
pub(crate) const BODY_BYTES: usize = 1536;
/// What the path of every object begins with; its id follows.
pub(crate) const PATH_PREFIX: &str = "/profiles/";
/// For a day, which is longer than any run.
const LIFETIME: &str = "max-age=86400";

/// A running origin.
pub(crate) struct Origin {
    /// Its plain HTTP address.
    pub(crate) address: SocketAddr,
    asked: Arc<AtomicU64>,
}

impl Origin {
    /// Starts on a free port and serves as long as the runtime lives.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("origin")?;
        let address = listener.local_addr()?;
        let asked = Arc::new(AtomicU64::new(0));
        let router = Router::new()
            .route(&format!("{PATH_PREFIX}{{id}}"), get(answer))
            .with_state(Arc::clone(&asked));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, asked })
    }

    /// Requests so far: a hit leaves it as it is.
    pub(crate) fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

/// Where an object is.
pub(crate) fn path(id: u32) -> String {
    format!("{PATH_PREFIX}{id}")
}

async fn answer(State(asked): State<Arc<AtomicU64>>, Path(id): Path<u32>) -> Response {
    asked.fetch_add(1, Ordering::Relaxed);
    let fields = [
        (CONTENT_TYPE, "application/json".to_owned()),
        (CACHE_CONTROL, LIFETIME.to_owned()),
        (ETAG, format!("\"{id}-1\"")),
    ];
    (fields, body(id)).into_response()
}

/// JSON of exactly [`BODY_BYTES`], different for each object.
pub(crate) fn body(id: u32) -> String {
    let (head, tail) = (format!("{{\"id\":\"{id}\",\"summary\":\""), "\"}");
    let filling = BODY_BYTES - head.len() - tail.len();
    format!("{head}{}{tail}", "x".repeat(filling))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_json_of_the_stated_size() {
        for id in [0, 7, 999, u32::MAX] {
            let text = body(id);
            assert_eq!(text.len(), BODY_BYTES);
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(value["id"], id.to_string());
        }
    }
}
