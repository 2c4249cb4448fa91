//! A fill: fetch, hand on as it comes, store. Misses, revalidations and background refreshes are all this one task.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, ETAG, HOST, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use http::{HeaderMap, HeaderValue, StatusCode};
use pingora::http::RequestHeader;

use crate::cache::entry::{Entry, Kind, Parts, encode};
use crate::coalesce::{BrokenOff, Fill, Head, ResponseHead};
use crate::fetch::{FetchError, Fetched};
use crate::fields;
use crate::floors::TagHash;
use crate::key::{self, KeyHash};
use crate::lookup::Looked;
use crate::policy::freshness::Facts;
use crate::policy::storing::{self, Exchange};
use crate::position::Position;
use crate::proxy::Proxy;
use crate::read::Read;
use crate::request::Headers;
use crate::routes::RouteState;

/// Everything a fill needs once the request that caused it may be gone.
pub(crate) struct Job {
    proxy: Arc<Proxy>,
    route: Arc<RouteState>,
    key: String,
    /// Of the key without variants.
    primary: KeyHash,
    /// Under which the fill stands in the table, if it does.
    listed: Option<KeyHash>,
    route_tags: Vec<String>,
    /// The client's own fields: what `Vary` selects on.
    client_headers: HeaderMap,
    request: Result<RequestHeader, FetchError>,
    /// What is stored now, to be validated.
    held: Option<Arc<Entry>>,
}

/// A fill's place in the table. Given up when dropped, so that no waiter outlives a task that has panicked.
struct Listing<'l> {
    job: &'l Job,
    fill: &'l Arc<Fill>,
}

impl Listing<'_> {
    /// Takes the fill off the table: the next request starts another.
    fn end(&self) {
        if let Some(hash) = self.job.listed {
            self.job.proxy.fills.remove(hash, self.fill);
        }
    }
}

impl Drop for Listing<'_> {
    fn drop(&mut self) {
        self.end();
        self.fill.abandon();
    }
}

/// An entry, with its vary marker if it has one, on its way to the ring.
struct Kept {
    entry: Arc<Entry>,
    places: Vec<(KeyHash, Arc<Entry>)>,
}

/// What storing an answer comes to.
enum Verdict {
    Store(Facts),
    Pass,
}

impl Job {
    /// `listed`: other requests may wait for this fill.
    pub(crate) fn new(proxy: &Arc<Proxy>, read: &Read<'_>, looked: &Looked, listed: bool) -> Self {
        let held = looked.found.as_ref().map(|found| Arc::clone(&found.entry));
        let client_headers = read.request.headers.to_map();
        let route_tags = read.route.tags(&read.target.path);
        Self {
            request: origin_request(proxy, read, client_headers.clone(), &route_tags, held.as_deref()),
            proxy: Arc::clone(proxy),
            route: Arc::clone(&read.route),
            key: read.key.to_owned(),
            primary: read.hash,
            listed: listed.then_some(looked.hash),
            route_tags,
            client_headers,
            held,
        }
    }

    /// Runs the fill to its end.
    pub(crate) async fn run(self, fill: Arc<Fill>) {
        let fetched = match &self.request {
            Ok(request) => self.proxy.fetcher.get(request).await,
            Err(error) => Err(error.clone()),
        };
        let listing = Listing {
            job: &self,
            fill: &fill,
        };
        match fetched {
            Ok(fetched) => self.take(fetched, &listing).await,
            Err(error) => {
                listing.end();
                fill.set_head(Head::Failed(error), false);
            }
        }
    }

    async fn take(&self, mut fetched: Fetched, listing: &Listing<'_>) {
        let fill = listing.fill;
        if fetched.status == StatusCode::NOT_MODIFIED
            && let Some(held) = self.held.clone()
        {
            return self.refreshed(&held, fetched, listing).await;
        }
        if fetched.status == StatusCode::NOT_MODIFIED {
            let error = FetchError::Failed {
                origin: fetched.origin().to_owned(),
                why: "it answered 304 to a request without conditions".into(),
            };
            listing.end();
            fill.set_head(Head::Failed(error), false);
            return self.proxy.fetcher.release(fetched).await;
        }
        let exchange = self.exchange(&fetched, fetched.status, &fetched.headers);
        let verdict = self.judge(&exchange);
        let age_given_s = storing::age_given(&exchange);
        fields::for_client(&mut fetched.headers, fetched.status, fetched.received_at);
        let stored = matches!(verdict, Verdict::Store(_));
        if !stored {
            // nobody else may have this answer: release those who wait before the body comes
            listing.end();
        }
        let head = Arc::new(ResponseHead {
            status: fetched.status,
            headers: fetched.headers.clone(),
            content_length: fields::content_length(&fetched.headers),
            age_given_s,
            stored,
            vary: self.vary(&fetched.headers),
            floor_tags: self.floor_tags(&fetched.headers),
            position: position(&fetched.headers),
            requested_at: fetched.requested_at,
            origin_took: fetched.took,
        });
        fill.set_head(Head::Response(Arc::clone(&head)), stored);
        match self.stream(&mut fetched, listing, &head, verdict).await {
            Ok(kept) => {
                fill.finish(Ok(()));
                self.put_in_ring(kept).await;
            }
            Err(broken) => fill.finish(Err(broken)),
        }
        listing.end();
        self.proxy.fetcher.release(fetched).await;
    }

