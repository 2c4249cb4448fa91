//! The change feed: what was changed elsewhere, read from the nearest origin that tells (DESIGN section 6).

use std::sync::Arc;
use std::time::Duration;

use http::header::HOST;
use pingora::connectors::http::Connector;
use pingora::http::RequestHeader;
use pingora::protocols::http::client::HttpSession;
use proxima_config::checked::Feed;
use serde::Deserialize;

use crate::clock::UnixMillis;
use crate::fetch::{connector_options, reason};
use crate::floors::{Invalidation, TagHash};
use crate::position::Position;
use crate::proxy::Proxy;
use crate::upstream::Candidate;

/// How much of the recent past a starting proxy asks for. Entries older than this are not used until they are fetched anew.
const SNAPSHOT: Duration = Duration::from_secs(24 * 60 * 60);
/// The least it asks for when an origin's log does not reach back that far.
const SNAPSHOT_MIN: Duration = Duration::from_secs(1);
/// Pause before the next attempt when no origin tells.
const RETRY_AFTER: Duration = Duration::from_millis(250);
/// Longest line of the feed.
const LINE_BYTES_MAX: usize = 1024 * 1024;
/// How often floors that no entry can be older than are dropped.
const TIDY_EVERY: Duration = Duration::from_secs(60);

/// One line of the feed.
#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Line {
    position: String,
    tags: Vec<String>,
    /// `complete` on the line that ends a snapshot.
    #[serde(default)]
    snapshot: Option<String>,
}

/// Why the feed of one origin ended.
#[derive(Debug, thiserror::Error)]
enum FeedError {
    #[error("{0}")]
    Origin(String),
    #[error("answered {0} to the feed request")]
    Status(u16),
    #[error("holds no changes that far back")]
    Gone,
    #[error("sent a line that is not a feed line: {0}")]
    Line(String),
    #[error("ended the feed")]
    Ended,
}

/// Where the listener is.
#[derive(Debug)]
struct Progress {
    /// Everything up to here has been heard of; `None` before the first snapshot is complete.
    after: Option<Position>,
    /// How much of the past the next snapshot is to cover.
    window: Duration,
}

impl Progress {
    fn new() -> Self {
        Self {
            after: None,
            window: SNAPSHOT,
        }
    }

    /// The origin's log does not reach back to where this listener is.
    fn gone(&mut self, proxy: &Proxy) {
        if self.after.take().is_some() {
            // what was missed cannot be known
            proxy.coherence.invalidate_all(Invalidation {
                position: None,
                heard_at: UnixMillis::now(),
            });
        } else {
            self.window = (self.window / 2).max(SNAPSHOT_MIN);
        }
    }
}

/// Listens for ever, moving to the next nearest origin whenever one falls silent.
pub(crate) async fn listen(proxy: Arc<Proxy>) {
    let Feed::Origin { path, max_silence } = proxy.config.feed.clone() else {
        tracing::warn!("no change feed: writes made past this proxy show only when entries expire");
        return;
    };
    let connector = Connector::new(Some(connector_options(&proxy.upstreams)));
    let mut progress = Progress::new();
    loop {
        for candidate in proxy.upstreams.candidates() {
            let origin = &candidate.origin;
            let error = follow(&proxy, &connector, &candidate, &path, max_silence, &mut progress).await;
            proxy.metrics.feed_connected.set(0);
            tracing::warn!(origin = origin.address.text, "change feed: the origin {error}");
            if let FeedError::Gone = error {
                progress.gone(&proxy);
            }
        }
        tokio::time::sleep(RETRY_AFTER).await;
    }
}

/// Drops old floors now and then, for ever.
pub(crate) async fn tidy(proxy: Arc<Proxy>) {
    let mut ticks = tokio::time::interval(TIDY_EVERY);
    loop {
        ticks.tick().await;
        let kept = proxy.coherence.tidy(UnixMillis::now());
        proxy.metrics.floors.set(i64::try_from(kept).unwrap_or(i64::MAX));
    }
}

