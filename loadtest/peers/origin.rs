//! The origin behind the servers: the catalogue's objects, and a count of how often it was asked for one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use crate::catalogue::Sizes;

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
            .route(&format!("{}{{id}}", Sizes::Even.path_prefix()), get(even))
            .route(&format!("{}{{id}}", Sizes::Spread.path_prefix()), get(spread))
            .with_state(Arc::clone(&asked));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, asked })
    }

    /// Requests so far: a hit leaves it as it is.
    pub(crate) fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

type Asked = State<Arc<AtomicU64>>;

async fn even(asked: Asked, Path(id): Path<u32>) -> Response {
    answer(&asked, Sizes::Even, id)
}

async fn spread(asked: Asked, Path(id): Path<u32>) -> Response {
    answer(&asked, Sizes::Spread, id)
}

fn answer(asked: &AtomicU64, sizes: Sizes, id: u32) -> Response {
    asked.fetch_add(1, Ordering::Relaxed);
    let fields = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static(LIFETIME)),
    ];
    let tag = [(ETAG, format!("\"{id}-1\""))];
    (fields, tag, sizes.body(id)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Client;

    #[tokio::test]
    async fn objects_have_their_size_and_each_request_counts() {
        let origin = Origin::start().await.unwrap();
        let mut client = Client::connect(origin.address).await.unwrap();
        for (place, sizes) in (1..).zip(Sizes::ALL) {
            assert_eq!(client.get(&sizes.path(70_000)).await.unwrap(), sizes.size(70_000));
            assert_eq!(origin.asked(), place);
        }
        assert!(client.get("/elsewhere").await.is_err());
    }
}
