//! Metrics of the region's ring.

use prometheus::core::{AtomicU64, GenericCounter};
use prometheus::{GaugeVec, Histogram, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};

use super::{Maker, MetricsError};
use crate::cache::ring::RingReport;

/// What has come of asking for the right to fill a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeaseResult {
    /// This proxy fills it.
    Won,
    /// Another has filled it meanwhile.
    Filled,
    /// Another did not in time; this one has taken over.
    Replaced,
    /// Another did not in time; this one fetched without storing in the ring.
    GivenUp,
    /// The ring did not say.
    Error,
}

impl LeaseResult {
    const ALL: [Self; 5] = [
        Self::Won,
        Self::Filled,
        Self::Replaced,
        Self::GivenUp,
        Self::Error,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Won => "won",
            Self::Filled => "filled",
            Self::Replaced => "replaced",
            Self::GivenUp => "given-up",
            Self::Error => "error",
        }
    }
}

/// Metrics of the region's ring; nodes are told apart by their place in the configuration.
pub(crate) struct RingMetrics {
    pub(crate) operations: IntCounterVec,
    /// Of look-ups: ready handles for the hit path.
    pub(crate) hits: GenericCounter<AtomicU64>,
    pub(crate) misses: GenericCounter<AtomicU64>,
    pub(crate) errors: GenericCounter<AtomicU64>,
    pub(crate) lookups: Histogram,
    leases: [GenericCounter<AtomicU64>; LeaseResult::ALL.len()],
    /// Look-ups that the next node answered for one that is out.
    pub(crate) stood_in: IntCounter,
    /// Entries that a node was given by its predecessor.
    pub(crate) warmed: IntCounter,
    pub(crate) split: IntCounter,
    pub(crate) joined: IntCounter,
    /// Bytes that compression spared the ring.
    pub(crate) saved_bytes: IntCounter,
    pub(crate) hot_kept: IntCounter,
    node_in: IntGaugeVec,
    node_latency: GaugeVec,
    node_requests: IntCounterVec,
    node_connections: IntGaugeVec,
    node_pending: IntGaugeVec,
    node_openings: IntCounterVec,
    warming: IntGauge,
}

impl RingMetrics {
    pub(super) fn new(new: &Maker<'_>) -> Result<Self, MetricsError> {
        let operations = new.counters(
            "ring_operations_total",
            "Ring operations",
            &["operation", "result"],
        )?;
        let leases = new.counters(
            "ring_leases_total",
            "Rights to fill a key that were asked for",
            &["result"],
        )?;
        let got = |result| operations.with_label_values(&["get", result]);
        let by_index = &["index"];
        Ok(Self {
            hits: got("hit"),
            misses: got("miss"),
            errors: got("error"),
            lookups: new.histogram("ring_lookup_duration_seconds", "Look-up in the ring to its reply")?,
            leases: LeaseResult::ALL.map(|result| leases.with_label_values(&[result.as_str()])),
            stood_in: new.counter(
                "ring_stand_ins_total",
                "Look-ups that the next node answered for one that is out",
            )?,
            warmed: new.counter(
                "ring_warmed_total",
                "Entries that a node was given by its predecessor",
            )?,
            split: new.counter("ring_split_total", "Entries stored in pieces")?,
            joined: new.counter("ring_joined_total", "Look-ups of entries stored in pieces")?,
            saved_bytes: new.counter(
                "ring_compression_saved_bytes_total",
                "Bytes that compression spared the ring",
            )?,
            hot_kept: new.counter(
                "ring_hot_kept_total",
                "Look-ups of hot keys, which stay in memory then",
            )?,
            node_in: new.gauges("ring_node_in", "1 when the ring node is in use", by_index)?,
            node_latency: new.float_gauges(
                "ring_node_latency_seconds",
                "Moving mean of the time to a ring node's reply",
                by_index,
            )?,
            node_requests: new.counters(
                "ring_node_requests_total",
                "Requests to a ring node",
                &["index", "result"],
            )?,
            node_connections: new.gauges(
                "ring_node_connections",
                "Open connections to a ring node",
                by_index,
            )?,
            node_pending: new.gauges(
                "ring_node_pending",
                "Requests that wait for a ring node's reply",
                by_index,
            )?,
            node_openings: new.counters(
                "ring_node_openings_total",
                "Times that a ring node was taken out",
                by_index,
            )?,
            warming: new.gauge(
                "ring_warming_seconds",
                "For how much longer nodes are given what they lack by their predecessors",
            )?,
            operations,
        })
    }

    pub(crate) fn lease(&self, result: LeaseResult) -> &GenericCounter<AtomicU64> {
        &self.leases[result as usize]
    }

    /// Takes over what is kept with the nodes; of a ring that is there no more, nothing stays.
    pub(crate) fn sample(&self, report: Option<&RingReport>) {
        let Some(report) = report else {
            self.warming.set(0);
            return self.forget_beyond(0);
        };
        let gauge = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        self.warming
            .set(i64::try_from(report.warming_s).unwrap_or(i64::MAX));
        self.forget_beyond(report.nodes.len());
        for (index, node) in report.nodes.iter().enumerate() {
            let index = index.to_string();
            let of = [index.as_str()];
            self.node_in
                .with_label_values(&of)
                .set(i64::from(node.state == "in"));
            self.node_latency
                .with_label_values(&of)
                .set(node.latency_us as f64 / 1e6);
            self.node_connections
                .with_label_values(&of)
                .set(gauge(node.connections_open));
            self.node_pending.with_label_values(&of).set(gauge(node.pending));
            set(&self.node_openings.with_label_values(&of), node.times_out);
            for (result, count) in [
                ("hit", node.hits),
                ("miss", node.misses),
                ("stored", node.stores),
                ("failed", node.failures),
            ] {
                set(
                    &self.node_requests.with_label_values(&[index.as_str(), result]),
                    count,
                );
            }
        }
    }
}

impl RingMetrics {
    /// A ring before this one may have had more nodes.
    fn forget_beyond(&self, nodes: usize) {
        let mut index = nodes;
        while self.node_in.remove_label_values(&[&index.to_string()]).is_ok() {
            let index_text = index.to_string();
            let of = [index_text.as_str()];
            let _ = self.node_latency.remove_label_values(&of);
            let _ = self.node_connections.remove_label_values(&of);
            let _ = self.node_pending.remove_label_values(&of);
            let _ = self.node_openings.remove_label_values(&of);
            for result in ["hit", "miss", "stored", "failed"] {
                let _ = self
                    .node_requests
                    .remove_label_values(&[index_text.as_str(), result]);
            }
            index += 1;
        }
    }
}

/// A counter that is kept elsewhere. It begins anew when another node comes to its place.
fn set(counter: &GenericCounter<AtomicU64>, count: u64) {
    counter.reset();
    counter.inc_by(count);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_result_is_at_its_own_place() {
        for (index, result) in LeaseResult::ALL.iter().enumerate() {
            assert_eq!(*result as usize, index);
        }
    }
}