    /// Comes after the answer: a ring that is slow holds nobody up. Until it is done, whoever asks reads from this fill.
    async fn put_in_ring(&self, kept: Option<Kept>) {
        for (hash, entry) in kept.into_iter().flat_map(|kept| kept.places) {
            self.proxy.ring_put(hash, &entry, &self.route).await;
        }
    }

    /// Hands the body on as it comes, and stores it in L1 before the last piece goes out: who has the whole answer finds
    /// it in the cache with the next request. Returns what is left to put into the ring.
    async fn stream(
        &self,
        fetched: &mut Fetched,
        listing: &Listing<'_>,
        head: &ResponseHead,
        verdict: Verdict,
    ) -> Result<Option<Kept>, BrokenOff> {
        let fill = listing.fill;
        let mut stored = None;
        let mut facts = match verdict {
            Verdict::Store(facts) => Some(facts),
            Verdict::Pass => None,
        };
        let mut kept: Vec<Bytes> = Vec::new();
        let mut kept_bytes = 0_u64;
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
            if facts.is_some() {
                kept_bytes += chunk.len() as u64;
                kept.push(chunk.clone());
                if kept_bytes > self.proxy.config.cache.max_body_bytes {
                    facts = None;
                    kept.clear();
                    listing.end();
                    fill.stop_keeping();
                }
            }
            if last && let Some(facts) = facts.take() {
                stored = self.store(fetched, head, facts, &kept);
            }
            fill.push(chunk);
        }
        if let Some(facts) = facts {
            stored = self.store(fetched, head, facts, &kept);
        }
        Ok(stored)
    }

    fn exchange<'e>(
        &'e self,
        fetched: &Fetched,
        status: StatusCode,
        response: &'e HeaderMap,
    ) -> Exchange<'e> {
        Exchange {
            request: &self.client_headers,
            status,
            response,
            requested_at: fetched.requested_at,
            received_at: fetched.received_at,
        }
    }

    fn judge(&self, exchange: &Exchange<'_>) -> Verdict {
        let too_large = fields::content_length(exchange.response)
            .is_some_and(|length| length > self.proxy.config.cache.max_body_bytes);
        match storing::decide(exchange, &self.route.route) {
            Ok(facts) if !too_large => Verdict::Store(facts),
            Ok(_) => Verdict::Pass,
            Err(reason) => {
                tracing::trace!(key = self.key, ?reason, "not stored");
                Verdict::Pass
            }
        }
    }

    fn store(&self, fetched: &Fetched, head: &ResponseHead, facts: Facts, body: &[Bytes]) -> Option<Kept> {
        let body_bytes: u64 = body.iter().map(|chunk| chunk.len() as u64).sum();
        if head.content_length.is_some_and(|length| length != body_bytes) {
            return None; // RFC 9111 section 3.3: an incomplete response is not stored as a complete one
        }
        let mut headers = fetched.headers.clone();
        if !matches!(fetched.status.as_u16(), 204 | 304) {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(body_bytes));
        }
        self.keep(fetched, fetched.status, &headers, facts, body)
    }

    /// Surrogate keys of an answer and tags of the route.
    fn tags(&self, headers: &HeaderMap) -> Vec<String> {
        let mut tags = fields::surrogate_keys(headers);
        tags.extend_from_slice(&self.route_tags);
        tags.sort_unstable();
        tags.dedup();
        tags
    }

    fn floor_tags(&self, headers: &HeaderMap) -> Vec<TagHash> {
        let tags = self.tags(headers);
        tags.iter()
            .map(|tag| TagHash::of_tag(tag))
            .chain([TagHash::of_url(&self.key)])
            .collect()
    }

    /// Encodes an answer and stores it in L1, unless it reflects less than what is known to have changed.
    fn keep(
        &self,
        fetched: &Fetched,
        status: StatusCode,
        headers: &HeaderMap,
        facts: Facts,
        body: &[Bytes],
    ) -> Option<Kept> {
        let vary = self.vary(headers);
        let parts = Parts {
            kind: Kind::Response,
            status: status.as_u16(),
            requested_at: fetched.requested_at,
            received_at: fetched.received_at,
            position: position(headers),
            facts,
            key: &self.key,
            vary: vary.clone(),
            tags: self.tags(headers),
            head: &fields::write_head(status, headers),
            body,
        };
        let entry = Arc::new(Entry::decode(encode(&parts)?).ok()?);
        let mut places = Vec::new();
        if self.proxy.coherence.admits(&entry) {
            let mut hash = self.primary;
            if !vary.is_empty() {
                let marker = Parts {
                    kind: Kind::VaryMarker,
                    head: b"",
                    body: &[],
                    tags: Vec::new(),
                    ..parts
                };
                places.push((self.primary, Arc::new(Entry::decode(encode(&marker)?).ok()?)));
                hash = key::variant_hash(self.primary, vary.iter().map(|(_, value)| value.as_deref()));
            }
            places.push((hash, Arc::clone(&entry)));
        }
        places
            .iter()
            .for_each(|(hash, entry)| self.proxy.keep(*hash, entry));
        Some(Kept { entry, places })
    }

    /// RFC 9111 section 4.3.4: the origin says that what is stored is still good.
    async fn refreshed(&self, held: &Arc<Entry>, fetched: Fetched, listing: &Listing<'_>) {
        let mut update = fetched.headers.clone();
        fields::for_client(&mut update, fetched.status, fetched.received_at);
        let mut headers = held.headers().clone();
        fields::merge_not_modified(&mut headers, &update);
        let status = StatusCode::from_u16(held.status()).unwrap_or(StatusCode::OK);
        let exchange = self.exchange(&fetched, status, &headers);
        // an update that forbids storing is served this once and leaves the stored response to age
        let facts = storing::decide(&exchange, &self.route.route).ok();
        let kept = facts.and_then(|facts| self.keep(&fetched, status, &headers, facts, &[held.body()]));
        let entry = kept.as_ref().map_or(held, |kept| &kept.entry);
        let head = Head::Entry {
            entry: Arc::clone(entry),
            fwd_status: Some(304),
            origin_took: fetched.took,
        };
        listing.fill.set_head(head, false);
        self.put_in_ring(kept).await;
        listing.end();
        self.proxy.fetcher.release(fetched).await;
    }

    /// What the answer varies on, with this request's values.
    fn vary(&self, response: &HeaderMap) -> Vec<(String, Option<Vec<u8>>)> {
        let client = Headers::Map(&self.client_headers);
        let value = |name: String| {
            let value = client.combined(&name);
            (name, value)
        };
        storing::vary_names(response).into_iter().map(value).collect()
    }
}

