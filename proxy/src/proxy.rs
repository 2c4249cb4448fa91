//! Everything that the requests of one proxy share.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use proxima_config::checked::{Config, HostRule, Ring as RingConfig};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::access_log::AccessLog;
use crate::cache::entry::Entry;
use crate::cache::hot::HotKeys;
use crate::cache::l1::L1;
use crate::cache::ring::Ring;
use crate::cache::unshared::Unshared;
use crate::clock::UnixMillis;
use crate::coalesce::{Fills, Register};
use crate::coherence::Coherence;
use crate::fetch::Fetcher;
use crate::floors::{Invalidation, TagHash};
use crate::key::{self, KeyHash, Scheme};
use crate::metrics::{Metrics, MetricsError};
use crate::position::Position;
use crate::routes::Routes;
use crate::upstream::Upstreams;

/// Why a proxy cannot be made from a checked configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProxyError {
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    #[error(transparent)]
    AccessLog(#[from] std::io::Error),
}

/// Shared state of one proxy; every request holds a reference.
pub(crate) struct Proxy {
    /// As at the start; [`Self::ring_config`] has what has changed since.
    pub(crate) config: Arc<Config>,
    /// First word of this cache's member of `Cache-Status`.
    pub(crate) cache_name: String,
    pub(crate) routes: Routes,
    pub(crate) l1: L1,
    /// Look-ups in the ring, by key.
    pub(crate) hot_keys: HotKeys,
    /// Empty without a ring, and until its nodes' names have resolved.
    pub(crate) ring: ArcSwapOption<Ring>,
    /// The ring that the configuration asks for now; [`Self::ring`] follows it.
    pub(crate) ring_config: watch::Sender<Option<RingConfig>>,
    pub(crate) coherence: Coherence,
    pub(crate) fills: Fills,
    pub(crate) under_way: Arc<Register>,
    pub(crate) unshared: Unshared,
    pub(crate) fetcher: Fetcher,
    pub(crate) upstreams: Arc<Upstreams>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) access_log: AccessLog,
}

/// A successful write, as far as the cache is concerned.
pub(crate) struct Written<'w> {
    pub(crate) host: &'w str,
    /// Target of the request, and those that `Location` and `Content-Location` name.
    pub(crate) targets: Vec<String>,
    /// Tags that the answer named.
    pub(crate) tags: Vec<String>,
    /// Where in the data's history the write is.
    pub(crate) position: Option<Position>,
    /// When it was sent to the origin.
    pub(crate) asked_at: UnixMillis,
}

/// What a write has made doubtful.
pub(crate) struct Invalidated {
    /// From when on data counts as made after the write; `None` when something else has changed since it was sent.
    pub(crate) counts_from: Option<UnixMillis>,
    /// Tags whose floors have risen, and the epoch that this began.
    pub(crate) tags: Vec<TagHash>,
    pub(crate) epoch: u64,
    /// Ends once the ring has forgotten what was stored.
    pub(crate) deleted: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Builds the shared state; connects to nothing yet.
    ///
    /// # Errors
    /// [`ProxyError`] when the access log cannot be opened.
    pub(crate) fn new(config: Config) -> Result<Arc<Self>, ProxyError> {
        let config = Arc::new(config);
        let region = &config.regions.own().name;
        let metrics = Arc::new(Metrics::new(region)?);
        let upstreams = Arc::new(Upstreams::new(&config));
        Ok(Arc::new(Self {
            cache_name: format!("Proxima-{region}"),
            routes: Routes::new(&config.routes, &metrics),
            l1: L1::new(config.cache.l1.capacity_bytes),
            hot_keys: HotKeys::new(config.cache.l1.hot_key_rate),
            ring: ArcSwapOption::empty(),
            ring_config: watch::Sender::new(config.cache.ring.clone()),
            coherence: Coherence::new(&config.feed),
            fills: Fills::default(),
            under_way: Arc::default(),
            unshared: Unshared::default(),
            fetcher: Fetcher::new(Arc::clone(&upstreams), Arc::clone(&metrics)),
            access_log: AccessLog::open(&config.access_log, metrics.access_log_dropped.clone())?,
            upstreams,
            metrics,
            config,
        }))
    }

    /// `Host` of a request to an origin.
    pub(crate) fn origin_host<'h>(&'h self, client_host: &'h str) -> &'h str {
        match &self.config.upstream.host {
            HostRule::Preserve => client_host,
            HostRule::Fixed(host) => host,
        }
    }

    /// Puts an entry into L1.
    pub(crate) fn keep(&self, hash: KeyHash, entry: &Arc<Entry>) {
        self.l1.put(hash, entry, |current| self.coherence.admits(current));
    }

    /// Raises the floors that a write of our own raises: its URL, the URLs it names (RFC 9111 section 4.4), the tags
    /// that the origin named and those of the routes.
    pub(crate) fn invalidate(self: &Arc<Self>, written: &Written<'_>) -> Invalidated {
        let by = Invalidation {
            position: written.position,
            heard_at: UnixMillis::now(),
        };
        let mut tags: Vec<TagHash> = written.tags.iter().map(|tag| TagHash::of_tag(tag)).collect();
        let mut stored = Vec::new();
        let mut key = String::new();
        for target in &written.targets {
            let Ok(target) = key::parse_target(target) else {
                continue;
            };
            let route = self.routes.find(&target.path);
            let hosts = &self.config.upstream.host;
            // a resource is one whichever way it was reached
            for scheme in Scheme::ALL {
                let query = &route.route.query;
                stored.push(key::write_key(
                    &mut key,
                    scheme,
                    written.host,
                    hosts,
                    &target,
                    query,
                ));
                tags.push(TagHash::of_url(&key));
            }
            tags.extend(route.tags(&target.path).iter().map(|tag| TagHash::of_tag(tag)));
        }
        let (alone, epoch) = self.coherence.invalidate(&tags, by, written.asked_at);
        self.metrics.invalidations.with_label_values(&["write"]).inc();
        Invalidated {
            counts_from: alone.then_some(UnixMillis(by.heard_at.0 + 1)),
            epoch,
            tags,
            deleted: self.remove(stored),
        }
    }

    /// Takes entries out of both tiers. Only a help for neighbours that hear no feed: floors already bar them here.
    pub(crate) fn remove(self: &Arc<Self>, hashes: Vec<KeyHash>) -> Option<JoinHandle<()>> {
        hashes.iter().for_each(|hash| self.l1.remove(*hash));
        let ring = self.ring.load_full()?;
        Some(tokio::spawn(async move {
            for hash in hashes {
                if let Err(error) = ring.delete(hash).await {
                    tracing::debug!(%error, "ring delete failed");
                }
            }
        }))
    }
}

/// Waits for a deletion. One that failed is logged where it did.
pub(crate) async fn ended(deletion: Option<JoinHandle<()>>) {
    if let Some(deletion) = deletion {
        let _ = deletion.await;
    }
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxy")
            .field("cache_name", &self.cache_name)
            .finish_non_exhaustive()
    }
}
