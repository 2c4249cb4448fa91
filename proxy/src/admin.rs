//! The operators' listener: metrics, health, explanations and reloads.

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use serde_json::json;
use tokio::net::TcpListener;

use crate::cache::ring::RingReport;
use crate::clock::UnixMillis;
use crate::explain::inquiry::Inquiry;
use crate::problem::Problem;
use crate::proxy::Proxy;
use crate::reload::Reloader;
use crate::shutdown::Shutdown;

/// Serves until the server stops.
pub(crate) async fn serve(
    listener: TcpListener,
    proxy: Arc<Proxy>,
    reloader: Arc<Reloader>,
    mut shutdown: Shutdown,
) {
    let guarded = Router::new()
        .route("/metrics", get(metrics))
        .route("/explain", post(explain))
        .route("/ring", get(ring))
        .route("/reload", post(reload).with_state(reloader))
        .layer(from_fn_with_state(Arc::clone(&proxy), authorise));
    let router = Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .merge(guarded)
        .with_state(proxy);
    let stop = async move { shutdown.begun().await };
    if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stop).await {
        tracing::error!(%error, "the admin listener ended");
    }
}

/// The process lives.
async fn healthz() -> Json<serde_json::Value> {
    Json(json!({"status": "ok"}))
}

/// The proxy can do its work: an origin is healthy, and changes are heard of where there is a feed.
async fn readyz(State(proxy): State<Arc<Proxy>>) -> Response {
    let origins = proxy.upstreams.all();
    let healthy = origins.iter().filter(|origin| origin.health.is_healthy()).count();
    let feed = proxy.coherence.is_current();
    let nodes: Vec<_> = ring_report(&proxy)
        .iter()
        .flat_map(|report| &report.nodes)
        .map(|node| json!({"node": node.node, "in": node.state == "in"}))
        .collect();
    let ready = healthy > 0 && feed;
    let body = json!({
        "status": if ready { "ready" } else { "not ready" },
        "region": proxy.config.regions.own().name,
        "origins": origins.iter().map(|origin| json!({
            "origin": origin.address.text,
            "region": origin.region,
            "healthy": origin.health.is_healthy(),
        })).collect::<Vec<_>>(),
        "feed_current": feed,
        "ring": nodes,
    });
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(body)).into_response()
}

/// Each ring node as this proxy sees it: a [`RingReport`]; 404 where there is no ring.
async fn ring(State(proxy): State<Arc<Proxy>>) -> Response {
    match ring_report(&proxy) {
        Some(report) => Json(report).into_response(),
        None => problem(&Problem::new(
            StatusCode::NOT_FOUND,
            "this proxy has no ring, or the names of its nodes have not resolved yet; see [cache.ring]",
        )),
    }
}

fn ring_report(proxy: &Proxy) -> Option<RingReport> {
    let region = &proxy.config.regions.own().name;
    let ring = proxy.ring.load();
    ring.as_ref().map(|ring| ring.report(region, UnixMillis::now()))
}

/// What would be done with a request now, and why. Takes an [`Inquiry`], answers a [`crate::explain::report::Report`].
async fn explain(State(proxy): State<Arc<Proxy>>, body: Bytes) -> Response {
    let inquiry: Inquiry = match serde_json::from_slice(&body) {
        Ok(inquiry) => inquiry,
        Err(error) => {
            let detail = format!(
                "the body is not an inquiry: {error}; send JSON such as {{\"url\":\"https://api.example/profiles/7\"}}"
            );
            return problem(&Problem::bad_request(detail));
        }
    };
    match proxy.explain(&inquiry).await {
        Ok(report) => Json(report).into_response(),
        Err(refused) => problem(&refused),
    }
}

/// Reads the configuration again. Answers a [`crate::reload::Reloaded`], or why nothing has changed.
async fn reload(State(reloader): State<Arc<Reloader>>) -> Response {
    match reloader.reload().await {
        Ok(reloaded) => Json(reloaded).into_response(),
        Err(error) => problem(&error.problem()),
    }
}

fn problem(problem: &Problem) -> Response {
    let headers = [(header::CONTENT_TYPE, Problem::CONTENT_TYPE)];
    (problem.status, headers, problem.body()).into_response()
}

async fn metrics(State(proxy): State<Arc<Proxy>>) -> Response {
    // counters that are kept elsewhere are set anew: two scrapes at once would see each other's work half done
    let _turn = proxy.metrics.scrape.lock();
    sample(&proxy);
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4")],
        proxy.metrics.render(),
    )
        .into_response()
}

/// Gauges that are read rather than kept.
fn sample(proxy: &Proxy) {
    let gauge = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let (entries, bytes) = proxy.l1.usage();
    proxy.metrics.l1_entries.set(gauge(entries));
    proxy.metrics.l1_bytes.set(gauge(bytes));
    let fills = proxy.under_way.started_at();
    proxy.metrics.fills_in_flight.set(gauge(fills.len() as u64));
    let oldest_ms = fills.iter().map(|at| at.0).min().unwrap_or_default();
    proxy.metrics.fills_oldest_start.set(oldest_ms as f64 / 1000.0);
    let gate = &proxy.fetcher.gate;
    proxy.metrics.origin_fetches.set(gauge(gate.in_flight() as u64));
    proxy
        .metrics
        .origin_fetches_queued
        .set(gauge(gate.waiting() as u64));
    for (index, origin) in proxy.upstreams.all().iter().enumerate() {
        let labels = [origin.region.as_str(), &index.to_string()];
        proxy
            .metrics
            .origin_healthy
            .with_label_values(&labels)
            .set(i64::from(origin.health.is_healthy()));
    }
    proxy.metrics.ring.sample(ring_report(proxy).as_ref());
}

/// Asks for the bearer token where one is configured.
async fn authorise(State(proxy): State<Arc<Proxy>>, request: Request, next: Next) -> Response {
    let token = proxy
        .config
        .admin
        .as_ref()
        .and_then(|admin| admin.token.as_deref());
    let Some(token) = token else {
        return next.run(request).await;
    };
    let given = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let given = given
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or_default();
    if same(given.as_bytes(), token.as_bytes()) {
        return next.run(request).await;
    }
    let body = json!({"type": "about:blank", "title": "Unauthorized", "status": 401,
        "detail": "send `Authorization: Bearer` with the token of [admin] in the configuration"});
    let headers = [
        (header::WWW_AUTHENTICATE, "Bearer"),
        (header::CONTENT_TYPE, "application/problem+json"),
    ];
    (StatusCode::UNAUTHORIZED, headers, body.to_string()).into_response()
}

/// Compares without telling by its time where two texts differ.
fn same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && left.iter().zip(right).fold(0, |acc, (a, b)| acc | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn tokens_are_compared_whole() {
        assert!(same(b"secret", b"secret"));
        assert!(!same(b"secreT", b"secret"));
        assert!(!same(b"", b"secret"));
        assert!(!same(b"secret-and-more", b"secret"));
    }
}
