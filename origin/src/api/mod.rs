//! The HTTP API: which request goes where, and what every answer has in common.

mod body;
mod cursor;
mod feed;
mod fields;
mod health;
mod idempotency;
mod list;
mod merge_patch;
mod object;
mod precondition;
mod problem;
mod query;
mod reply;
mod resume;
mod wait;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Path, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::model::{Job, Kind, MAX_ID, Profile};
use crate::store::Store;
use problem::Problem;

/// What handlers work with.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) store: Store,
    /// Sent as `Proxima-Origin`.
    pub(crate) region: HeaderValue,
    /// `Cache-Control` of reads.
    pub(crate) cache_control: HeaderValue,
    /// One permit per open feed.
    pub(crate) feeds: Arc<Semaphore>,
    /// Ends the feeds, which would otherwise go on for ever.
    pub(crate) stopping: CancellationToken,
}

/// How many feeds may be open: far more than there are proxies near one origin.
pub(crate) const FEEDS_MAX: usize = 256;

const ORIGIN: HeaderName = HeaderName::from_static("proxima-origin");

/// Every route.
pub(crate) fn router(app: Arc<App>) -> Router {
    let objects = Router::new()
        .route(
            "/profiles",
            get(list::list::<Profile>).post(object::create::<Profile>),
        )
        .route("/profiles/{id}", object::routes::<Profile>())
        .route("/profiles/{id}/resume", get(resume::download).put(resume::upload))
        .route("/jobs", get(list::list::<Job>).post(object::create::<Job>))
        .route("/jobs/{id}", object::routes::<Job>())
        .route_layer(from_fn_with_state(Arc::clone(&app), wait::for_min_position));
    Router::new()
        .merge(objects)
        .route("/_proxima/feed", get(feed::feed))
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .fallback(no_such_resource)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(Arc::clone(&app), sign))
        // Every handler that reads a body has a limit of its own.
        .layer(DefaultBodyLimit::disable())
        .with_state(app)
}

async fn no_such_resource() -> Problem {
    Problem::not_found("there is nothing at this path")
}

async fn method_not_allowed(method: Method) -> Problem {
    Problem::method_not_allowed(&method)
}

/// Says which origin answered.
async fn sign(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(ORIGIN, app.region.clone());
    response
}

/// The `{id}` of a path as it was written.
struct IdText(String);

impl<S: Send + Sync> FromRequestParts<S> for IdText {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        // Fails when what is percent-encoded is not UTF-8.
        let Path(text) = Path::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::not_found("there is nothing at this path"))?;
        Ok(Self(text))
    }
}

/// Reads an id as it is written in a path. Exactly one spelling per object, so that caches keep one copy.
fn path_id(kind: Kind, text: &str) -> Result<i64, Problem> {
    let canonical = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    let id = if canonical { text.parse().ok() } else { None };
    id.filter(|id| *id <= MAX_ID).ok_or_else(|| {
        Problem::not_found(format!(
            "ids of {} are whole numbers from 1, without leading zeros",
            kind.collection()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_per_id() {
        assert_eq!(path_id(Kind::Job, "7").unwrap(), 7);
        for text in [
            "",
            "0",
            "07",
            "+7",
            "-7",
            "7.0",
            "seven",
            "９",
            "99999999999999999999",
            "9007199254740992",
        ] {
            assert!(path_id(Kind::Job, text).is_err(), "{text}");
        }
    }
}
