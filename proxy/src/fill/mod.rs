//! A fill: fetch, hand on as it comes, store. Misses, revalidations and background refreshes are all this one task.

mod errand;
mod refresh;
mod trial;
mod turn;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, IF_RANGE};
use http::{HeaderMap, HeaderValue, StatusCode};
use pingora::http::RequestHeader;

pub(crate) use self::errand::Errand;
use self::errand::{Held, origin_request, rest_of, unconditional};
pub(crate) use self::trial::Trial;
use self::turn::{Course, Share};
use crate::answer::{place, place_of};
use crate::cache::entry::Entry;
use crate::clock::UnixMillis;
use crate::coalesce::{BrokenOff, Fill, Head, Hint, ResponseHead, UnderWay};
use crate::fetch::{FetchError, Fetched};
use crate::fields;
use crate::keep::{Answered, Keeper, Kept, position};
use crate::lookup::Looked;
use crate::policy::age::{self, Timing};
use crate::policy::conditional::share_a_strong_validator;
use crate::policy::freshness;
use crate::policy::request::Wanted;
use crate::policy::storing::{self, Asked, Exchange, NotStored, Storable};
use crate::policy::{update, vary};
use crate::proxy::{Proxy, ended};
use crate::read::Read;

/// Everything a fill needs once the request that caused it may be gone.
pub(crate) struct Job {
    keeper: Keeper,
    errand: Errand,
    /// Whether other requests may wait for this fill.
    listed: bool,
    asked: Asked,
    /// What the client asks of a stored response.
    wanted: Wanted,
    request: Result<RequestHeader, FetchError>,
    /// What is stored now, to be validated.
    held: Option<Arc<Entry>>,
    _under_way: UnderWay,
}

/// A fill's place in the table. Given up when dropped, so that no waiter outlives a task that has panicked.
struct Listing<'l> {
    job: &'l Job,
    fill: &'l Arc<Fill>,
    share: Share,
}

impl Listing<'_> {
    /// Takes the fill off the table: the next request starts another.
    fn end(&self) {
        if self.job.listed {
            self.job
                .keeper
                .proxy
                .fills
                .remove(self.job.keeper.hash, self.fill);
        }
    }

    /// Stores in the ring what the fill is to share.
    async fn put_in_ring(&self, kept: Option<Kept>) {
        if !matches!(self.share, Share::Nothing) {
            let used = self.job.keeper.put_in_ring(kept, self.share.lease()).await;
            self.share.note_use(used);
        }
    }

    /// Answers with what another proxy has stored.
    fn answer_from_ring(&self, entry: Arc<Entry>) {
        self.end();
        let head = Head::Entry {
            entry,
            shared: true,
            fwd_status: None,
            age_given_s: None,
            origin_took: Duration::ZERO,
            from_ring: true,
        };
        self.fill.set_head(head, false);
    }

    /// Lets another proxy fill what this one did not.
    async fn give_up_lease(&mut self) {
        let Some(lease) = std::mem::replace(&mut self.share, Share::Nothing).unused() else {
            return;
        };
        let Some(ring) = self.job.keeper.proxy.ring.load_full() else {
            return;
        };
        if let Err(error) = ring.release(lease).await {
            tracing::debug!(%error, "a lease was not given up");
        }
    }
}

impl Drop for Listing<'_> {
    fn drop(&mut self) {
        self.end();
        self.fill.abandon();
    }
}

impl Job {
    /// `listed`: other requests may wait for this fill.
    pub(crate) fn new(
        proxy: &Arc<Proxy>,
        read: &Read<'_>,
        looked: &Looked,
        errand: Errand,
        listed: bool,
    ) -> Self {
        let stored = |covers: bool| {
            let found = looked.found.as_ref().filter(|found| found.covers == covers);
            found.map(|found| Arc::clone(&found.entry))
        };
        let (held, held_part) = (stored(true), stored(false));
        let client_headers = read.request.headers.to_map();
        let route_tags = read.route.tags(&read.target.path);
        let known = Held {
            valid: held.as_deref(),
            start: held_part.as_deref().filter(|_| errand == Errand::Whole),
        };
        Self {
            request: origin_request(proxy, read, &client_headers, &route_tags, (errand, known)),
            errand,
            listed,
            asked: Asked {
                range: errand == Errand::Range,
                ..Asked::of(&read.signals)
            },
            wanted: read.signals.wanted,
            held,
            keeper: Keeper {
                proxy: Arc::clone(proxy),
                route: Arc::clone(read.route),
                key: read.key.to_owned(),
                primary: read.hash,
                hash: looked.hash,
                route_tags,
                client_headers,
                held_part,
                marker: looked.marker.clone(),
            },
            _under_way: proxy.under_way.enter(),
        }
    }

