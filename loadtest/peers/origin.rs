//! The origin behind the servers: one object, and a count of how often it was asked for.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use axum::Router;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

/// Size of the object in bytes: a profile or a job offer without its prose.
pub(crate) const BODY_BYTES: usize = 1536;
/// Where it is.
pub(crate) const PATH: &str = "/profiles/7";

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
            .route(PATH, get(answer))
            .with_state(Arc::clone(&asked));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, asked })
    }

    /// Requests so far: a hit leaves it as it is.
    pub(crate) fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

async fn answer(State(asked): State<Arc<AtomicU64>>) -> Response {
    asked.fetch_add(1, Ordering::Relaxed);
    let fields = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "max-age=3600"),
        (ETAG, "\"7-1\""),
    ];
    (fields, body()).into_response()
}

/// JSON of exactly [`BODY_BYTES`].
fn body() -> String {
    let (head, tail) = ("{\"id\":\"7\",\"summary\":\"", "\"}");
    let filling = BODY_BYTES - head.len() - tail.len();
    format!("{head}{}{tail}", "x".repeat(filling))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn body_is_json_of_the_stated_size() {
        assert_eq!(body().len(), BODY_BYTES);
        assert!(serde_json::from_str::<serde_json::Value>(&body()).is_ok());
    }
}
