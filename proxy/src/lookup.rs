//! From a read to a stored response: L1, then the ring, each checked before it is believed.

use std::sync::Arc;

use crate::answer::{if_range_holds, place};
use crate::cache::Tier;
use crate::cache::entry::{Entry, Kind};
use crate::clock::UnixMillis;
use crate::coherence::ENTRY_AGE_MAX;
use crate::key::{self, KeyHash};
use crate::policy::freshness::{self, Freshness};
use crate::policy::partial;
use crate::proxy::Proxy;
use crate::read::Read;
use crate::status::Outcome;

/// A stored response for a read, with what can be said of it now.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) entry: Arc<Entry>,
    pub(crate) tier: Tier,
    pub(crate) freshness: Freshness,
    /// At or above every floor, the client's included: not known to have changed since.
    pub(crate) admitted: bool,
    /// Whether changes are being heard of at all.
    pub(crate) current: bool,
    /// Below the position that the client has already seen.
    pub(crate) behind_client: bool,
    /// Not a mere part of what was asked for.
    pub(crate) covers: bool,
}

impl Found {
    /// Whether it answers the read without a word with the origin.
    pub(crate) fn serves(&self, read: &Read<'_>) -> bool {
        self.admitted && self.current && self.covers && read.signals.wanted.allows(&self.freshness)
    }

    /// Whether it may be served while a refresh runs (RFC 5861 section 3).
    pub(crate) fn serves_while_revalidating(&self, read: &Read<'_>) -> bool {
        let asks_for_more = read.signals.wanted.asks_for_more();
        self.admitted && self.current && self.covers && self.freshness.while_revalidate && !asks_for_more
    }

    /// Whether it may be served because no origin does better (RFC 5861 section 4), or because none can be reached (RFC 9111
    /// section 4.2.4). Never when it is known to have changed.
    pub(crate) fn serves_on_error(&self, unreachable: bool) -> bool {
        let freshness = &self.freshness;
        let stale = freshness.if_error || (unreachable && freshness.if_unreachable);
        self.admitted && self.covers && (freshness.is_fresh() || stale)
    }

    /// Why it does not answer the read.
    pub(crate) fn why_forward(&self) -> Outcome {
        let fresh = self.freshness.is_fresh() && self.current && (self.admitted || self.behind_client);
        match (self.covers, fresh) {
            (false, _) => Outcome::Partial,
            (true, true) => Outcome::Request,
            (true, false) => Outcome::Stale,
        }
    }
}

/// What a look-up in one tier comes to.
enum Probe {
    Found(Arc<Entry>),
    /// Nothing, or a response for other request fields.
    Nothing {
        vary: bool,
    },
}

/// What a look-up in both tiers comes to.
pub(crate) struct Looked {
    pub(crate) found: Option<Found>,
    /// Key of the variant that answers the read, as far as its variants are known.
    pub(crate) hash: KeyHash,
    /// Why nothing was found.
    pub(crate) miss: Outcome,
    /// What the stored variants are told apart by, if there are any.
    pub(crate) marker: Option<Arc<Entry>>,
}

/// What each tier holds for a read, looked at and left as it is.
pub(crate) struct Peeked {
    pub(crate) l1: Option<Found>,
    pub(crate) l2: Option<Found>,
    /// The tier knows of variants.
    pub(crate) l1_marked: bool,
    pub(crate) l2_marked: bool,
    /// Why the ring could not be asked.
    pub(crate) l2_error: Option<String>,
    /// What a look-up would come to.
    pub(crate) looked: Looked,
}

/// How a look-up leaves the tiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leave {
    /// What the ring gives is counted and kept in L1.
    Kept,
    /// As they were: somebody wants an explanation.
    AsIs,
}

impl Looked {
    /// Whether what is stored takes a word with the origin for each use: nobody can share another's.
    pub(crate) fn is_never_fresh(&self, read: &Read<'_>) -> bool {
        let route = &read.route.route;
        let never = |entry: &Entry| freshness::is_never_fresh(&entry.facts(), entry.status(), route);
        self.found.as_ref().is_some_and(|found| never(&found.entry))
    }
}

