//! L2: the region's memcached ring, through the `memcache` crate's async meta client.
//!
//! Ketama places keys; a node that fails repeatedly is passed over until a probe finds it well again. A ring that does
//! not answer costs a look-up its deadline and nothing else: reads go on from L1 and the origins.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use memcache::exp::{AsyncMetaClient, AsyncMetaConnection, MetaClientBuilder, Router, build_noop};
use proxima_config::checked::{Ring as RingConfig, RingNode};
use tokio::net::lookup_host;

use super::ketama::Ketama;
use crate::key::KeyHash;

/// memcached reads a longer TTL as a date.
const TTL_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Entries outlive their present freshness by at least this, so that a raised TTL finds them.
const TTL_MIN: Duration = Duration::from_secs(10 * 60);
/// Idle connections older than this are closed.
const IDLE_MAX: Duration = Duration::from_secs(60);

/// Why the ring did not serve.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RingError {
    #[error("ring node {node}: {source}")]
    Node {
        node: String,
        source: memcache::exp::Error,
    },
    #[error("ring node {node}: no answer within {} ms", after.as_millis())]
    Deadline { node: String, after: Duration },
    #[error("ring node {node}: its name does not resolve: {source}")]
    Resolve { node: String, source: std::io::Error },
    #[error("ring: {0}")]
    Client(memcache::exp::Error),
}

/// Health of one node as this proxy sees it.
#[derive(Debug, Default)]
struct Circuit {
    failures: AtomicU32,
    out: AtomicBool,
}

/// Placement that knows which nodes are out; the `memcache` crate asks it where each key lives.
#[derive(Debug)]
struct Placement {
    ketama: Ketama,
    circuits: Vec<Circuit>,
}

impl Placement {
    /// `None` while every node is out.
    fn locate(&self, key: &[u8]) -> Option<usize> {
        self.ketama
            .locate(key, |node| !self.circuits[node].out.load(Ordering::Relaxed))
    }
}

/// The crate takes ownership of its router; this one shares the placement with the ring.
struct SharedPlacement(Arc<Placement>);

impl Router for SharedPlacement {
    fn route(&self, key: &[u8], _servers: &[String]) -> usize {
        // operations ask first and stay away while every node is out; a node that goes out in between fails by itself
        self.0.locate(key).unwrap_or(0)
    }
}

/// The region's ring. Cheap to share; every operation has a deadline.
pub(crate) struct Ring {
    client: AsyncMetaClient,
    placement: Arc<Placement>,
    nodes: Vec<String>,
    config: RingConfig,
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring")
            .field("nodes", &self.nodes)
            .finish_non_exhaustive()
    }
}

impl Ring {
    /// Resolves the nodes; connections are opened when first needed.
    ///
    /// # Errors
    /// [`RingError::Resolve`] for a node whose name does not resolve.
    pub(crate) async fn new(config: &RingConfig) -> Result<Self, RingError> {
        let nodes: Vec<String> = config.nodes.iter().map(RingNode::label).collect();
        for node in &nodes {
            if let Err(source) = lookup_host(node).await {
                return Err(RingError::Resolve {
                    node: node.clone(),
                    source,
                });
            }
        }
        let ketama = Ketama::new(&config.nodes);
        let circuits = (0..ketama.nodes()).map(|_| Circuit::default()).collect();
        let placement = Arc::new(Placement { ketama, circuits });
        let client = MetaClientBuilder::new()
            .router(SharedPlacement(Arc::clone(&placement)))
            .connect_timeout(Some(config.connect_timeout))
            .io_timeout(Some(config.lookup_timeout))
            .max_connections(Some(config.connections))
            .max_idle(config.connections)
            .max_idle_age(IDLE_MAX)
            .connect_multiple_async(nodes.iter().map(String::as_str))
            .await
            .map_err(RingError::Client)?;
        Ok(Self {
            client,
            placement,
            nodes,
            config: config.clone(),
        })
    }

    /// Looks an entry up; `None` when the ring does not hold it.
    ///
    /// # Errors
    /// [`RingError`] when its node fails or does not answer within the look-up deadline.
    pub(crate) async fn get(&self, hash: KeyHash) -> Result<Option<Bytes>, RingError> {
        let key = node_key(hash);
        let Some(node) = self.placement.locate(&key) else {
            return Ok(None);
        };
        let lookup = tokio::time::timeout(self.config.lookup_timeout, self.client.get(&key).send());
        let result = match lookup.await {
            Ok(Ok(found)) => Ok(found.value.map(Bytes::from)),
            Ok(Err(source)) => Err(RingError::Node {
                node: self.nodes[node].clone(),
                source,
            }),
            Err(_) => Err(RingError::Deadline {
                node: self.nodes[node].clone(),
                after: self.config.lookup_timeout,
            }),
        };
        self.judge(node, result.is_ok());
        result
    }

