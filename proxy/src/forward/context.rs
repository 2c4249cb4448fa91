//! What one forwarded request remembers between pingora's callbacks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Method;
use pingora::http::RequestHeader;

use crate::clock::UnixMillis;
use crate::key::{self, Scheme, TargetError};
use crate::posted::Posted;
use crate::problem::Problem;
use crate::routes::RouteState;
use crate::status::Outcome;
use crate::upstream::Candidate;

/// State of one forwarded request.
pub(crate) struct Context {
    pub(super) started: Instant,
    pub(super) scheme: Scheme,
    pub(super) host: String,
    /// Path and query as they go to the origin; the path normalised.
    pub(super) target: String,
    pub(super) route: Option<Arc<RouteState>>,
    pub(super) outcome: Outcome,
    /// What to try, in order, and which of it is being tried.
    pub(super) candidates: Vec<Candidate>,
    pub(super) attempt: usize,
    /// A connection was made: an origin may have seen the request.
    pub(super) sent: bool,
    pub(super) asked_at: Option<Instant>,
    pub(super) asked_at_ms: UnixMillis,
    /// An answer that goes into the cache.
    pub(super) posted: Option<Posted>,
    pub(super) origin_took: Option<Duration>,
    pub(super) failure: Option<Problem>,
}

impl Context {
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            scheme: Scheme::Http,
            host: String::new(),
            target: String::new(),
            route: None,
            outcome: Outcome::Method,
            candidates: Vec::new(),
            attempt: 0,
            sent: false,
            asked_at: None,
            asked_at_ms: UnixMillis::default(),
            posted: None,
            origin_took: None,
            failure: None,
        }
    }

    /// Takes the target that goes to the origin from the request.
    ///
    /// # Errors
    /// [`TargetError`] for one that two parties may read in two ways.
    pub(super) fn set_target(&mut self, header: &RequestHeader) -> Result<(), TargetError> {
        if header.method == Method::OPTIONS && header.uri.path() == "*" {
            self.target.push('*');
            return Ok(());
        }
        let raw = header.uri.path_and_query().map_or("/", |target| target.as_str());
        let target = key::parse_target(raw)?;
        self.target.push_str(&target.path);
        if let Some(query) = target.query {
            self.target.push('?');
            self.target.push_str(query);
        }
        Ok(())
    }
}
