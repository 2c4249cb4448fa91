//! What a change of nodes moves, and what that costs. Pure.

use proxima_config::checked::{NodeAddress, RingNode};
use serde::Serialize;

use crate::cache::ketama::Ketama;

/// Two rings beside each other.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Change {
    /// Part of all keys that belongs to another node afterwards, 0 to 1.
    pub(super) moves: f64,
    /// Every node of either ring: those of the present one in its order, then those that come.
    pub(super) nodes: Vec<NodeChange>,
}

/// One node in both rings.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct NodeChange {
    /// [`RingNode::label`].
    pub(super) node: String,
    /// `None` where it is not on the present ring.
    pub(super) weight_before: Option<u32>,
    /// `None` where it is not on the ring any more.
    pub(super) weight_after: Option<u32>,
    /// Part of all keys that belongs to it, 0 to 1.
    pub(super) share_before: f64,
    pub(super) share_after: f64,
    /// Part of all keys that leaves it, 0 to `share_before`.
    pub(super) moves: f64,
    /// What it says of itself; `None` where it was not asked or did not answer.
    pub(super) holds: Option<Holding>,
}

/// What a node holds and how it is read, as its `stats` say.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Holding {
    /// `curr_items`.
    pub(super) items: u64,
    /// `bytes`, with memcached's overhead.
    pub(super) bytes: u64,
    /// `get_hits` by `uptime`: the mean since it was started.
    pub(super) hits_per_s: f64,
}

/// What moves, as far as nodes have said what they hold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Load {
    /// Items whose node changes; each is fetched once more unless it is copied.
    pub(super) items: f64,
    pub(super) bytes: f64,
    /// Hits that miss at first: the origin's extra load before copies are made anew.
    pub(super) requests_per_s: f64,
}

impl Change {
    /// Compares the present nodes with those to come.
    pub(super) fn of(present: &[RingNode], coming: &[RingNode]) -> Self {
        let (before, after) = (Ketama::new(present), Ketama::new(coming));
        let (shares_before, shares_after) = (before.shares(), after.shares());
        let same = |here: usize, there: usize| is_same(&present[here], &coming[there]);
        let stays = present.iter().enumerate().map(|(index, node)| {
            let there = coming.iter().position(|coming| is_same(node, coming));
            NodeChange {
                node: node.label(),
                weight_before: Some(node.weight),
                weight_after: there.map(|there| coming[there].weight),
                share_before: shares_before[index],
                share_after: there.map_or(0.0, |there| shares_after[there]),
                moves: before.moved(&after, |here, there| here != index || same(here, there)),
                holds: None,
            }
        });
        let comes = coming
            .iter()
            .zip(shares_after.iter())
            .map(|(node, share)| NodeChange {
                node: node.label(),
                weight_before: None,
                weight_after: Some(node.weight),
                share_before: 0.0,
                share_after: *share,
                moves: 0.0,
                holds: None,
            });
        let is_new = |index: usize| !present.iter().any(|node| is_same(node, &coming[index]));
        let comes = comes.enumerate().filter(|(index, _)| is_new(*index));
        Self {
            moves: before.moved(&after, same),
            nodes: stays.chain(comes.map(|(_, node)| node)).collect(),
        }
    }

    /// What moves of what the nodes hold; `None` where no node said what it holds.
    pub(super) fn load(&self) -> Option<Load> {
        let loads = self.nodes.iter().filter_map(|node| {
            let holds = node.holds?;
            let part = if node.share_before > 0.0 {
                node.moves / node.share_before
            } else {
                0.0
            };
            Some(Load {
                items: part * holds.items as f64,
                bytes: part * holds.bytes as f64,
                requests_per_s: part * holds.hits_per_s,
            })
        });
        loads.reduce(|sum, load| Load {
            items: sum.items + load.items,
            bytes: sum.bytes + load.bytes,
            requests_per_s: sum.requests_per_s + load.requests_per_s,
        })
    }

    /// Nodes of the present ring that are not on the one to come.
    pub(super) fn leaving(&self) -> impl Iterator<Item = &str> {
        let leaves = |node: &&NodeChange| node.weight_after.is_none();
        self.nodes.iter().filter(leaves).map(|node| node.node.as_str())
    }
}

impl Holding {
    /// Reads what memcached answers to `stats`; `None` where it lacks one of the four numbers.
    pub(super) fn of(stats: &str) -> Option<Self> {
        let number = |name: &str| {
            let value = |line: &str| {
                line.strip_prefix("STAT ")?
                    .strip_prefix(name)?
                    .strip_prefix(' ')?
                    .parse()
                    .ok()
            };
            stats.lines().find_map(value)
        };
        let (hits, uptime): (u64, u64) = (number("get_hits")?, number("uptime")?);
        Some(Self {
            items: number("curr_items")?,
            bytes: number("bytes")?,
            hits_per_s: hits as f64 / uptime.max(1) as f64,
        })
    }
}