    /// Runs the fill to its end.
    pub(crate) async fn run(self, fill: Arc<Fill>) {
        let mut listing = Listing {
            job: &self,
            fill: &fill,
            share: Share::All,
        };
        // boxed, each part when its time comes: a task is moved several times before it runs, and all of them make a large one
        match Box::pin(self.course()).await {
            Course::Filled(entry) => return listing.answer_from_ring(entry),
            Course::Fetch(share) => listing.share = share,
        }
        match self.fetch(&fill).await {
            Ok(fetched) => Box::pin(self.take(fetched, &mut listing)).await,
            Err(error) => {
                listing.end();
                fill.set_head(Head::Failed(error), false);
            }
        }
        listing.give_up_lease().await;
    }

    /// Asks, and asks again without conditions when the answer is about something else than what is stored (RFC 9111 section
    /// 4.3.4, RFC 9110 section 15.3.7.3).
    async fn fetch(&self, fill: &Arc<Fill>) -> Result<Fetched, FetchError> {
        let hand_on = |status: StatusCode, headers: &HeaderMap| {
            let mut headers = headers.clone();
            fields::drop_hop_by_hop(&mut headers);
            headers.remove(fields::name::EXPLAIN);
            fill.hint(Hint { status, headers });
        };
        let request = self.request.as_ref().map_err(Clone::clone)?;
        let fetched = self.keeper.proxy.fetcher.get(request, &hand_on).await?;
        let held = self.held.as_deref();
        let unhelpful = match fetched.status {
            StatusCode::NOT_MODIFIED => {
                held.is_some_and(|held| !update::is_about(held.headers(), &fetched.headers))
            }
            StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
                self.start().is_some() && self.start_of(&fetched).is_none()
            }
            _ => false,
        };
        if !unhelpful {
            return Ok(fetched);
        }
        self.keeper.proxy.fetcher.release(fetched).await;
        let plain = unconditional(request, self.errand == Errand::Range);
        self.keeper.proxy.fetcher.get(&plain, &hand_on).await
    }

    /// The stored beginning that the request asked the rest of.
    fn start(&self) -> Option<&Entry> {
        let start = self.keeper.held_part.as_deref()?;
        (self.errand == Errand::Whole && rest_of(start).is_some()).then_some(start)
    }

    /// The beginning that a 206 is the rest of, and the length of both.
    fn start_of(&self, fetched: &Fetched) -> Option<(Bytes, u64)> {
        let start = self.start()?;
        let stored = place(start)?;
        let rest = place_of(&fetched.headers)?;
        let length = fields::content_length(&fetched.headers);
        let fits = length.is_none_or(|length| length == rest.length())
            && rest.first == stored.last + 1
            && rest.complete == stored.complete
            && rest.complete == Some(rest.last + 1)
            && share_a_strong_validator(start.headers(), &fetched.headers, fetched.received_at);
        fits.then_some((start.body(), rest.complete?))
    }

    async fn take(&self, mut fetched: Fetched, listing: &mut Listing<'_>) {
        if fetched.status == StatusCode::NOT_MODIFIED {
            return match self.held.clone() {
                Some(held) => self.refreshed(&held, fetched, listing).await,
                None => self.uncalled_for(fetched, listing).await,
            };
        }
        if self.errand == Errand::Head {
            return self.take_head(fetched, listing).await;
        }
        let start = self.completed(&mut fetched);
        let exchange = self.exchange(&fetched, fetched.status, &fetched.headers);
        let verdict = self.judge(&exchange);
        let superseded = match &verdict {
            Err(reason) if self.supersedes(fetched.status, *reason) => {
                self.keeper.proxy.remove(vec![self.keeper.hash])
            }
            _ => None,
        };
        let head = self.head_of(&mut fetched, verdict.as_ref());
        let storable = verdict.ok();
        let shared = storable.as_ref().is_some_and(|storable| {
            !freshness::is_never_fresh(&storable.facts, fetched.status.as_u16(), &self.keeper.route.route)
        });
        if !shared {
            // nobody else may have this answer: release those who wait before the body comes
            listing.end();
        }
        let fill = listing.fill;
        fill.set_head(Head::Response(Arc::clone(&head)), storable.is_some());
        if storable.is_none() {
            self.note_unshared(fetched.status);
            listing.give_up_lease().await;
        }
        let kept = self.stream(&mut fetched, listing, &head, storable, start).await;
        match kept {
            Ok(kept) => {
                fill.finish(Ok(()));
                listing.put_in_ring(kept).await;
            }
            Err(broken) => fill.finish(Err(broken)),
        }
        listing.end();
        self.keeper.proxy.fetcher.release(fetched).await;
        ended(superseded).await;
    }

    /// The next who ask need not wait for each other. Failures are another matter: those are for all.
    fn note_unshared(&self, status: StatusCode) {
        if self.listed && !status.is_server_error() {
            self.keeper.proxy.unshared.note(self.keeper.hash);
        }
    }

    /// Makes a 206 that is the rest of what is stored into the 200 that both are. Returns the stored beginning.
    fn completed(&self, fetched: &mut Fetched) -> Option<Bytes> {
        if fetched.status != StatusCode::PARTIAL_CONTENT {
            return None;
        }
        let (start, length) = self.start_of(fetched)?;
        let mut headers = self.start()?.headers().clone();
        update::merge(&mut headers, &fetched.headers);
        headers.remove(CONTENT_RANGE);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        fetched.headers = headers;
        fetched.status = StatusCode::OK;
        Some(start)
    }

    /// An origin's answer as it is sent on. Its fields are made fit for clients on the way.
    fn head_of(&self, fetched: &mut Fetched, verdict: Result<&Storable, &NotStored>) -> Arc<ResponseHead> {
        let storable = verdict.ok();
        // an `Age` that is no number is as good as none
        let age_given_s = age_given(fetched);
        fields::for_client(&mut fetched.headers, fetched.status, fetched.received_at);
        Arc::new(ResponseHead {
            status: fetched.status,
            headers: fetched.headers.clone(),
            content_length: fields::content_length(&fetched.headers),
            age_given_s,
            stored: storable.map(|storable| storable.facts),
            not_stored: verdict.err().copied(),
            withheld: storable.map_or_else(Vec::new, |storable| storable.withheld.clone()),
            vary: self.keeper.selecting(&vary::names(&fetched.headers)),
            floor_tags: self.keeper.floor_tags(&fetched.headers),
            position: position(&fetched.headers),
            requested_at: fetched.requested_at,
            received_at: fetched.received_at,
            origin_took: fetched.took,
        })
    }

    /// Hands the body on as it comes, and stores it in L1 before the last piece goes out: who has the whole answer finds
    /// it in the cache with the next request. Returns what is left to put into the ring.
    async fn stream(
        &self,
        fetched: &mut Fetched,
        listing: &mut Listing<'_>,
        head: &ResponseHead,
        mut storable: Option<Storable>,
        start: Option<Bytes>,
    ) -> Result<Option<Kept>, BrokenOff> {
        let fill = listing.fill;
        let mut stored = None;
        let mut kept: Vec<Bytes> = start.into_iter().collect();
        kept.iter().cloned().for_each(|chunk| fill.push(chunk));
        let mut kept_bytes: u64 = kept.iter().map(|chunk| chunk.len() as u64).sum();
        let mut passed = kept_bytes;
        let mut whole = fetched.is_done();
        while !whole {
            if fill.room().await.is_err() {
                return Err(BrokenOff);
            }
            let (chunk, last) = match fetched.next().await {
                Ok(Some(next)) => next,
                Ok(None) => break,
                Err(error) => {
                    tracing::debug!(%error, "an origin broke off");
                    return Err(BrokenOff);
                }
            };
            whole = last;
            passed += chunk.len() as u64;
            // the rest of a stored beginning may be longer than its origin said, and what is announced is what is sent
            if head.content_length.is_some_and(|announced| passed > announced) {
                return Err(BrokenOff);
            }
            if storable.is_some() {
                kept_bytes += chunk.len() as u64;
                kept.push(chunk.clone());
                if kept_bytes > self.keeper.proxy.config.cache.max_body_bytes {
                    storable = None;
                    kept.clear();
                    listing.end();
                    fill.stop_keeping();
                    // its end may be long in coming, and the next is as long
                    self.note_unshared(head.status);
                    listing.give_up_lease().await;
                }
            }
            if last && let Some(storable) = storable.take() {
                let answered = answered(fetched, std::mem::take(&mut kept));
                stored = self.keeper.store(answered, head.content_length, &storable);
            }
            fill.push(chunk);
        }
        if let Some(storable) = storable {
            stored = self
                .keeper
                .store(answered(fetched, kept), head.content_length, &storable);
        }
        if head.content_length.is_some_and(|announced| passed < announced) {
            return Err(BrokenOff);
        }
        Ok(stored)
    }

    fn exchange<'e>(&self, fetched: &Fetched, status: StatusCode, response: &'e HeaderMap) -> Exchange<'e> {
        Exchange {
            request: self.asked,
            status,
            response,
            timing: timing(fetched),
        }
    }

    fn judge(&self, exchange: &Exchange<'_>) -> Result<Storable, NotStored> {
        let max_bytes = self.keeper.proxy.config.cache.max_body_bytes;
        let too_large = fields::content_length(exchange.response).is_some_and(|length| length > max_bytes);
        let partial = exchange.status == StatusCode::PARTIAL_CONTENT;
        let bare = self.keeper.held_part.is_none() && self.keeper.client_headers.contains_key(IF_RANGE);
        let no_place = partial && (bare || place_of(exchange.response).is_none());
        match storing::decide(exchange, &self.keeper.route.route) {
            Ok(_) if too_large => Err(NotStored::TooLarge),
            Ok(_) if no_place => Err(NotStored::NoPlace),
            Ok(_) if self.covers_failure(exchange.status) => Err(NotStored::Status),
            verdict => verdict,
        }
    }
}

