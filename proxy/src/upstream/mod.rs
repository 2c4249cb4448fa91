//! The origins: where they are, whether they are well, in which order to ask them, and how many reads may do so at once.

pub(crate) mod gate;
pub(crate) mod health;
pub(crate) mod order;
pub(crate) mod resolve;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use pingora::upstreams::peer::{HttpPeer, PeerOptions};
use proxima_config::checked::{Config, Upstream as UpstreamConfig};
use proxima_config::geo::{Origin as OriginAddress, Scheme};

use health::Health;
use order::order;

/// An address that refused a connection is tried after its neighbours for this long.
const ADDRESS_REST: Duration = Duration::from_secs(10);

/// One origin as this proxy knows it.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) region: String,
    pub(crate) address: OriginAddress,
    pub(crate) health: Health,
    /// What the name resolves to now; empty until it has been resolved once.
    addrs: ArcSwap<Vec<SocketAddr>>,
    turn: AtomicUsize,
    /// Addresses that refused a connection, and when. Never more than the name resolves to.
    refused: Mutex<HashMap<SocketAddr, Instant>>,
}

/// One address of one origin, to be tried.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) origin: Arc<Origin>,
    addr: SocketAddr,
    /// No other address of this origin is left to try.
    is_last_of_origin: bool,
}

impl Origin {
    fn new(region: &str, address: &OriginAddress, config: &UpstreamConfig) -> Self {
        let literal = address
            .host
            .parse()
            .ok()
            .map(|ip| SocketAddr::new(ip, address.port));
        Self {
            region: region.to_owned(),
            address: address.clone(),
            health: Health::new(config.health.clone()),
            addrs: ArcSwap::from_pointee(literal.into_iter().collect()),
            turn: AtomicUsize::new(0),
            refused: Mutex::default(),
        }
    }

    /// Its addresses in turn, those that lately refused a connection last. None while the name has not resolved.
    pub(crate) fn candidates(self: &Arc<Self>) -> Vec<Candidate> {
        let mut addrs = self.addrs.load().to_vec();
        if addrs.len() > 1 {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed) % addrs.len();
            addrs.rotate_left(turn);
            let refused = self.refused.lock();
            addrs.sort_by_key(|addr| refused.get(addr).is_some_and(|at| at.elapsed() < ADDRESS_REST));
        }
        let count = addrs.len();
        let candidate = |(index, addr)| Candidate {
            origin: Arc::clone(self),
            addr,
            is_last_of_origin: index + 1 == count,
        };
        addrs.into_iter().enumerate().map(candidate).collect()
    }

    /// Whether its address has to be looked up.
    pub(crate) fn is_named(&self) -> bool {
        self.address.host.parse::<IpAddr>().is_err()
    }

    pub(crate) fn set_addrs(&self, addrs: Vec<SocketAddr>) {
        self.refused.lock().retain(|addr, _| addrs.contains(addr));
        self.addrs.store(Arc::new(addrs));
    }
}

impl Candidate {
    pub(crate) fn peer(&self, config: &UpstreamConfig) -> HttpPeer {
        let tls = self.origin.address.scheme == Scheme::Https;
        let mut peer = HttpPeer::new(self.addr, tls, self.origin.address.host.clone());
        peer.options = peer_options(config);
        peer
    }

    /// No connection could be made. The origin as a whole has failed when this was its last address.
    pub(crate) fn refused(&self, why: &str) {
        self.origin.refused.lock().insert(self.addr, Instant::now());
        if self.is_last_of_origin {
            health::note_failure(&self.origin, why);
        }
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
            region
                .origins
                .iter()
                .map(|address| Arc::new(Origin::new(&region.name, address, &config.upstream)))
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

    /// What to try for one request, in order: the addresses of no more origins than the retry budget allows.
    pub(crate) fn candidates(&self) -> Vec<Candidate> {
        let healthy: Vec<bool> = self
            .origins
            .iter()
            .map(|origin| origin.health.is_healthy())
            .collect();
        let tries = order(&healthy).into_iter().map(|index| &self.origins[index]);
        let resolved = tries
            .map(Origin::candidates)
            .filter(|candidates| !candidates.is_empty());
        resolved.take(self.config.max_retries + 1).flatten().collect()
    }
}