impl Proxy {
    /// Looks in L1 only: no waiting, no allocation to speak of.
    pub(crate) fn look_in_l1(&self, read: &Read<'_>, now: UnixMillis) -> Option<Found> {
        let first = self.l1.get(read.hash)?;
        match self.resolve_in_l1(read, first).0 {
            Probe::Found(entry) => Some(self.assess(read, entry, Tier::L1, now)),
            Probe::Nothing { .. } => None,
        }
    }

    fn resolve_in_l1(&self, read: &Read<'_>, first: Arc<Entry>) -> (Probe, KeyHash) {
        if first.kind() == Kind::Response {
            return (fits(read, first), read.hash);
        }
        let variant = variant_of(read, &first);
        match self.l1.get(variant) {
            Some(entry) => (fits(read, entry), variant),
            None => (Probe::Nothing { vary: true }, variant),
        }
    }

    /// Looks in both tiers. What the ring gives is kept in L1.
    pub(crate) async fn look(&self, read: &Read<'_>) -> Looked {
        let mut looked = self.look_first(read);
        if looked.found.as_ref().is_some_and(|found| found.serves(read)) {
            return looked;
        }
        let below = looked.found.take();
        match self.look_in_ring(read, &mut looked, Leave::Kept).await {
            Probe::Found(entry) => {
                let found = self.assess(read, Arc::clone(&entry), Tier::L2, UnixMillis::now());
                let newer = below.as_ref().is_none_or(|held| is_newer(&found, held));
                if newer {
                    self.keep(looked.hash, &entry);
                }
                looked.found = if newer { Some(found) } else { below };
            }
            Probe::Nothing { vary } => {
                looked.miss = if vary { Outcome::VaryMiss } else { Outcome::UriMiss };
                looked.found = below;
            }
        }
        looked
    }

    /// [`Self::look`] that always asks both tiers and changes neither.
    pub(crate) async fn peek(&self, read: &Read<'_>) -> Peeked {
        let first = self.look_first(read);
        let asked = self.peek_in_ring(first.hash).await;
        let l2_error = asked.err().map(|error| error.to_string());
        let l1_marked = first.marker.is_some();
        let mut in_ring = Looked {
            found: None,
            hash: first.hash,
            miss: first.miss,
            marker: first.marker.clone(),
        };
        let (mut l2, mut l2_marked) = (None, false);
        match self.look_in_ring(read, &mut in_ring, Leave::AsIs).await {
            Probe::Found(entry) => l2 = Some(self.assess(read, entry, Tier::L2, UnixMillis::now())),
            Probe::Nothing { vary } => {
                in_ring.miss = if vary { Outcome::VaryMiss } else { Outcome::UriMiss };
                l2_marked = vary && !l1_marked;
            }
        }
        let same = |one: &Arc<Entry>| first.marker.as_ref().is_some_and(|other| Arc::ptr_eq(one, other));
        l2_marked |= in_ring.marker.as_ref().is_some_and(|marker| !same(marker));
        let l1 = first.found.clone();
        let serves = l1.as_ref().is_some_and(|held| held.serves(read));
        let looked = if serves {
            first
        } else {
            let newer = l2
                .as_ref()
                .filter(|found| l1.as_ref().is_none_or(|held| is_newer(found, held)));
            in_ring.found = newer.or(l1.as_ref()).cloned();
            in_ring
        };
        Peeked {
            l1,
            l2,
            l1_marked,
            l2_marked,
            l2_error,
            looked,
        }
    }

