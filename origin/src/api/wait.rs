//! `Proxima-Min-Position`: a reader that has seen a change asks for an answer that contains it.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, Method};
use tokio::time::timeout;

use super::App;
use super::problem::Problem;
use crate::position::Position;

const MIN_POSITION: HeaderName = HeaderName::from_static("proxima-min-position");
/// After this the read is answered with what there is, and says how much that is.
const WAIT_MAX: Duration = Duration::from_secs(2);

/// Holds a read back until the file has what it asks for. A malformed position is refused whatever the method.
pub(super) async fn for_min_position(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    match asked(request.headers()) {
        Err(problem) => return problem.into_response(),
        Ok(Some(position)) if matches!(*request.method(), Method::GET | Method::HEAD) => {
            reach(&app, position).await;
        }
        Ok(_) => {}
    }
    next.run(request).await
}

fn asked(headers: &HeaderMap) -> Result<Option<Position>, Problem> {
    let malformed = |detail: String| Problem::bad_parameter(MIN_POSITION.as_str(), detail);
    let mut values = headers.get_all(&MIN_POSITION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(malformed("must be given once at most".to_owned()));
    }
    let text = value
        .to_str()
        .map_err(|_| malformed("must be visible ASCII".to_owned()))?;
    text.parse()
        .map(Some)
        .map_err(|error: crate::position::MalformedPosition| malformed(error.to_string()))
}

async fn reach(app: &App, wanted: Position) {
    // No waiting moves this file to another timeline.
    if wanted.timeline != 0 {
        return;
    }
    let mut end = app.store.tail().follow();
    let there = |end: &i64| Position::of_change(*end) >= wanted;
    if there(&end.borrow_and_update()) {
        return;
    }
    // The tail may be one poll behind the file, or not have been asked for a while.
    if app.store.position().await.is_ok_and(|end| there(&end)) {
        return;
    }
    // Running out of time is an answer too, and the sender lives as long as the store.
    let _ = timeout(WAIT_MAX, end.wait_for(there)).await;
}
