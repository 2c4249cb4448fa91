//! The road of a read: route, key, look up, coalesce, answer. Both fronts walk it.

use http::StatusCode;
use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::answer::{Answer, Sharing, Stored, tailored};
use crate::cache::Tier;
use crate::clock::UnixMillis;
use crate::coalesce::{FillReader, Head, Hint, Joined, ResponseHead, start};
use crate::fetch::FetchError;
use crate::fill::{Errand, Job};
use crate::floors::TagHash;
use crate::key::{self, KeyHash, Target, TargetError};
use crate::lookup::{Found, Looked};
use crate::policy::freshness;
use crate::policy::range::{self, Spec};
use crate::position::Position;
use crate::problem::Problem;
use crate::proxy::Proxy;
use crate::request::{ReadMethod, Request, Signals};
use crate::routes::RouteState;
use crate::status::{CacheStatus, Outcome};

/// A read that the cache may answer.
pub(crate) struct Read<'r> {
    pub(crate) request: Request<'r>,
    pub(crate) signals: Signals,
    pub(crate) route: &'r Arc<RouteState>,
    pub(crate) target: Target<'r>,
    pub(crate) key: &'r str,
    pub(crate) hash: KeyHash,
    /// What a GET asks a part of, if it does so in a way that is understood (RFC 9110 section 14.2).
    pub(crate) range: Option<Vec<Spec>>,
    /// Takes what an origin says before its answer (RFC 8297), for a client that can be told.
    pub(crate) hints: Option<UnboundedSender<Arc<Hint>>>,
}

impl Read<'_> {
    /// Whether others may wait for the answer to this request: not for one to a user's credentials, nor one that nobody may
    /// keep, nor one that has an origin wait for data that only this client has seen.
    pub(crate) fn is_shareable(&self) -> bool {
        !self.signals.authorization && !self.signals.no_store && self.signals.min_position.is_none()
    }

    /// What a fill for this read asks an origin for: the whole response, unless the client wants less and nothing is stored
    /// that could be validated.
    pub(crate) fn errand(&self, looked: &Looked) -> Errand {
        let validates = looked.found.as_ref().is_some_and(|found| found.covers);
        match self.request.method {
            ReadMethod::Head => Errand::Head,
            ReadMethod::Get if self.range.is_some() && !validates => Errand::Range,
            ReadMethod::Get => Errand::Whole,
        }
    }

    /// Has what an origin says before its answer handed on to the receiver. A fill keeps few of those.
    pub(crate) fn hear_hints(&mut self) -> UnboundedReceiver<Arc<Hint>> {
        let (hints, receiver) = unbounded_channel();
        self.hints = Some(hints);
        receiver
    }

    /// Whether the client has seen newer data than this (`Proxima-Min-Position`).
    pub(crate) fn is_ahead_of(&self, position: Option<Position>) -> bool {
        self.signals.min_position.is_some_and(|min| position < Some(min))
    }
}

/// What has come of an answer on its way.
pub(crate) struct Coming {
    /// To be sent first.
    pub(crate) hints: Vec<Arc<Hint>>,
    pub(crate) answer: Option<Answer>,
}

/// Waits for what comes next.
pub(crate) async fn coming(
    hints: &mut UnboundedReceiver<Arc<Hint>>,
    answering: Pin<&mut impl Future<Output = Answer>>,
) -> Coming {
    let mut come = tokio::select! {
        biased;
        Some(hint) = hints.recv() => Coming { hints: vec![hint], answer: None },
        answer = answering => Coming { hints: vec![], answer: Some(answer) },
    };
    // a hint may have come with the answer
    come.hints.extend(std::iter::from_fn(|| hints.try_recv().ok()));
    come
}

/// Where a request goes.
#[expect(
    clippy::large_enum_variant,
    reason = "a read is the common case, and a box would be an allocation for each hit"
)]
pub(crate) enum Plan<'r> {
    /// To the cache.
    Read(Read<'r>),
    /// To an origin, past the cache.
    Forward,
    /// Nowhere.
    Refuse(Problem),
}

