//! From an origin's answer to stored entries.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, IF_RANGE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::answer::{place, place_of};
use crate::cache::entry::{Entry, Kind, Parts, encode};
use crate::cache::ring::Lease;
use crate::clock::UnixMillis;
use crate::fields;
use crate::floors::TagHash;
use crate::key::{self, KeyHash};
use crate::policy::freshness;
use crate::policy::partial::{Part, combine};
use crate::policy::range::ContentRange;
use crate::policy::storing::Storable;
use crate::policy::{update, vary};
use crate::position::Position;
use crate::proxy::Proxy;
use crate::request::Headers;
use crate::routes::RouteState;

/// An answer that is whole in memory.
pub(crate) struct Answered<'a> {
    pub(crate) requested_at: UnixMillis,
    pub(crate) received_at: UnixMillis,
    pub(crate) status: StatusCode,
    /// As sent to the client that caused the fill.
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: Vec<Bytes>,
}

/// An entry, with its vary marker if it has one, on its way to the ring.
pub(crate) struct Kept {
    pub(crate) places: Vec<(KeyHash, Arc<Entry>)>,
}

/// Names that an answer varies on, with this request's values.
pub(crate) type Selecting = Vec<(String, Option<Vec<u8>>)>;

/// What it takes to store the answer to one request, once the request itself may be gone.
pub(crate) struct Keeper {
    pub(crate) proxy: Arc<Proxy>,
    pub(crate) route: Arc<RouteState>,
    pub(crate) key: String,
    /// Of the key without variants.
    pub(crate) primary: KeyHash,
    /// Of the variant, as far as it is known.
    pub(crate) hash: KeyHash,
    pub(crate) route_tags: Vec<String>,
    /// The client's own fields: what `Vary` selects on.
    pub(crate) client_headers: HeaderMap,
    /// Part of a response that is stored now, to be joined with another.
    pub(crate) held_part: Option<Arc<Entry>>,
    /// What the stored variants are told apart by.
    pub(crate) marker: Option<Arc<Entry>>,
}