    /// What L1 alone has to say.
    pub(crate) fn look_first(&self, read: &Read<'_>) -> Looked {
        let mut looked = Looked {
            found: None,
            hash: read.hash,
            miss: Outcome::UriMiss,
            marker: None,
        };
        if let Some(first) = self.l1.get(read.hash) {
            looked.marker = (first.kind() == Kind::VaryMarker).then(|| Arc::clone(&first));
            let (probe, variant) = self.resolve_in_l1(read, first);
            looked.hash = variant;
            if let Probe::Found(entry) = probe {
                looked.found = Some(self.assess(read, entry, Tier::L1, UnixMillis::now()));
            }
        }
        looked
    }

    async fn look_in_ring(&self, read: &Read<'_>, looked: &mut Looked, leave: Leave) -> Probe {
        let mut first = self.ring_entry(looked.hash, leave).await;
        if first.is_none() && looked.hash != read.hash {
            // another proxy may know of other fields that the variants are told apart by
            looked.hash = read.hash;
            first = self.ring_entry(read.hash, leave).await;
        }
        let Some(first) = first else {
            return Probe::Nothing {
                vary: looked.marker.is_some(),
            };
        };
        if first.kind() == Kind::Response {
            return fits(read, first);
        }
        if first.key() != read.key.as_bytes() {
            return Probe::Nothing { vary: false };
        }
        if leave == Leave::Kept {
            self.keep(looked.hash, &first);
        }
        looked.hash = variant_of(read, &first);
        looked.marker = Some(first);
        match self.ring_entry(looked.hash, leave).await {
            Some(entry) => fits(read, entry),
            None => Probe::Nothing { vary: true },
        }
    }

    async fn ring_entry(&self, hash: KeyHash, leave: Leave) -> Option<Arc<Entry>> {
        match leave {
            Leave::Kept => self.entry_from_ring(hash).await,
            Leave::AsIs => self.peek_in_ring(hash).await.ok().flatten(),
        }
    }

    /// Says what can be said of an entry now.
    pub(crate) fn assess(&self, read: &Read<'_>, entry: Arc<Entry>, tier: Tier, now: UnixMillis) -> Found {
        let behind_client = read.is_ahead_of(entry.position());
        Found {
            freshness: freshness::judge(&entry.facts(), entry.receipt(), &read.route.route, now),
            admitted: !behind_client
                && now.since(entry.requested_at()) < ENTRY_AGE_MAX
                && self.coherence.admits(&entry),
            current: self.coherence.is_current(),
            behind_client,
            covers: covers(read, &entry),
            entry,
            tier,
        }
    }
}

/// Of two entries for one key the one to keep: the one that has what was asked for, the admitted one, else the one received later.
fn is_newer(found: &Found, held: &Found) -> bool {
    let rank = |found: &Found| (found.covers, found.admitted, found.entry.receipt().received_at);
    rank(found) > rank(held)
}

/// An entry is believed only if it is for this very key and these very request fields: a collision of hashes is a miss.
fn fits(read: &Read<'_>, entry: Arc<Entry>) -> Probe {
    if entry.kind() != Kind::Response || entry.key() != read.key.as_bytes() {
        return Probe::Nothing { vary: false };
    }
    if read.request.headers.select(entry.vary()) {
        Probe::Found(entry)
    } else {
        Probe::Nothing { vary: true }
    }
}

fn variant_of(read: &Read<'_>, marker: &Entry) -> KeyHash {
    let values: Vec<Option<Vec<u8>>> = marker
        .vary()
        .map(|(name, _)| read.request.headers.selecting(name))
        .collect();
    key::variant_hash(read.hash, values.iter().map(Option::as_deref))
}

/// Whether an entry holds all that a read asks for. A stored part answers a range within it and nothing else (RFC 9111
/// section 3.3).
fn covers(read: &Read<'_>, entry: &Entry) -> bool {
    if entry.status() != 206 {
        return true;
    }
    let within = |specs| place(entry).is_some_and(|place| partial::covered(&place, specs).is_some());
    read.range.as_deref().is_some_and(within)
        && if_range_holds(read, entry.headers(), entry.receipt().received_at)
}