/// Whether two nodes are one server, whatever their weights.
fn is_same(one: &RingNode, other: &RingNode) -> bool {
    match (&one.address, &other.address) {
        (NodeAddress::Tcp { host: a, port: p }, NodeAddress::Tcp { host: b, port: q }) => {
            a.eq_ignore_ascii_case(b) && p == q
        }
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, weight: u32) -> RingNode {
        RingNode {
            address: NodeAddress::Tcp {
                host: host.to_owned(),
                port: 11211,
            },
            weight,
        }
    }

    fn near(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-9
    }

    #[test]
    fn the_same_nodes_in_another_order_move_nothing() {
        let change = Change::of(&[tcp("a", 1), tcp("b", 2)], &[tcp("b", 2), tcp("a", 1)]);
        assert_eq!(change.moves, 0.0);
        assert!(
            change
                .nodes
                .iter()
                .all(|node| near(node.share_before, node.share_after))
        );
        assert_eq!(change.leaving().count(), 0);
    }

    #[test]
    fn a_node_that_is_replaced_takes_its_keys_along() {
        let change = Change::of(&[tcp("a", 1), tcp("b", 1)], &[tcp("a", 1), tcp("c", 1)]);
        let told: Vec<_> = change
            .nodes
            .iter()
            .map(|node| (node.node.as_str(), node.weight_before, node.weight_after))
            .collect();
        assert_eq!(
            told,
            [
                ("a:11211", Some(1), Some(1)),
                ("b:11211", Some(1), None),
                ("c:11211", None, Some(1))
            ]
        );
        let (a, b) = (&change.nodes[0], &change.nodes[1]);
        assert!(near(b.moves, b.share_before), "all of them");
        assert!(near(change.moves, a.moves + b.moves));
        assert_eq!(change.leaving().collect::<Vec<_>>(), ["b:11211"]);
    }

    #[test]
    fn a_weight_alone_moves_keys_between_nodes_that_stay() {
        let change = Change::of(&[tcp("a", 1), tcp("B", 1)], &[tcp("a", 1), tcp("b", 3)]);
        assert_eq!(
            change.nodes.len(),
            2,
            "a name's case makes no other node: {change:?}"
        );
        assert!(change.nodes[0].share_after < change.nodes[0].share_before);
        assert!(change.moves > 0.1 && change.leaving().count() == 0);
    }

    #[test]
    fn the_load_is_the_moving_part_of_what_each_node_holds() {
        let node = |share_before, moves, holds| NodeChange {
            node: "n".to_owned(),
            weight_before: Some(1),
            weight_after: Some(1),
            share_before,
            share_after: 0.5,
            moves,
            holds,
        };
        let holds = |items, bytes, hits_per_s| {
            Some(Holding {
                items,
                bytes,
                hits_per_s,
            })
        };
        let mut change = Change {
            moves: 0.375,
            nodes: vec![
                node(0.5, 0.25, holds(1000, 1 << 20, 40.0)), // half of it
                node(0.5, 0.125, holds(400, 4096, 8.0)),     // a quarter
                node(0.0, 0.0, holds(77, 77, 7.0)),          // one that had no keys
            ],
        };
        let load = change.load().unwrap();
        assert_eq!(
            (load.items, load.bytes, load.requests_per_s),
            (600.0, 525_312.0, 22.0)
        );

        change.nodes[0].holds = None;
        assert_eq!(change.load().unwrap().items, 100.0, "of the nodes that answered");
        change.nodes.iter_mut().for_each(|node| node.holds = None);
        assert_eq!(change.load(), None);
    }

    #[test]
    fn stats_are_read_by_their_names() {
        let stats = "STAT pid 1\r\nSTAT uptime 20\r\nSTAT get_hits 50\r\nSTAT bytes_read 9\r\nSTAT bytes 700\r\n\
                     STAT curr_items 7\r\nEND\r\n";
        let holding = Holding::of(stats).unwrap();
        assert_eq!((holding.items, holding.bytes, holding.hits_per_s), (7, 700, 2.5));
        let young = Holding::of(&stats.replace("uptime 20", "uptime 0")).unwrap();
        assert_eq!(young.hits_per_s, 50.0);
        for lacking in ["uptime", "get_hits", "STAT bytes ", "curr_items"] {
            assert_eq!(Holding::of(&stats.replace(lacking, "STAT x")), None, "{lacking}");
        }
    }
}
