//! Where a key lives now, who stands in, and where it may have been before.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use super::node::Node;
use crate::cache::ketama::Ketama;
use crate::clock::UnixMillis;

/// Nodes on their ring.
pub(super) struct Placement {
    ketama: Ketama,
    pub(super) nodes: Vec<Arc<Node>>,
}

/// A key's place.
pub(super) struct Place<'p> {
    pub(super) node: &'p Arc<Node>,
    /// The node that the key belongs to is out: what is stored here is for a short time only.
    pub(super) stands_in: bool,
}

impl Placement {
    pub(super) fn new(nodes: Vec<Arc<Node>>) -> Self {
        let configured: Vec<_> = nodes.iter().map(|node| node.config.clone()).collect();
        Self {
            ketama: Ketama::new(&configured),
            nodes,
        }
    }

    /// The node that a key belongs to, or else the next on the ring; `None` while every node is out.
    pub(super) fn locate(&self, key: &[u8]) -> Option<Place<'_>> {
        let passed_over = Cell::new(false);
        let index = self.ketama.locate(key, |index| {
            let usable = self.nodes[index].circuit.is_in();
            passed_over.set(passed_over.get() || !usable);
            usable
        })?;
        Some(Place {
            node: &self.nodes[index],
            stands_in: passed_over.get(),
        })
    }

    /// The node that a key belongs to, in or out; `None` only of a ring without nodes.
    pub(super) fn owner(&self, key: &[u8]) -> Option<&Arc<Node>> {
        let index = self.ketama.locate(key, |_| true)?;
        Some(&self.nodes[index])
    }

    /// Who stood in for a node while it was away, if it has come back less than `warm_up` ago.
    pub(super) fn stood_in(
        &self,
        key: &[u8],
        node: &Arc<Node>,
        warm_up: Duration,
        now: UnixMillis,
    ) -> Option<&Arc<Node>> {
        node.circuit.back_at().filter(|at| now.since(*at) < warm_up)?;
        let usable =
            |index: usize| !Arc::ptr_eq(&self.nodes[index], node) && self.nodes[index].circuit.is_in();
        self.ketama.locate(key, usable).map(|index| &self.nodes[index])
    }

    pub(super) fn shares(&self) -> Vec<f64> {
        self.ketama.shares()
    }
}

/// The placement before the last change of nodes, for as long as it is of use.
pub(super) struct Previous {
    pub(super) placement: Placement,
    pub(super) until: UnixMillis,
}
