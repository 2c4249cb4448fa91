//! The road of a read: route, key, look up, coalesce, answer. Both fronts walk it.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

use crate::cache::Tier;
use crate::cache::entry::Entry;
use crate::clock::UnixMillis;
use crate::coalesce::{FillReader, Head, Joined, ResponseHead, start};
use crate::fetch::FetchError;
use crate::fill::Job;
use crate::floors::TagHash;
use crate::key::{self, KeyHash, Target, TargetError};
use crate::lookup::{Found, Looked};
use crate::policy::conditional;
use crate::position::Position;
use crate::problem::Problem;
use crate::proxy::Proxy;
use crate::request::{Request, Signals};
use crate::routes::RouteState;
use crate::status::{CacheStatus, Outcome};

/// A read that the cache may answer.
pub(crate) struct Read<'r> {
    pub(crate) request: Request<'r>,
    pub(crate) signals: Signals,
    pub(crate) route: Arc<RouteState>,
    pub(crate) target: Target<'r>,
    pub(crate) key: &'r str,
    pub(crate) hash: KeyHash,
}

impl Read<'_> {
    /// Whether others may wait for the answer to this request: not for one to a user's credentials, nor one that nobody may
    /// keep, nor one that has an origin wait for data that only this client has seen.
    pub(crate) fn is_shareable(&self) -> bool {
        !self.signals.authorization && !self.signals.no_store && self.signals.min_position.is_none()
    }

    /// Whether the client has seen newer data than this (`Proxima-Min-Position`).
    pub(crate) fn is_ahead_of(&self, position: Option<Position>) -> bool {
        self.signals.min_position.is_some_and(|min| position < Some(min))
    }
}

/// Where a request goes.
pub(crate) enum Plan<'r> {
    /// To the cache.
    Read(Read<'r>),
    /// To an origin, past the cache.
    Forward,
    /// Nowhere.
    Refuse(Problem),
}

/// What a read is answered with.
pub(crate) enum Answer {
    /// A stored response.
    Stored(Stored),
    /// A response on its way from an origin.
    Stream {
        head: Arc<ResponseHead>,
        reader: FillReader,
        status: CacheStatus,
    },
    /// An error of our own.
    Problem { problem: Problem, status: CacheStatus },
}

/// A stored response, ready to send.
pub(crate) struct Stored {
    pub(crate) entry: Arc<Entry>,
    pub(crate) age_s: u64,
    pub(crate) status: CacheStatus,
    /// The client has it already: 304.
    pub(crate) not_modified: bool,
    pub(crate) origin_took: Option<Duration>,
}

impl Proxy {
    /// Finds the route and the key of a GET or HEAD. `key` is a buffer that the caller keeps from request to request.
    pub(crate) fn plan<'r>(&self, request: Request<'r>, key: &'r mut String) -> Plan<'r> {
        let target = match key::parse_target(request.target) {
            Ok(target) => target,
            Err(TargetError::TooLong) => {
                return Plan::Refuse(Problem::new(
                    StatusCode::URI_TOO_LONG,
                    TargetError::TooLong.to_string(),
                ));
            }
            Err(error) => return Plan::Refuse(Problem::bad_request(error.to_string())),
        };
        if !key::is_host(request.host) {
            return Plan::Refuse(Problem::bad_request("the request names no valid host"));
        }
        let route = Arc::clone(self.routes.find(&target.path));
        let signals = Signals::of(&request.headers);
        if !route.route.cache || signals.needs_origin {
            return Plan::Forward;
        }
        let hosts = &self.config.upstream.host;
        let hash = key::write_key(
            key,
            request.scheme,
            request.host,
            hosts,
            &target,
            &route.route.query,
        );
        Plan::Read(Read {
            request,
            signals,
            route,
            target,
            key,
            hash,
        })
    }

    /// Answers from L1, or says that it takes more.
    pub(crate) fn answer_now(&self, read: &Read<'_>) -> Option<Stored> {
        let found = self.look_in_l1(read, UnixMillis::now())?;
        found.serves(read).then(|| stored(read, &found))
    }

