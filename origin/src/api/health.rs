//! Liveness and readiness.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::IntoResponse;
use http::header::CACHE_CONTROL;
use tokio::time::timeout;

use super::App;
use super::problem::Problem;

const DATABASE_TIMEOUT: Duration = Duration::from_secs(2);

/// The process runs.
pub(super) async fn live() -> impl IntoResponse {
    ([(CACHE_CONTROL, "no-store")], "ok\n")
}

/// The database answers, and we are not about to stop.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Result<impl IntoResponse, Problem> {
    if app.stopping.is_cancelled() {
        return Err(Problem::unavailable("stopping"));
    }
    match timeout(DATABASE_TIMEOUT, app.store.position()).await {
        Ok(Ok(_)) => Ok(([(CACHE_CONTROL, "no-store")], "ready\n")),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(Problem::unavailable("the database does not answer")),
    }
}
