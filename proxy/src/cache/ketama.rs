//! Ketama placement, byte-compatible with libmemcached and twemproxy (`hash: md5`, `distribution: ketama`).
//!
//! Each node has 160 points on a ring of 2³²: the MD5 of `host:port-i` (`host-i` at port 11211), i in 0..40, read as four
//! little-endian numbers. A key is placed by the first four bytes of its own MD5, at the first point at or after it.

use md5::{Digest, Md5};
use proxima_config::checked::RingNode;

const HASHES_PER_NODE: u32 = 40;

/// Nodes placed on the ring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ketama {
    /// Sorted by point.
    points: Vec<(u32, usize)>,
    nodes: usize,
}

impl Ketama {
    /// Places the nodes at equal weights.
    pub(crate) fn new(nodes: &[RingNode]) -> Self {
        let mut points: Vec<(u32, usize)> = Vec::with_capacity(nodes.len() * HASHES_PER_NODE as usize * 4);
        for (index, node) in nodes.iter().enumerate() {
            for i in 0..HASHES_PER_NODE {
                let name = format!("{}-{i}", node.ketama_name());
                let digest = Md5::digest(name.as_bytes());
                let numbers = digest.as_chunks::<4>().0;
                points.extend(numbers.iter().map(|number| (u32::from_le_bytes(*number), index)));
            }
        }
        points.sort_unstable();
        Self {
            points,
            nodes: nodes.len(),
        }
    }

    /// Index of the node that a key belongs to, passing over those that `usable` turns down; `None` when it turns down all
    /// of them.
    pub(crate) fn locate(&self, key: &[u8], usable: impl Fn(usize) -> bool) -> Option<usize> {
        let digest = Md5::digest(key);
        let mut place = [0; 4];
        place.copy_from_slice(&digest[..4]);
        let place = u32::from_le_bytes(place);
        let first = self.points.partition_point(|(point, _)| *point < place);
        let around = self.points[first..].iter().chain(&self.points[..first]);
        around.map(|(_, node)| *node).find(|node| usable(*node))
    }

    /// Share of the keys of each node.
    pub(crate) fn shares(&self) -> Vec<f64> {
        vec![1.0 / self.nodes as f64; self.nodes]
    }

    /// How many nodes are placed.
    pub(crate) fn nodes(&self) -> usize {
        self.nodes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proxima_config::checked::NodeAddress;

    use super::*;

    fn nodes(count: u16) -> Vec<RingNode> {
        (0..count)
            .map(|n| RingNode {
                address: NodeAddress::Tcp {
                    host: "10.0.0.1".into(),
                    port: 11211 + n,
                },
                weight: 1,
            })
            .collect()
    }

    #[test]
    fn points_are_those_of_libmemcached() {
        // MD5("10.0.0.1-0") and MD5("10.0.0.1:11212-0"): their first four bytes, little-endian, are points
        let ring = Ketama::new(&nodes(2));
        for (name, node) in [("10.0.0.1-0", 0), ("10.0.0.1:11212-0", 1)] {
            let digest = Md5::digest(name.as_bytes());
            let point = u32::from_le_bytes([digest[0], digest[1], digest[2], digest[3]]);
            assert!(ring.points.contains(&(point, node)), "{name}");
        }
        assert_eq!(ring.points.len(), 320);
        assert_eq!(ring.nodes(), 2);
    }

    #[test]
    fn a_node_that_is_out_gives_its_keys_to_others_only() {
        let ring = Ketama::new(&nodes(3));
        for n in 0..1000 {
            let key = format!("key-{n}");
            let owner = ring.locate(key.as_bytes(), |_| true);
            let stand_in = ring.locate(key.as_bytes(), |node| node != 1);
            assert_ne!(stand_in, Some(1));
            if owner != Some(1) {
                assert_eq!(owner, stand_in);
            }
        }
        assert_eq!(ring.locate(b"k", |_| false), None);
    }

    proptest! {
        #[test]
        fn adding_a_node_moves_about_its_share_and_only_to_it(count in 2_u16..8) {
            let before = Ketama::new(&nodes(count));
            let after = Ketama::new(&nodes(count + 1));
            let moved = (0..2000).filter(|n| {
                let key = format!("key-{n}");
                let (old, new) = (before.locate(key.as_bytes(), |_| true), after.locate(key.as_bytes(), |_| true));
                assert!(old == new || new == Some(usize::from(count)));
                old != new
            }).count();
            let share = 2000 / (usize::from(count) + 1);
            prop_assert!(moved < share * 2 && moved > share / 3, "moved {moved}, share {share}");
        }
    }
}