impl Job {
    /// Whether an answer is a failure that what is stored covers: stored itself, it would stand in the way.
    fn covers_failure(&self, status: StatusCode) -> bool {
        let covers = |held: &Entry| {
            let route = &self.keeper.route.route;
            freshness::judge(&held.facts(), held.receipt(), route, UnixMillis::now()).if_error
        };
        matches!(status.as_u16(), 500 | 502..=504) && self.held.as_deref().is_some_and(covers)
    }

    /// Whether an answer that may not be stored tells that what is stored is no longer what the origin would say to anybody.
    fn supersedes(&self, status: StatusCode, reason: NotStored) -> bool {
        let of_this_request = matches!(
            reason,
            NotStored::RequestNoStore | NotStored::Authorization | NotStored::Head
        );
        let tells = status.is_success() || status.is_redirection() || matches!(status.as_u16(), 404 | 410);
        self.held.is_some() && tells && !of_this_request && !self.asked.authorization
    }
}

/// Age that caches before this one have given an answer. One that is no number is as good as none.
fn age_given(fetched: &Fetched) -> Option<u32> {
    age::value(&fetched.headers).map(|_| age::initial(&fetched.headers, timing(fetched)))
}

fn timing(fetched: &Fetched) -> Timing {
    Timing {
        requested_at: fetched.requested_at,
        received_at: fetched.received_at,
    }
}

fn answered(fetched: &Fetched, body: Vec<Bytes>) -> Answered<'_> {
    Answered {
        requested_at: fetched.requested_at,
        received_at: fetched.received_at,
        status: fetched.status,
        headers: &fetched.headers,
        body,
    }
}