impl Keeper {
    /// Stores an answer whose body has ended, as what it is: whole, or a part that may complete what is stored.
    pub(crate) fn store(
        &self,
        answered: Answered<'_>,
        expected: Option<u64>,
        storable: &Storable,
    ) -> Option<Kept> {
        let body_bytes: u64 = answered.body.iter().map(|chunk| chunk.len() as u64).sum();
        if expected.is_some_and(|length| length != body_bytes) {
            return None; // RFC 9111 section 3.3: an incomplete response is not stored as a complete one
        }
        if answered.status == StatusCode::PARTIAL_CONTENT {
            return self.store_part(answered, storable);
        }
        let mut headers = answered.headers.clone();
        if answered.status != StatusCode::NO_CONTENT {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(body_bytes));
        }
        self.keep(&self.entry(&answered, answered.status, headers, storable)?)
    }

    /// RFC 9111 section 3.4.
    fn store_part(&self, mut answered: Answered<'_>, storable: &Storable) -> Option<Kept> {
        let mut place = place_of(answered.headers)?;
        let body = Bytes::from(answered.body.concat());
        if place.length() != body.len() as u64 || self.has_whole() {
            return None;
        }
        answered.body = vec![body.clone()];
        let mut headers = answered.headers.clone();
        if let Some((joined, chunks, stored)) = self.joined_with_held(place, answered.headers, body) {
            place = joined;
            answered.body = chunks;
            headers = stored.headers().clone();
            update::merge(&mut headers, answered.headers);
        } else if self.client_headers.contains_key(IF_RANGE) {
            return None; // what answers `If-Range` need not say what the client knows already (RFC 9110 section 15.3.7)
        }
        headers.insert(CONTENT_LENGTH, HeaderValue::from(place.length()));
        if place.complete == Some(place.length()) {
            headers.remove(CONTENT_RANGE);
            return self.keep(&self.entry(&answered, StatusCode::OK, headers, storable)?);
        }
        headers.insert(CONTENT_RANGE, HeaderValue::from_str(&place.to_string()).ok()?);
        self.keep(&self.entry(&answered, StatusCode::PARTIAL_CONTENT, headers, storable)?)
    }

    /// Whether a whole response that is still fresh stands where a part would go.
    fn has_whole(&self) -> bool {
        let fresh = |entry: &Entry| {
            let now = UnixMillis::now();
            freshness::judge(&entry.facts(), entry.receipt(), &self.route.route, now).is_fresh()
        };
        let stored = self.proxy.l1.get(self.hash);
        stored.is_some_and(|entry| entry.kind() == Kind::Response && entry.status() != 206 && fresh(&entry))
    }

    fn joined_with_held(
        &self,
        newer: ContentRange,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Option<(ContentRange, Vec<Bytes>, &Entry)> {
        let held = self.held_part.as_deref()?;
        let stored = Part {
            place: place(held)?,
            headers: held.headers(),
            body: held.body(),
        };
        let newer = Part {
            place: newer,
            headers,
            body,
        };
        let (place, body) = combine(&stored, &newer, held.receipt().received_at)?;
        Some((place, body, held))
    }

    /// An answer as an entry, which is stored nowhere yet.
    pub(crate) fn entry(
        &self,
        answered: &Answered<'_>,
        status: StatusCode,
        mut headers: HeaderMap,
        storable: &Storable,
    ) -> Option<Arc<Entry>> {
        let vary = self.selecting(&self.stored_names(&headers));
        let tags = self.tags(&headers);
        withhold(&mut headers, &storable.withheld);
        let parts = Parts {
            kind: Kind::Response,
            status: status.as_u16(),
            requested_at: answered.requested_at,
            received_at: answered.received_at,
            position: position(&headers),
            facts: storable.facts,
            key: &self.key,
            vary,
            tags,
            head: &fields::write_head(status, &headers),
            body: &answered.body,
        };
        Some(Arc::new(Entry::decode(encode(&parts)?).ok()?))
    }

    /// Stores an entry in L1, unless it reflects less than what is known to have changed.
    pub(crate) fn keep(&self, entry: &Arc<Entry>) -> Option<Kept> {
        if !self.proxy.coherence.admits(entry) {
            return None;
        }
        let mut places = Vec::new();
        let mut hash = self.primary;
        if entry.vary().next().is_some() {
            places.push((self.primary, self.marker_of(entry)?));
            hash = key::variant_hash(self.primary, entry.vary().map(|(_, value)| value));
        }
        places.push((hash, Arc::clone(entry)));
        for (hash, entry) in &places {
            self.proxy.keep(*hash, entry);
            self.proxy.unshared.forget(*hash);
        }
        Some(Kept { places })
    }

    /// The note of what an entry's resource varies on.
    fn marker_of(&self, entry: &Entry) -> Option<Arc<Entry>> {
        let receipt = entry.receipt();
        let own = |(name, value): (&str, Option<&[u8]>)| (name.to_owned(), value.map(<[u8]>::to_vec));
        let parts = Parts {
            kind: Kind::VaryMarker,
            status: receipt.status,
            requested_at: entry.requested_at(),
            received_at: receipt.received_at,
            position: entry.position(),
            facts: entry.facts(),
            key: &self.key,
            vary: entry.vary().map(own).collect(),
            tags: Vec::new(),
            head: b"",
            body: &[],
        };
        Some(Arc::new(Entry::decode(encode(&parts)?).ok()?))
    }

    /// What the variants of this resource are told apart by: what this answer varies on. One that forgot to vary stands for its
    /// own request only while others are stored that did: those stay preferred (RFC 9111 section 4.1).
    fn stored_names(&self, headers: &HeaderMap) -> Vec<String> {
        let names = vary::names(headers);
        let fresh = |marker: &&Arc<Entry>| {
            let now = UnixMillis::now();
            freshness::judge(&marker.facts(), marker.receipt(), &self.route.route, now).is_fresh()
        };
        match self.marker.as_ref().filter(fresh) {
            Some(marker) if names.is_empty() => marker.vary().map(|(name, _)| name.to_owned()).collect(),
            _ => names,
        }
    }

    /// This request's values of some fields.
    pub(crate) fn selecting(&self, names: &[String]) -> Selecting {
        let client = Headers::Map(&self.client_headers);
        names
            .iter()
            .map(|name| (name.clone(), client.selecting(name)))
            .collect()
    }

    /// Surrogate keys of an answer and tags of the route.
    fn tags(&self, headers: &HeaderMap) -> Vec<String> {
        let mut tags = fields::surrogate_keys(headers);
        tags.extend_from_slice(&self.route_tags);
        tags.sort_unstable();
        tags.dedup();
        tags
    }

    pub(crate) fn floor_tags(&self, headers: &HeaderMap) -> Vec<TagHash> {
        let tags = self.tags(headers);
        tags.iter()
            .map(|tag| TagHash::of_tag(tag))
            .chain([TagHash::of_url(&self.key)])
            .collect()
    }

    /// Comes after the answer: a ring that is slow holds nobody up. Until it is done, whoever asks reads from this fill.
    /// Returns whether the lease, if there is one, has had its use.
    pub(crate) async fn put_in_ring(&self, kept: Option<Kept>, lease: Option<&Lease>) -> bool {
        let mut used = false;
        // the marker last: whoever finds it looks for the variant at once, and would fetch what is not there yet
        let places = kept.into_iter().flat_map(|kept| kept.places.into_iter().rev());
        for (hash, entry) in places {
            // a write may have been heard of since the entry was made, and have deleted what the ring held
            if self.proxy.coherence.admits(&entry) {
                let lease = lease.filter(|lease| lease.is_for(hash));
                let stored = self.proxy.ring_put(hash, &entry, &self.route, lease).await;
                used |= lease.is_some() && stored.is_some();
            }
        }
        used
    }
}

/// Drops the fields that only one client may have.
fn withhold(headers: &mut HeaderMap, names: &[HeaderName]) {
    names.iter().for_each(|name| drop(headers.remove(name)));
}

pub(crate) fn position(headers: &HeaderMap) -> Option<Position> {
    headers.get(fields::name::POSITION)?.to_str().ok()?.parse().ok()
}