    /// Stores an entry for `useful_for`, within the bounds that memcached and later TTL changes set. Entries over the
    /// item limit are passed over.
    ///
    /// # Errors
    /// [`RingError`] when its node fails; nothing can be assumed of an earlier copy then.
    pub(crate) async fn put(
        &self,
        hash: KeyHash,
        blob: &Bytes,
        useful_for: Duration,
    ) -> Result<bool, RingError> {
        if blob.len() > self.config.max_item_bytes {
            return Ok(false);
        }
        let key = node_key(hash);
        let Some(node) = self.placement.locate(&key) else {
            return Ok(false);
        };
        let ttl = useful_for.clamp(TTL_MIN, TTL_MAX);
        let sent = self.client.set(&key, blob).ttl(ttl).send().await;
        self.judge(node, sent.is_ok());
        match sent {
            Ok(stored) => Ok(stored.applied()),
            Err(source) => Err(RingError::Node {
                node: self.nodes[node].clone(),
                source,
            }),
        }
    }

    /// Removes an entry, so that neighbours without a feed do not find it. Floors do not depend on it.
    ///
    /// # Errors
    /// [`RingError`] when its node fails.
    pub(crate) async fn delete(&self, hash: KeyHash) -> Result<(), RingError> {
        let key = node_key(hash);
        let Some(node) = self.placement.locate(&key) else {
            return Ok(());
        };
        let sent = self.client.delete(&key).send().await;
        self.judge(node, sent.is_ok());
        match sent {
            Ok(_) => Ok(()),
            Err(source) => Err(RingError::Node {
                node: self.nodes[node].clone(),
                source,
            }),
        }
    }

    /// Node that a key is placed on; `None` while every node is out.
    pub(crate) fn node_of(&self, hash: KeyHash) -> Option<&str> {
        let node = self.placement.locate(&node_key(hash))?;
        self.nodes.get(node).map(String::as_str)
    }

    fn judge(&self, node: usize, good: bool) {
        let circuit = &self.placement.circuits[node];
        if good {
            circuit.failures.store(0, Ordering::Relaxed);
            return;
        }
        let failures = circuit.failures.fetch_add(1, Ordering::Relaxed) + 1;
        if failures >= self.config.fail_after && !circuit.out.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                node = self.nodes[node],
                failures,
                "ring node taken out; the next on the ring stands in"
            );
        }
    }

    /// Asks every node that is out (or all of them, the first time) whether it is well, for ever.
    pub(crate) async fn probe(&self) {
        self.probe_nodes(|_| true).await;
        let mut ticks = tokio::time::interval(self.config.probe_interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.probe_nodes(|circuit| circuit.out.load(Ordering::Relaxed))
                .await;
        }
    }

    async fn probe_nodes(&self, which: impl Fn(&Circuit) -> bool) {
        for (node, circuit) in self.nodes.iter().zip(&self.placement.circuits) {
            if !which(circuit) {
                continue;
            }
            let answer = tokio::time::timeout(self.config.connect_timeout, probe_once(node)).await;
            let good = matches!(answer, Ok(Ok(())));
            let was_out = circuit.out.swap(!good, Ordering::Relaxed);
            match (was_out, good) {
                (true, true) => {
                    circuit.failures.store(0, Ordering::Relaxed);
                    tracing::info!(node, "ring node is back");
                }
                (false, false) => tracing::warn!(
                    node,
                    "ring node is unreachable; check that memcached listens there. Reads go on without it"
                ),
                _ => {}
            }
        }
    }

    /// Each node and whether it is in.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = (&str, bool)> {
        let circuits = self.placement.circuits.iter();
        self.nodes
            .iter()
            .map(String::as_str)
            .zip(circuits.map(|c| !c.out.load(Ordering::Relaxed)))
    }
}

async fn probe_once(node: &str) -> memcache::exp::Result<()> {
    let mut connection = AsyncMetaConnection::connect(node).await?;
    connection.execute(&build_noop()).await.map(|_| ())
}

/// 36 bytes, whatever the URL: nothing that a client sends reaches memcached's parser.
fn node_key(hash: KeyHash) -> Vec<u8> {
    node_key_text(hash).into_bytes()
}

/// A key as memcached knows it.
pub(crate) fn node_key_text(hash: KeyHash) -> String {
    format!("px1:{hash:032x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_keys_are_plain_and_short() {
        for hash in [0, 7, u128::MAX] {
            let key = node_key(hash);
            assert_eq!(key.len(), 36);
            assert!(key.iter().all(u8::is_ascii_graphic));
        }
    }
}
