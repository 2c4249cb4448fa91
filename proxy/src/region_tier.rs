//! What a proxy does with its region's ring: look-ups that are believed only within reason, stores, and keys that are read
//! so often that they stay in memory.

use std::sync::Arc;
use std::time::{Duration, Instant};

use proxima_config::checked::{Feed, OnRingFailure, Ring as RingConfig};
use tokio::sync::watch;

use http::StatusCode;

use crate::answer::{Answer, Stored};
use crate::cache::entry::Entry;
use crate::cache::ring::{Held, Lease, Put, Ring, RingError, Surroundings};
use crate::key::KeyHash;
use crate::lookup::Looked;
use crate::policy::freshness;
use crate::problem::Problem;
use crate::proxy::Proxy;
use crate::read::Read;
use crate::routes::RouteState;
use crate::status::Outcome;

/// How long a ring whose names do not resolve is left before the next attempt.
const RING_RETRY_AFTER: Duration = Duration::from_secs(2);

impl Proxy {
    /// Looks in the ring, within its deadline. A failing ring is a miss.
    pub(crate) async fn entry_from_ring(&self, hash: KeyHash) -> Option<Arc<Entry>> {
        let ring = self.ring.load_full()?;
        let asked = Instant::now();
        let found = ring.get(hash).await;
        let metrics = &self.metrics.ring;
        metrics.lookups.observe(asked.elapsed().as_secs_f64());
        let (counter, held) = match found {
            Ok(Some(held)) => (&metrics.hits, Some(held)),
            Ok(None) => (&metrics.misses, None),
            Err(error) => {
                tracing::debug!(%error, "ring look-up failed");
                (&metrics.errors, None)
            }
        };
        counter.inc();
        let entry = believed(held?)?;
        self.keep_if_hot(hash, &entry);
        Some(entry)
    }

    /// [`Self::entry_from_ring`] that counts nothing.
    ///
    /// # Errors
    /// [`RingError`] when its node fails.
    pub(crate) async fn peek_in_ring(&self, hash: KeyHash) -> Result<Option<Arc<Entry>>, RingError> {
        let Some(ring) = self.ring.load_full() else {
            return Ok(None);
        };
        Ok(ring.get(hash).await?.and_then(believed))
    }

    fn keep_if_hot(&self, hash: KeyHash, entry: &Arc<Entry>) {
        if self.hot_keys.is_hot(hash, self.coherence.elapsed()) {
            self.metrics.ring.hot_kept.inc();
            self.l1.put_hot(hash, entry);
        }
    }

    /// Puts an entry into the ring, within its deadline; `None` when that failed.
    pub(crate) async fn ring_put(
        &self,
        hash: KeyHash,
        entry: &Entry,
        route: &RouteState,
        lease: Option<&Lease>,
    ) -> Option<Put> {
        let ring = self.ring.load_full()?;
        let useful_for = freshness::useful_for(&entry.facts(), entry.status(), &route.route);
        let stored = ring.put(hash, entry.blob(), useful_for, lease).await;
        let stored = stored.inspect_err(|error| tracing::debug!(%error, "ring store failed"));
        let stored = stored.ok();
        let result = stored.map_or("error", Put::as_str);
        self.metrics
            .ring
            .operations
            .with_label_values(&["set", result])
            .inc();
        stored
    }

    /// What is done instead of a fetch while no node of the ring can be asked, where the operator wants the origin spared.
    pub(crate) fn answer_without_ring(
        self: &Arc<Self>,
        read: &Read<'_>,
        looked: &Looked,
        why: Outcome,
    ) -> Option<Answer> {
        match self.without_ring()? {
            OnRingFailure::Origin => None,
            OnRingFailure::Stale => {
                let held = looked.found.as_ref()?;
                let stale =
                    held.current && held.serves_on_error(true) && !read.signals.wanted.asks_for_more();
                stale.then(|| {
                    self.refresh(read, looked);
                    Answer::Stored(Stored::new(read, held))
                })
            }
            OnRingFailure::Reject => {
                let detail =
                    "the region's cache is out of order, and the origin is spared meanwhile; try again later";
                let problem = Problem {
                    retry_after_s: Some(self.next_probe_s()),
                    ..Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
                };
                Some(Answer::Problem {
                    problem,
                    status: why.into(),
                })
            }
        }
    }

