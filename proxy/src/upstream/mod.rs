//! The origins: where they are, whether they are well, and in which order to ask them.

pub(crate) mod health;
pub(crate) mod order;
pub(crate) mod resolve;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwap;
use pingora::upstreams::peer::{HttpPeer, PeerOptions};
use proxima_config::checked::{Config, Upstream as UpstreamConfig};
use proxima_config::geo::{Origin as OriginAddress, Scheme};

use health::Health;
use order::order;

/// One origin as this proxy knows it.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) region: String,
    pub(crate) address: OriginAddress,
    pub(crate) health: Health,
    /// What the name resolves to now; empty until it has been resolved once.
    addrs: ArcSwap<Vec<SocketAddr>>,
    turn: AtomicUsize,
}

/// No origin can be tried.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PeerError {
    #[error("origin {0}: its name has not resolved yet; check the name and this machine's DNS")]
    Unresolved(String),
}

impl Origin {
    /// A peer for the next of the origin's addresses in turn.
    ///
    /// # Errors
    /// [`PeerError::Unresolved`] while the name has no address.
    pub(crate) fn peer(&self, config: &UpstreamConfig) -> Result<HttpPeer, PeerError> {
        let addrs = self.addrs.load();
        if addrs.is_empty() {
            return Err(PeerError::Unresolved(self.address.text.clone()));
        }
        let addr = addrs[self.turn.fetch_add(1, Ordering::Relaxed) % addrs.len()];
        let tls = self.address.scheme == Scheme::Https;
        let mut peer = HttpPeer::new(addr, tls, self.address.host.clone());
        peer.options = peer_options(config);
        Ok(peer)
    }

    /// Whether its address has to be looked up.
    pub(crate) fn is_named(&self) -> bool {
        self.address.host.parse::<IpAddr>().is_err()
    }

    pub(crate) fn set_addrs(&self, addrs: Vec<SocketAddr>) {
        self.addrs.store(Arc::new(addrs));
    }
}

fn peer_options(config: &UpstreamConfig) -> PeerOptions {
    let mut options = PeerOptions::new();
    options.connection_timeout = Some(config.connect_timeout);
    options.total_connection_timeout = Some(config.connect_timeout);
    options.read_timeout = Some(config.read_timeout);
    options.write_timeout = Some(config.write_timeout);
    options.idle_timeout = Some(config.idle_timeout);
    options
}

/// All origins, nearest first as seen from this proxy's region.
#[derive(Debug)]
pub(crate) struct Upstreams {
    origins: Vec<Arc<Origin>>,
    config: UpstreamConfig,
}

impl Upstreams {
    /// Orders the origins of every region by biased distance from the own region.
    pub(crate) fn new(config: &Config) -> Self {
        let table = &config.regions;
        let nearest = table.nearest(table.own().coordinates);
        let origins = nearest.into_iter().flat_map(|index| {
            let region = &table.regions[index];
            region.origins.iter().map(|address| {
                let literal = address
                    .host
                    .parse()
                    .ok()
                    .map(|ip| SocketAddr::new(ip, address.port));
                Arc::new(Origin {
                    region: region.name.clone(),
                    address: address.clone(),
                    health: Health::new(config.upstream.health.clone()),
                    addrs: ArcSwap::from_pointee(literal.into_iter().collect()),
                    turn: AtomicUsize::new(0),
                })
            })
        });
        Self {
            origins: origins.collect(),
            config: config.upstream.clone(),
        }
    }

    /// Every origin, nearest first, whatever its health.
    pub(crate) fn all(&self) -> &[Arc<Origin>] {
        &self.origins
    }

    pub(crate) fn config(&self) -> &UpstreamConfig {
        &self.config
    }

    /// The origins to try for one request, in order and no more than the retry budget allows.
    pub(crate) fn candidates(&self) -> Vec<Arc<Origin>> {
        let healthy: Vec<bool> = self
            .origins
            .iter()
            .map(|origin| origin.health.is_healthy())
            .collect();
        let tries = order(&healthy).into_iter().take(self.config.max_retries + 1);
        tries.map(|index| Arc::clone(&self.origins[index])).collect()
    }
}