    /// Answers from the ring, from a fill under way, or from an origin.
    pub(crate) async fn answer(self: &Arc<Self>, read: &Read<'_>) -> Answer {
        let looked = self.look(read).await;
        if let Some(found) = &looked.found {
            if found.serves(read) {
                return Answer::Stored(stored(read, found));
            }
            if found.serves_while_revalidating(read) && read.is_shareable() {
                self.refresh(read, &looked);
                return Answer::Stored(stored(read, found));
            }
        }
        let why = looked.found.as_ref().map_or(looked.miss, Found::why_forward);
        if read.signals.only_if_cached {
            let detail = "nothing stored answers this request, and it says `only-if-cached`";
            let problem = Problem::new(StatusCode::GATEWAY_TIMEOUT, detail);
            return Answer::Problem {
                problem,
                status: why.into(),
            };
        }
        self.fetch(read, &looked, why).await
    }

    /// Starts a fill that nobody waits for.
    fn refresh(self: &Arc<Self>, read: &Read<'_>, looked: &Looked) {
        if let Joined::Leader(fill, _) =
            self.fills
                .join(looked.hash, |started| self.knows_changes(read, started), || None)
        {
            tokio::spawn(Job::new(self, read, looked, true).run(fill));
        }
    }

    /// Whether what was asked for at `started` knows of every change to this read's URL and route tags heard of by now.
    fn knows_changes(&self, read: &Read<'_>, started: UnixMillis) -> bool {
        let route_tags = read.route.tags(&read.target.path);
        let tags = route_tags
            .iter()
            .map(|tag| TagHash::of_tag(tag))
            .chain([TagHash::of_url(read.key)]);
        self.coherence.admits_data(tags, None, started)
    }

    async fn fetch(self: &Arc<Self>, read: &Read<'_>, looked: &Looked, why: Outcome) -> Answer {
        if read.is_shareable()
            && let Some(answer) = self.fetch_together(read, looked, why).await
        {
            return answer;
        }
        let (fill, mut reader) = start();
        tokio::spawn(Job::new(self, read, looked, false).run(fill));
        let head = reader.head().await;
        self.conclude(read, looked, why, head, reader, false)
    }

    /// Joins or starts the one fill of the key; `None` when its answer is not for this request, or is too long in coming.
    async fn fetch_together(
        self: &Arc<Self>,
        read: &Read<'_>,
        looked: &Looked,
        why: Outcome,
    ) -> Option<Answer> {
        let ended = || {
            let found = self.look_in_l1(read, UnixMillis::now())?;
            found.serves(read).then_some(found.entry)
        };
        match self
            .fills
            .join(looked.hash, |started| self.knows_changes(read, started), ended)
        {
            Joined::Ended(entry) => {
                let found = self.assess(read, entry, Tier::L1, UnixMillis::now());
                Some(Answer::Stored(stored(read, &found)))
            }
            Joined::Leader(fill, mut reader) => {
                tokio::spawn(Job::new(self, read, looked, true).run(fill));
                let head = reader.head().await;
                Some(self.conclude(read, looked, why, head, reader, false))
            }
            Joined::Waiter(mut reader) => {
                let patience = self.config.cache.fill_wait;
                let head = tokio::time::timeout(patience, reader.head()).await.ok()?;
                if !self.answers(read, &head) {
                    return match &head {
                        Head::Response(response) => self.stale_for_failure(read, looked, response),
                        _ => None,
                    };
                }
                self.metrics.fills_collapsed.inc();
                Some(self.conclude(read, looked, why, head, reader, true))
            }
        }
    }

    /// Whether an answer that another request has fetched is one for this request too.
    fn answers(&self, read: &Read<'_>, head: &Head) -> bool {
        match head {
            Head::Response(answer) => {
                answer.stored
                    && is_for(read, &answer.vary)
                    && !read.is_ahead_of(answer.position)
                    && self.coherence.admits_data(
                        answer.floor_tags.iter().copied(),
                        answer.position,
                        answer.requested_at,
                    )
            }
            Head::Entry { entry, .. } => {
                self.assess(read, Arc::clone(entry), Tier::L1, UnixMillis::now())
                    .admitted
            }
            Head::Failed(_) => true,
        }
    }