async fn follow(
    proxy: &Proxy,
    connector: &Connector,
    candidate: &Candidate,
    path: &str,
    max_silence: Duration,
    progress: &mut Progress,
) -> FeedError {
    let asked_at = UnixMillis::now();
    let mut session = match open(proxy, connector, candidate, path, max_silence, progress).await {
        Ok(session) => session,
        Err(error) => return error,
    };
    if progress.after.is_none() {
        // the snapshot says nothing of changes before its window: what is older than that is not used
        let window_ms = u64::try_from(progress.window.as_millis()).unwrap_or(u64::MAX);
        let start = UnixMillis(asked_at.0.saturating_sub(window_ms));
        proxy.coherence.invalidate_all(Invalidation {
            position: None,
            heard_at: start,
        });
    }
    proxy.metrics.feed_connected.set(1);
    let mut pending = Vec::new();
    loop {
        let chunk = match session.read_response_body().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => return FeedError::Ended,
            Err(error) => return FeedError::Origin(reason(&error)),
        };
        pending.extend_from_slice(&chunk);
        if let Err(error) = take_lines(proxy, &mut pending, progress) {
            return error;
        }
    }
}

async fn open(
    proxy: &Proxy,
    connector: &Connector,
    candidate: &Candidate,
    path: &str,
    max_silence: Duration,
    progress: &Progress,
) -> Result<HttpSession, FeedError> {
    let failed = |error: Box<pingora::Error>| FeedError::Origin(reason(&error));
    let peer = candidate.peer(proxy.upstreams.config());
    let target = match progress.after {
        Some(after) => format!("{path}?after={after}"),
        None => format!("{path}?snapshot={}", progress.window.as_secs()),
    };
    let mut request = RequestHeader::build("GET", target.as_bytes(), Some(2)).map_err(failed)?;
    request
        .insert_header(HOST, proxy.origin_host(&candidate.origin.address.authority()))
        .map_err(failed)?;
    let (mut session, _) = connector.get_http_session(&peer).await.map_err(failed)?;
    session.set_read_timeout(Some(max_silence));
    session
        .write_request_header(Box::new(request))
        .await
        .map_err(failed)?;
    session.finish_request_body().await.map_err(failed)?;
    session.read_response_header().await.map_err(failed)?;
    match session
        .response_header()
        .map_or(0, |header| header.status.as_u16())
    {
        200 => Ok(session),
        410 => Err(FeedError::Gone),
        status => Err(FeedError::Status(status)),
    }
}

/// Takes in every complete line.
fn take_lines(proxy: &Proxy, pending: &mut Vec<u8>, progress: &mut Progress) -> Result<(), FeedError> {
    let Some(end) = pending.iter().rposition(|&b| b == b'\n') else {
        return check_length(pending);
    };
    for line in pending[..end]
        .split(|&b| b == b'\n')
        .filter(|line| !line.trim_ascii().is_empty())
    {
        take_line(proxy, line, progress)?;
    }
    pending.drain(..=end);
    check_length(pending)
}

/// A line that never ends must not grow for ever.
fn check_length(pending: &[u8]) -> Result<(), FeedError> {
    if pending.len() > LINE_BYTES_MAX {
        return Err(FeedError::Line(format!(
            "more than {LINE_BYTES_MAX} bytes without an end"
        )));
    }
    Ok(())
}

fn take_line(proxy: &Proxy, line: &[u8], progress: &mut Progress) -> Result<(), FeedError> {
    let line: Line = serde_json::from_slice(line).map_err(|error| FeedError::Line(error.to_string()))?;
    let position: Position = line
        .position
        .parse()
        .map_err(|error: crate::position::ParsePositionError| FeedError::Line(error.to_string()))?;
    let now = UnixMillis::now();
    if progress
        .after
        .is_some_and(|after| position.timeline > after.timeline)
    {
        // a fail-over: what the old timeline had and the new one lacks is unknown
        let start = Position {
            timeline: position.timeline,
            offset: 0,
        };
        proxy.coherence.invalidate_all(Invalidation {
            position: Some(start),
            heard_at: now,
        });
    }
    if !line.tags.is_empty() {
        let by = Invalidation {
            position: Some(position),
            heard_at: now,
        };
        let tags: Vec<TagHash> = line.tags.iter().map(|tag| TagHash::of_tag(tag)).collect();
        proxy.coherence.invalidate(&tags, by, now);
        proxy.metrics.invalidations.with_label_values(&["feed"]).inc();
    }
    let snapshot_complete = line.snapshot.as_deref() == Some("complete");
    if progress.after.is_some() || snapshot_complete {
        progress.after = progress.after.max(Some(position));
        proxy.coherence.feed_heard();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_the_contract() {
        let line = br#"{"position":"0:42","tags":["profile:7","profiles"]}"#;
        let parsed: Line = serde_json::from_slice(line).unwrap();
        assert_eq!(parsed.tags, ["profile:7", "profiles"]);
        assert_eq!(parsed.snapshot, None);
        assert!(serde_json::from_slice::<Line>(b"{\"position\":1}").is_err());
    }
}
