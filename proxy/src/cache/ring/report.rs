//! What `proxima ring status` tells: each node as this proxy sees it.

use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};

use super::Ring;
use super::lane::Lane;
use crate::clock::UnixMillis;

/// A ring, as one proxy sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RingReport {
    /// Region of the proxy.
    pub(crate) region: String,
    pub(crate) nodes: Vec<NodeReport>,
    /// Seconds for which nodes that lack something are given it by their predecessors; 0 when nothing has changed lately.
    pub(crate) warming_s: u64,
}

/// A node, as one proxy sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct NodeReport {
    pub(crate) node: String,
    pub(crate) weight: u32,
    /// Share of the keys, 0 to 1.
    pub(crate) share: f64,
    /// `in`, or `out`: the next node stands in.
    pub(crate) state: String,
    /// Failures since the last success.
    pub(crate) failures_in_a_row: u32,
    /// Times that it was taken out.
    pub(crate) times_out: u64,
    /// Seconds since it last came back.
    pub(crate) back_for_s: Option<u64>,
    /// Moving mean of the time to a reply, µs.
    pub(crate) latency_us: u64,
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    /// `hits / (hits + misses)`; `None` before the first look-up.
    pub(crate) hit_ratio: Option<f64>,
    pub(crate) stores: u64,
    pub(crate) failures: u64,
    /// Connections that requests share, and how many are open.
    pub(crate) connections: usize,
    pub(crate) connections_open: usize,
    /// Requests that wait for a reply.
    pub(crate) pending: usize,
}

impl Ring {
    /// Each node's state and tally.
    pub(crate) fn report(&self, region: &str, now: UnixMillis) -> RingReport {
        let previous = self.previous.load_full();
        let nodes = self.placement.nodes.iter().zip(self.placement.shares());
        RingReport {
            region: region.to_owned(),
            warming_s: previous.map_or(0, |previous| previous.until.since(now).as_secs()),
            nodes: nodes
                .map(|(node, share)| {
                    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
                    let (hits, misses) = (count(&node.tally.hits), count(&node.tally.misses));
                    let asked = hits + misses;
                    let lanes = node.lanes();
                    NodeReport {
                        node: node.label.clone(),
                        weight: node.config.weight,
                        share,
                        state: if node.circuit.is_in() { "in" } else { "out" }.to_owned(),
                        failures_in_a_row: node.circuit.failures(),
                        times_out: node.circuit.openings(),
                        back_for_s: node.circuit.back_at().map(|at| now.since(at).as_secs()),
                        latency_us: u64::try_from(node.tally.latency().as_micros()).unwrap_or(u64::MAX),
                        hits,
                        misses,
                        hit_ratio: (asked > 0).then(|| hits as f64 / asked as f64),
                        stores: count(&node.tally.stores),
                        failures: count(&node.tally.failures),
                        connections: lanes.len(),
                        connections_open: lanes.iter().filter(|lane| lane.is_open()).count(),
                        pending: lanes.iter().map(Lane::pending).sum(),
                    }
                })
                .collect(),
        }
    }
}