    fn conclude(
        &self,
        read: &Read<'_>,
        looked: &Looked,
        why: Outcome,
        head: Head,
        reader: FillReader,
        collapsed: bool,
    ) -> Answer {
        match head {
            Head::Response(head) => {
                if let Some(answer) = self.stale_for_failure(read, looked, &head) {
                    return answer;
                }
                let status = CacheStatus {
                    stored: head.stored,
                    collapsed,
                    ..why.into()
                };
                Answer::Stream { head, reader, status }
            }
            Head::Entry {
                entry,
                fwd_status,
                origin_took,
            } => {
                let found = self.assess(read, entry, Tier::L1, UnixMillis::now());
                let mut answer = stored(read, &found);
                answer.status = CacheStatus {
                    fwd_status,
                    stored: true,
                    collapsed,
                    ..why.into()
                };
                answer.origin_took = Some(origin_took);
                Answer::Stored(answer)
            }
            Head::Failed(error) => self.stale_on_error(read, looked, None).unwrap_or_else(|| {
                failed(
                    &error,
                    CacheStatus {
                        collapsed,
                        ..why.into()
                    },
                )
            }),
        }
    }

    /// What is stored instead of an origin's admission that it cannot serve.
    fn stale_for_failure(&self, read: &Read<'_>, looked: &Looked, head: &ResponseHead) -> Option<Answer> {
        let status = head.status.as_u16();
        let failure = matches!(status, 500 | 502..=504);
        failure
            .then(|| self.stale_on_error(read, looked, Some(status)))
            .flatten()
    }

    /// RFC 5861 section 4.
    fn stale_on_error(&self, read: &Read<'_>, looked: &Looked, fwd_status: Option<u16>) -> Option<Answer> {
        let held = looked.found.as_ref()?;
        let found = self.assess(read, Arc::clone(&held.entry), held.tier, UnixMillis::now());
        found.serves_on_error().then(|| {
            let mut answer = stored(read, &found);
            answer.status = CacheStatus {
                outcome: Outcome::Stale,
                fwd_status,
                ..answer.status
            };
            Answer::Stored(answer)
        })
    }
}

fn stored(read: &Read<'_>, found: &Found) -> Stored {
    let outcome = Outcome::Hit(found.tier);
    Stored {
        age_s: found.freshness.age.as_secs(),
        status: CacheStatus {
            ttl_s: Some(found.freshness.ttl_s()),
            ..outcome.into()
        },
        not_modified: found.entry.status() == 200 && client_has(read, &found.entry),
        entry: Arc::clone(&found.entry),
        origin_took: None,
    }
}

/// RFC 9110 section 13.1.2.
fn client_has(read: &Read<'_>, entry: &Entry) -> bool {
    if !read.signals.if_none_match {
        return false;
    }
    let etag = entry
        .headers()
        .get(http::header::ETAG)
        .map(http::HeaderValue::as_bytes);
    let asked = read.request.headers.combined("if-none-match").unwrap_or_default();
    conditional::none_match_hits([asked.as_slice()], etag)
}

fn is_for(read: &Read<'_>, vary: &[(String, Option<Vec<u8>>)]) -> bool {
    vary.iter()
        .all(|(name, value)| read.request.headers.combined(name) == *value)
}

fn failed(error: &FetchError, status: CacheStatus) -> Answer {
    Answer::Problem {
        problem: Problem::new(error.status(), Cow::Owned(error.to_string())),
        status,
    }
}

/// The body of an answer that is whole in memory.
pub(crate) fn stored_body(stored: &Stored) -> Bytes {
    if stored.not_modified {
        Bytes::new()
    } else {
        stored.entry.body()
    }
}