impl Proxy {
    /// Finds the route and the key of a GET or HEAD. `key` is a buffer that the caller keeps from request to request.
    pub(crate) fn plan<'r>(&'r self, request: Request<'r>, key: &'r mut String) -> Plan<'r> {
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
        let route = self.routes.find(&target.path);
        let signals = Signals::of(&request.headers, route.route.client_cache_control);
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
        let range = (signals.range && request.method == ReadMethod::Get)
            .then(|| range::parse(&request.headers.combined("range")?))
            .flatten();
        Plan::Read(Read {
            range,
            hints: None,
            request,
            signals,
            route,
            target,
            key,
            hash,
        })
    }

    /// Answers from L1, or says that it takes more.
    pub(crate) fn answer_now(self: &Arc<Self>, read: &Read<'_>) -> Option<Stored> {
        let found = self.look_in_l1(read, UnixMillis::now())?;
        if !found.serves(read) {
            return None;
        }
        if self.is_to_be_refreshed(read, &found) {
            self.refresh(read, &self.look_first(read));
        }
        Some(Stored::new(read, &found))
    }

    /// Answers from the ring, from a fill under way, or from an origin.
    pub(crate) async fn answer(self: &Arc<Self>, read: &Read<'_>) -> Answer {
        let looked = self.look(read).await;
        if let Some(found) = &looked.found {
            if found.serves(read) {
                if self.is_to_be_refreshed(read, found) {
                    self.refresh(read, &looked);
                }
                return Answer::Stored(Stored::new(read, found));
            }
            if found.serves_while_revalidating(read) && read.is_shareable() {
                self.refresh(read, &looked);
                return Answer::Stored(Stored::new(read, found));
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
        if let Some(answer) = self.answer_without_ring(read, &looked, why) {
            return answer;
        }
        self.fetch(read, &looked, why).await
    }

    /// Whether what was asked for at `started` knows of every change to this read's URL and route tags heard of by now.
    pub(crate) fn knows_changes(&self, read: &Read<'_>, started: UnixMillis) -> bool {
        let route_tags = read.route.tags(&read.target.path);
        let tags = route_tags
            .iter()
            .map(|tag| TagHash::of_tag(tag))
            .chain([TagHash::of_url(read.key)]);
        self.coherence.admits_data(tags, None, started)
    }

    async fn fetch(self: &Arc<Self>, read: &Read<'_>, looked: &Looked, why: Outcome) -> Answer {
        let errand = read.errand(looked);
        if errand == Errand::Whole
            && read.is_shareable()
            && !looked.is_never_fresh(read)
            && !self.unshared.has(looked.hash)
            && let Some(answer) = self.fetch_together(read, looked, why).await
        {
            return answer;
        }
        let (fill, mut reader) = start();
        tokio::spawn(Job::new(self, read, looked, errand, false).run(fill));
        let head = head_of(read, &mut reader).await;
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
                Some(Answer::Stored(Stored::new(read, &found)))
            }
            Joined::Leader(fill, mut reader) => {
                tokio::spawn(Job::new(self, read, looked, Errand::Whole, true).run(fill));
                let head = head_of(read, &mut reader).await;
                if matches!(head, Head::Entry { from_ring: true, .. }) && !self.answers(read, &head) {
                    return None; // it has changed since
                }
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
                let vary = answer.vary.iter();
                let vary = vary.map(|(name, value)| (name.as_str(), value.as_deref()));
                self.is_fresh_for(read, answer)
                    && read.request.headers.select(vary)
                    && !read.is_ahead_of(answer.position)
                    && self.coherence.admits_data(
                        answer.floor_tags.iter().copied(),
                        answer.position,
                        answer.requested_at,
                    )
            }
            Head::Entry {
                entry,
                shared,
                from_ring,
                ..
            } => {
                let found = self.assess(read, Arc::clone(entry), Tier::L1, UnixMillis::now());
                let wanted = read.signals.wanted;
                (!from_ring || found.serves(read))
                    && *shared
                    && read.request.headers.select(entry.vary())
                    && found.admitted
                    && found.covers
                    && wanted.allows_confirmed(&found.freshness)
            }
            Head::Failed(_) => true,
        }
    }

    /// RFC 9111 section 4: what may not be reused is not shared with those who wait either.
    fn is_fresh_for(&self, read: &Read<'_>, answer: &ResponseHead) -> bool {
        let receipt = freshness::Receipt {
            status: answer.status.as_u16(),
            received_at: answer.received_at,
        };
        answer.stored.is_some_and(|facts| {
            let freshness = freshness::judge(&facts, receipt, &read.route.route, UnixMillis::now());
            read.signals.wanted.allows_confirmed(&freshness)
        })
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
                    stored: head.stored.is_some(),
                    collapsed,
                    ..why.into()
                };
                let (head, reader) = tailored(
                    read,
                    head,
                    reader,
                    Sharing {
                        collapsed,
                        whole_was_asked: read.errand(looked) == Errand::Whole,
                    },
                );
                Answer::Stream { head, reader, status }
            }
            Head::Entry {
                entry,
                shared,
                fwd_status,
                age_given_s,
                origin_took,
                from_ring,
            } => {
                if from_ring {
                    let found = self.assess(read, entry, Tier::L2, UnixMillis::now());
                    return Answer::Stored(Stored::new(read, &found));
                }
                let found = self.assess(read, entry, Tier::L1, UnixMillis::now());
                let mut answer = Stored::new(read, &found);
                answer.status = CacheStatus {
                    fwd_status,
                    stored: shared,
                    collapsed,
                    ..why.into()
                };
                answer.age_s = age_given_s.map(u64::from);
                answer.origin_took = Some(origin_took);
                Answer::Stored(answer)
            }
            Head::Failed(error) => {
                let status = CacheStatus {
                    collapsed,
                    ..why.into()
                };
                // Our own overload is a 503 like any other, which `stale-if-error` covers (RFC 5861 section 4). But the origins
                // are within reach, so what may be served only without them may not (RFC 9111 section 4.2.4).
                let unreachable = !error.is_overload();
                self.stale_on_error(read, looked, None, unreachable)
                    .unwrap_or_else(|| failed(&error, looked, status))
            }
        }
    }

    /// What is stored instead of an origin's admission that it cannot serve.
    fn stale_for_failure(&self, read: &Read<'_>, looked: &Looked, head: &ResponseHead) -> Option<Answer> {
        let status = head.status.as_u16();
        let failure = matches!(status, 500 | 502..=504);
        failure
            .then(|| self.stale_on_error(read, looked, Some(status), false))
            .flatten()
    }

    /// RFC 5861 section 4, and RFC 9111 section 4.2.4 where nobody can be reached. `fwd_status` is there only where an origin
    /// answered.
    fn stale_on_error(
        &self,
        read: &Read<'_>,
        looked: &Looked,
        fwd_status: Option<u16>,
        unreachable: bool,
    ) -> Option<Answer> {
        let held = looked.found.as_ref()?;
        let found = self.assess(read, Arc::clone(&held.entry), held.tier, UnixMillis::now());
        found.serves_on_error(unreachable).then(|| {
            let mut answer = Stored::new(read, &found);
            answer.status = CacheStatus {
                outcome: Outcome::Stale,
                fwd_status,
                ..answer.status
            };
            Answer::Stored(answer)
        })
    }
}

/// Waits for what a fill comes to, telling the client meanwhile what the origin says before its answer.
async fn head_of(read: &Read<'_>, reader: &mut FillReader) -> Head {
    reader
        .head_and_hints(|hint| {
            if let Some(hints) = &read.hints {
                let _ = hints.send(hint); // the client may have left
            }
        })
        .await
}

/// RFC 9111 section 5.2.2.2: a stored response that must not be served stale makes an origin out of reach a gateway timeout,
/// unless another status says better what happened, as that of an overload does.
fn failed(error: &FetchError, looked: &Looked, status: CacheStatus) -> Answer {
    let strict = looked
        .found
        .as_ref()
        .is_some_and(|found| !found.freshness.may_be_stale);
    let code = if strict && !error.is_overload() {
        StatusCode::GATEWAY_TIMEOUT
    } else {
        error.status()
    };
    Answer::Problem {
        problem: Problem {
            retry_after_s: error.retry_after_s(),
            ..Problem::new(code, Cow::Owned(error.to_string()))
        },
        status,
    }
}
