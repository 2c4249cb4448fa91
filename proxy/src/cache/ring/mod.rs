//! L2: the region's memcached ring.
//!
//! Ketama places keys. A node that fails repeatedly is passed over until a probe finds it well again; meanwhile the next on the ring
//! holds short-lived copies. What a node lacks after a change or a return is looked for where it was before. A ring that
//! does not answer costs a look-up its deadline and nothing else: reads go on from L1 and the origins.

#[cfg(feature = "bench")]
pub(crate) mod bench;
pub(crate) mod circuit;
pub(crate) mod command;
mod dial;
mod exchange;
pub(crate) mod item;
mod lane;
mod lease;
mod node;
mod placement;
mod report;
mod store;
mod warm_up;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use futures_util::future::join_all;
use memcache::exp::ReturnCode;
use proxima_config::checked::{Ring as RingConfig, RingNode};
use tokio_rustls::TlsConnector;

use self::command::{Code, Command};
pub(crate) use self::dial::DialError;
use self::item::{INDEX, Index, Item};
use self::lane::{LaneError, Reply};
pub(crate) use self::lease::{Lease, Mark, Turn};
use self::node::Node;
use self::placement::{Placement, Previous};
pub(crate) use self::report::{NodeReport, RingReport};
pub(crate) use self::store::Put;
use self::warm_up::{Before, give};
use crate::clock::UnixMillis;
use crate::key::KeyHash;
use crate::metrics::RingMetrics;

/// Entries at least this large are compressed and expanded by threads that may block.
const BLOCKING_BYTES: usize = 128 * 1024;

/// Why the ring did not serve.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RingError {
    #[error("ring node {node}: {source}")]
    Node { node: String, source: LaneError },
    #[error("ring node {node}: no answer within {} ms", after.as_millis())]
    Deadline { node: String, after: Duration },
    #[error("ring node {node}: its name does not resolve: {source}")]
    Resolve { node: String, source: std::io::Error },
    #[error(transparent)]
    Dial(#[from] DialError),
}

impl RingError {
    fn is_late(&self) -> bool {
        matches!(self, Self::Deadline { .. })
    }
}

/// What a ring is told beside its own configuration.
#[derive(Clone)]
pub(crate) struct Surroundings {
    /// Largest entry that is stored or read, in bytes.
    pub(crate) entry_bytes_max: usize,
    /// Changes are heard of only through the ring's own deletions: what a node held while it was away cannot be believed.
    pub(crate) deaf: bool,
    pub(crate) metrics: Arc<RingMetrics>,
}

/// The region's ring. Cheap to share; every operation has a deadline.
pub(crate) struct Ring {
    placement: Placement,
    previous: ArcSwapOption<Previous>,
    config: RingConfig,
    surroundings: Surroundings,
}