    /// Seconds until every node has been probed once more.
    fn next_probe_s(&self) -> u32 {
        let config = self.ring_config.borrow();
        let interval = config.as_ref().map_or(Duration::ZERO, |ring| ring.probe_interval);
        u32::try_from(interval.as_millis().div_ceil(1000)).map_or(u32::MAX, |seconds| seconds.max(1))
    }

    /// What to do with a read that L1 does not answer, while no node of the ring can be asked; `None` while one can.
    fn without_ring(&self) -> Option<OnRingFailure> {
        self.ring_config.borrow().as_ref()?;
        let ring = self.ring.load();
        let out = ring.as_ref().is_none_or(|ring| ring.is_out());
        out.then_some(self.config.cache.on_ring_failure)
    }
}

/// Has the proxy use the ring that its configuration asks for, and probes the one in use for ever. Where that changes, the
/// old ring serves until the new one is made.
pub(crate) async fn keep_ring(proxy: Arc<Proxy>) {
    let surroundings = Surroundings {
        entry_bytes_max: entry_bytes_max(proxy.config.cache.max_body_bytes),
        deaf: proxy.config.feed == Feed::None,
        metrics: Arc::clone(&proxy.metrics.ring),
    };
    let mut wanted = proxy.ring_config.subscribe();
    wanted.mark_changed();
    loop {
        let in_use = proxy.ring.load_full();
        tokio::select! {
            next = next_ring(&mut wanted, in_use.as_deref(), &surroundings) => proxy.ring.store(next),
            () = probe(in_use.as_deref()) => {}
        }
    }
}

/// The ring of the next configuration, however long its names take to resolve; while they do not, a newer configuration
/// takes its place.
async fn next_ring(
    wanted: &mut watch::Receiver<Option<RingConfig>>,
    in_use: Option<&Ring>,
    surroundings: &Surroundings,
) -> Option<Arc<Ring>> {
    if wanted.changed().await.is_err() {
        // its sender goes with the proxy, which goes last
        std::future::pending::<()>().await;
    }
    loop {
        let config = wanted.borrow_and_update().clone()?;
        let next = match in_use {
            Some(ring) => ring.changed(&config).await,
            None => Ring::new(&config, surroundings.clone()).await,
        };
        match next {
            Ok(ring) => return Some(Arc::new(ring)),
            Err(error) => {
                let meanwhile = match in_use {
                    Some(_) => "with the one before",
                    None => "without it",
                };
                tracing::warn!(%error, "the ring cannot be used yet; reads go on {meanwhile}");
                // ends early when the configuration changes
                let _ = tokio::time::timeout(RING_RETRY_AFTER, wanted.changed()).await;
            }
        }
    }
}

async fn probe(ring: Option<&Ring>) {
    match ring {
        Some(ring) => ring.probe().await,
        None => std::future::pending().await,
    }
}

/// Bytes of an entry whose body has so many: its head, key and tags are far smaller than a mebibyte.
fn entry_bytes_max(body_bytes: u64) -> usize {
    const HEAD_BYTES_MAX: u64 = 1 << 20;
    usize::try_from(body_bytes.saturating_add(HEAD_BYTES_MAX)).unwrap_or(usize::MAX)
}

/// The entry that a node gave, unless it is none, or the node may have missed its deletion.
pub(crate) fn believed(held: Held) -> Option<Arc<Entry>> {
    match Entry::decode(held.blob) {
        Ok(entry) if held.believed_from.is_some_and(|from| entry.requested_at() < from) => None,
        Ok(entry) => Some(Arc::new(entry)),
        Err(error) => {
            tracing::debug!(%error, "the ring gave something else than a stored response");
            None
        }
    }
}