/// The request that a fill sends: a GET without preconditions of the client's, for exactly what the key names, that
/// asks for data at least as new as every change known here.
fn origin_request(
    proxy: &Proxy,
    read: &Read<'_>,
    mut headers: HeaderMap,
    route_tags: &[String],
    held: Option<&Entry>,
) -> Result<RequestHeader, FetchError> {
    fields::for_fill(&mut headers, read.request.client, read.request.scheme);
    let unfit = |_| FetchError::Failed {
        origin: "none".into(),
        why: "the request cannot be passed on".into(),
    };
    let mut target = read.target.path.clone().into_owned();
    if let Some(query) = key::keyed_query(read.target.query, &read.route.route.query) {
        target.push('?');
        target.push_str(&query);
    }
    let host = HeaderValue::from_str(proxy.origin_host(read.request.host)).map_err(|_| unfit(()))?;
    headers.insert(HOST, host);
    if let Some(held) = held {
        let validators = [(ETAG, IF_NONE_MATCH), (LAST_MODIFIED, IF_MODIFIED_SINCE)];
        for (validator, condition) in validators {
            if let Some(value) = held.headers().get(validator) {
                headers.insert(condition, value.clone());
            }
        }
    }
    let tags = route_tags
        .iter()
        .map(|tag| TagHash::of_tag(tag))
        .chain([TagHash::of_url(read.key)]);
    let floor = proxy.coherence.min_position(tags).max(read.signals.min_position);
    if let Some(value) = floor.and_then(|floor| HeaderValue::from_str(&floor.to_string()).ok()) {
        headers.insert(fields::name::MIN_POSITION, value);
    }
    let mut request =
        RequestHeader::build("GET", target.as_bytes(), Some(headers.len())).map_err(|_| unfit(()))?;
    for (name, value) in &headers {
        request
            .append_header(name.clone(), value.clone())
            .map_err(|_| unfit(()))?;
    }
    Ok(request)
}

fn position(headers: &HeaderMap) -> Option<Position> {
    headers.get(fields::name::POSITION)?.to_str().ok()?.parse().ok()
}
