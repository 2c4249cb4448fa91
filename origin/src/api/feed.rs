//! `GET /_proxima/feed`: every change of the data, as it happens, for caches to invalidate by.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::App;
use super::problem::Problem;
use super::query::Query;
use crate::position::Position;
use crate::store::{Gone, LoggedChange, Store, StoreError};

/// Silence is broken after this, so that a listener can tell a quiet origin from a lost one.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(1);
/// Changes per read and per chunk sent.
const PAGE_ROWS: u32 = 500;
const SNAPSHOT_SECONDS_MAX: u32 = 31 * 24 * 3600;

/// One listener's place in the log.
struct Feed {
    store: Store,
    end: watch::Receiver<i64>,
    stopping: CancellationToken,
    /// Every change up to this id has been sent.
    sent: i64,
    /// Say that the snapshot is complete once everything up to this id has been sent.
    snapshot_end: Option<i64>,
    /// When the silence is to be broken. At once to begin with: a listener learns that it is up to date.
    heartbeat_at: Instant,
    _permit: OwnedSemaphorePermit,
}

/// Answers with a stream of newline-delimited JSON that ends only when the origin stops.
pub(super) async fn feed(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let permit = Arc::clone(&app.feeds).try_acquire_owned();
    let permit = permit.map_err(|_| Problem::unavailable("too many feeds are open"))?;
    // Followed before anything is read, so that no change falls between reading and waiting.
    let end = app.store.tail().follow();
    let (sent, snapshot_end) = start(&app.store, &Query::of(query.as_deref())).await?;
    let feed = Feed {
        store: app.store.clone(),
        end,
        stopping: app.stopping.clone(),
        sent,
        snapshot_end,
        heartbeat_at: Instant::now(),
        _permit: permit,
    };
    let lines = stream::unfold(feed, |mut feed| async move {
        let lines = feed.next_lines().await?;
        Some((Ok::<_, std::convert::Infallible>(lines), feed))
    });
    let headers = [
        (CONTENT_TYPE, "application/x-ndjson"),
        (CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Body::from_stream(lines)).into_response())
}

/// Where to start, and where a snapshot ends.
async fn start(store: &Store, query: &Query) -> Result<(i64, Option<i64>), Problem> {
    match (query.text("after")?, query.text("snapshot")?) {
        (Some(after), None) => {
            let after: Position = after
                .parse()
                .map_err(|error| Problem::bad_parameter("after", format!("{error}")))?;
            let id = i64::try_from(after.log).ok().filter(|_| after.timeline == 0);
            let id = id.ok_or_else(|| Problem::gone(format!("{after} is not of this database's history")))?;
            store.changes_after(id, 1).await?.map_err(gone)?;
            Ok((id, None))
        }
        (None, Some(_)) => {
            let limits = format!("whole seconds, from 1 to {SNAPSHOT_SECONDS_MAX}");
            let seconds: u32 = query.value("snapshot", &limits)?.unwrap_or_default();
            if !(1..=SNAPSHOT_SECONDS_MAX).contains(&seconds) {
                return Err(Problem::bad_parameter("snapshot", format!("must be {limits}")));
            }
            let first = store.recent_start(seconds).await?.map_err(gone)?;
            Ok((first, Some(store.position().await?)))
        }
        _ => Err(Problem::bad_parameter(
            "after",
            "give either after=POSITION or snapshot=SECONDS",
        )),
    }
}

fn gone(gone: Gone) -> Problem {
    Problem::gone(match gone {
        Gone::Pruned { earliest } => {
            let earliest = Position::of_change(earliest);
            format!("older changes have been forgotten; the feed can start after {earliest} at the earliest")
        }
        Gone::NeverWas { end } => {
            let end = Position::of_change(end);
            format!("this database's history ends at {end}; it must have been replaced")
        }
    })
}

impl Feed {
    /// The next lines, or the end of the stream: when the origin stops, when the database fails, or when the
    /// listener fell behind what the log keeps. Reconnecting tells it which.
    async fn next_lines(&mut self) -> Option<Bytes> {
        loop {
            if self.stopping.is_cancelled() {
                return None;
            }
            // Marks the end as seen before reading: a change after this wakes the wait below.
            self.end.borrow_and_update();
            let lines = match self.read().await {
                Ok(Ok(lines)) => lines,
                Ok(Err(gone)) => {
                    tracing::warn!(?gone, "a feed cannot go on");
                    return None;
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot read the change log for a feed");
                    return None;
                }
            };
            if !lines.is_empty() {
                self.heartbeat_at = Instant::now() + HEARTBEAT_EVERY;
                return Some(lines.into());
            }
            tokio::select! {
                biased;
                () = self.stopping.cancelled() => return None,
                grew = self.end.changed() => grew.ok()?,
                () = sleep_until(self.heartbeat_at) => {
                    self.heartbeat_at = Instant::now() + HEARTBEAT_EVERY;
                    return Some(format!("{}\n", line(self.sent, "[]")).into());
                }
            }
        }
    }

    /// The lines of what has happened since the last ones; empty when nothing has.
    async fn read(&mut self) -> Result<Result<String, Gone>, StoreError> {
        let changes = match self.store.changes_after(self.sent, PAGE_ROWS).await? {
            Ok(changes) => changes,
            Err(gone) => return Ok(Err(gone)),
        };
        let mut lines = String::with_capacity(changes.len() * 64);
        self.complete_snapshot(&mut lines);
        for LoggedChange { id, tags } in &changes {
            lines.push_str(&line(*id, tags));
            lines.push('\n');
            self.sent = *id;
            self.complete_snapshot(&mut lines);
        }
        Ok(Ok(lines))
    }

    fn complete_snapshot(&mut self, lines: &mut String) {
        if let Some(end) = self.snapshot_end.take_if(|end| *end <= self.sent) {
            let position = Position::of_change(end);
            writeln!(
                lines,
                r#"{{"position":"{position}","tags":[],"snapshot":"complete"}}"#
            )
            .expect("writing to a string cannot fail");
        }
    }
}

/// One line; `tags` is a JSON array.
fn line(id: i64, tags: &str) -> String {
    format!(r#"{{"position":"{}","tags":{tags}}}"#, Position::of_change(id))
}