/// An entry that the ring holds.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) blob: Bytes,
    /// What was asked for earlier is not to be believed: the node was away and may have missed its deletion.
    pub(crate) believed_from: Option<UnixMillis>,
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes = self.placement.nodes.iter().map(|node| &node.label);
        f.debug_struct("Ring")
            .field("nodes", &nodes.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl Ring {
    /// Resolves the nodes; connections are opened when first needed. A node whose name does not resolve is as good as one that
    /// is down: the next on the ring stands in.
    ///
    /// # Errors
    /// [`RingError::Resolve`] when no node's name resolves, [`RingError::Dial`] for unusable TLS settings.
    pub(crate) async fn new(config: &RingConfig, surroundings: Surroundings) -> Result<Self, RingError> {
        let ring = Self::made(config, surroundings, &[])?;
        let resolved = join_all(ring.placement.nodes.iter().map(|node| node.resolves())).await;
        if !resolved.iter().any(Result::is_ok) {
            resolved.into_iter().collect::<Result<(), _>>()?;
        }
        Ok(ring)
    }

    /// The ring under a new configuration. Nodes that stay keep their connections, and for `warm_up` what others lack is
    /// looked for where this ring has it.
    ///
    /// # Errors
    /// As [`Self::new`], and [`RingError::Resolve`] for any node that is new: this ring may well serve on until it can be reached.
    pub(crate) async fn changed(&self, config: &RingConfig) -> Result<Self, RingError> {
        let same_settings = {
            let placed = RingConfig {
                nodes: self.config.nodes.clone(),
                ..config.clone()
            };
            placed == self.config
        };
        let known = if same_settings {
            &self.placement.nodes[..]
        } else {
            &[]
        };
        let ring = Self::made(config, self.surroundings.clone(), known)?;
        let nodes = ring.placement.nodes.iter();
        let new = nodes.filter(|node| !self.config.nodes.contains(&node.config));
        join_all(new.map(|node| node.resolves()))
            .await
            .into_iter()
            .collect::<Result<(), _>>()?;
        if config.nodes != self.config.nodes {
            let until = UnixMillis(UnixMillis::now().0 + millis(config.warm_up));
            let placement = Placement::new(self.placement.nodes.clone());
            ring.previous.store(Some(Arc::new(Previous { placement, until })));
        }
        Ok(ring)
    }

    fn made(config: &RingConfig, surroundings: Surroundings, known: &[Arc<Node>]) -> Result<Self, RingError> {
        let tls = config.tls.as_ref().map(dial::tls_connector).transpose()?;
        let make = |wanted: &RingNode| -> Result<Arc<Node>, RingError> {
            let same = known.iter().find(|node| node.config == *wanted);
            match same {
                Some(node) => Ok(Arc::clone(node)),
                None => new_node(wanted, config, tls.as_ref(), &surroundings),
            }
        };
        let nodes: Vec<Arc<Node>> = config.nodes.iter().map(make).collect::<Result<_, _>>()?;
        Ok(Self {
            placement: Placement::new(nodes),
            previous: ArcSwapOption::empty(),
            config: config.clone(),
            surroundings,
        })
    }

    /// Looks an entry up; `None` when the ring does not hold it.
    ///
    /// # Errors
    /// [`RingError`] when its node fails or does not answer within the look-up deadline.
    pub(crate) async fn get(&self, hash: KeyHash) -> Result<Option<Held>, RingError> {
        let key = node_key_text(hash);
        let Some(place) = self.placement.locate(key.as_bytes()) else {
            return Ok(None);
        };
        let node = place.node;
        if place.stands_in {
            self.surroundings.metrics.stood_in.inc();
        }
        let (reply, _) = node.ask(key.as_bytes(), Command::Get).await?;
        let found = match item_of(&reply) {
            Some(item) => self.entry_of(&key, item).await.map(|blob| self.held(blob, node)),
            None => self.get_from_before(&key, node).await,
        };
        let counter = if found.is_some() {
            &node.tally.hits
        } else {
            &node.tally.misses
        };
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(found)
    }

    fn held(&self, blob: Bytes, node: &Node) -> Held {
        Held {
            blob,
            believed_from: self.believed_from(node),
        }
    }

    fn believed_from(&self, node: &Node) -> Option<UnixMillis> {
        let deaf = self.surroundings.deaf;
        deaf.then(|| node.circuit.back_at()).flatten()
    }

    /// The entry that an item stands for.
    async fn entry_of(&self, key: &str, item: Item) -> Option<Bytes> {
        let bytes_max = self.surroundings.entry_bytes_max;
        let item = if item.flags == INDEX {
            let index = Index::read(&item, bytes_max)?;
            self.surroundings.metrics.joined.inc();
            index.join(&self.get_many(&index.keys(key)).await)?
        } else {
            item
        };
        if item.flags == item::ZSTD && item.value.len() >= BLOCKING_BYTES {
            let expanded = tokio::task::spawn_blocking(move || item.entry(bytes_max));
            return expanded.await.ok()?;
        }
        item.entry(bytes_max)
    }

    /// Values of many keys: each node is asked for all of its own in one go. `None` for what is not there.
    async fn get_many(&self, keys: &[String]) -> Vec<Option<Bytes>> {
        let mut lanes = std::collections::HashMap::new();
        let sent: Vec<_> = keys
            .iter()
            .map(|key| {
                let node = self.placement.locate(key.as_bytes())?.node;
                let lane = *lanes
                    .entry(Arc::as_ptr(node).addr())
                    .or_insert_with(|| node.next_lane());
                Some((node, node.send(lane, key.as_bytes(), Command::Get)))
            })
            .collect();
        let values = keys.iter().zip(sent).map(|(key, sent)| async move {
            let (node, sent) = sent?;
            let reply = node.reply_of_piece(sent).await.ok()?;
            if let Some(item) = item_of(&reply) {
                return Some(item.value);
            }
            let Before { item, ttl_s, .. } = self.item_from_before(key, node).await?;
            give(node, key, item.clone(), ttl_s);
            Some(item.value)
        });
        join_all(values).await
    }

    /// Removes an entry, so that neighbours without a feed do not find it. Floors do not depend on it.
    ///
    /// # Errors
    /// [`RingError`] when its node fails.
    pub(crate) async fn delete(&self, hash: KeyHash) -> Result<(), RingError> {
        let key = node_key_text(hash);
        let delete = || Command::Delete { version: None };
        let place = self.placement.locate(key.as_bytes());
        if place.as_ref().is_none_or(|place| place.stands_in)
            && let Some(owner) = self.placement.owner(key.as_bytes())
        {
            // a neighbour may find it well still, and one that stands still acts on what it was sent as soon as it goes on
            owner.tell(key.as_bytes(), delete());
        }
        let Some(place) = place else { return Ok(()) };
        // first where somebody may look for it yet, so that nobody brings it back from there
        let before_change = self.before_change(&key, place.node);
        let elsewhere = before_change.as_ref().into_iter();
        for before in elsewhere.chain(self.stood_in(&key, place.node)) {
            let _ = before.ask(key.as_bytes(), delete()).await;
        }
        place.node.ask(key.as_bytes(), delete()).await.map(drop)
    }

    /// Node that a key is placed on; `None` while every node is out.
    pub(crate) fn node_of(&self, hash: KeyHash) -> Option<&str> {
        let place = self.placement.locate(node_key_text(hash).as_bytes())?;
        Some(&place.node.label)
    }

    /// Whether no node can be asked.
    pub(crate) fn is_out(&self) -> bool {
        !self.placement.nodes.iter().any(|node| node.circuit.is_in())
    }

    /// Asks every node that is out (or all of them, the first time) whether it is well, for ever.
    pub(crate) async fn probe(&self) {
        join_all(self.placement.nodes.iter().map(|node| node.probe())).await;
        let mut ticks = tokio::time::interval(self.config.probe_interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let out = self.placement.nodes.iter().filter(|node| !node.circuit.is_in());
            join_all(out.map(|node| node.probe())).await;
            let ended = |previous: Arc<Previous>| previous.until <= UnixMillis::now();
            if self.previous.load_full().is_some_and(ended) {
                self.previous.store(None);
            }
        }
    }

    pub(crate) fn config(&self) -> &RingConfig {
        &self.config
    }
}

fn new_node(
    wanted: &RingNode,
    config: &RingConfig,
    tls: Option<&TlsConnector>,
    surroundings: &Surroundings,
) -> Result<Arc<Node>, RingError> {
    // an entry that does not compress is stored as it is, and one in pieces comes piece by piece
    let value_bytes_max = surroundings.entry_bytes_max.max(config.max_item_bytes);
    Ok(Arc::new(Node::new(wanted, config, tls, value_bytes_max)?))
}

/// The value of a reply; an empty one is only the mark of whoever fills the key.
fn item_of(reply: &Reply) -> Option<Item> {
    let value = reply.value.clone().filter(|value| !value.is_empty())?;
    (reply.line.code == Code::Meta(ReturnCode::Va)).then_some(Item {
        flags: reply.line.flags,
        value,
    })
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 2)
}

const NODE_KEY_BYTES: usize = 36;

/// A key as memcached knows it: 36 bytes, whatever the URL, so that nothing a client sends reaches memcached's parser.
pub(crate) fn node_key_text(hash: KeyHash) -> String {
    let mut key = String::with_capacity(NODE_KEY_BYTES);
    key.push_str("px1:");
    // `{:032x}` takes ten times as long
    for byte in hash.to_be_bytes() {
        for digit in [byte >> 4, byte & 0xf] {
            key.push(char::from_digit(u32::from(digit), 16).unwrap_or_default());
        }
    }
    key
}

#[cfg(test)]
mod tests;
