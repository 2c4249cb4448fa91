//! Weighted ketama placement, byte-compatible with libmemcached and twemproxy (`hash: md5`, `distribution: ketama`).
//!
//! Each node has points on a ring of 2³²: four for each MD5 of `name-i`, read as little-endian numbers, where `i` runs up to
//! 40 at equal weights and further for heavier nodes. A key is placed by the first four bytes of its own MD5, at the first
//! point at or after it.

use md5::{Digest, Md5};
use proxima_config::checked::RingNode;

/// Points that a node has at equal weights.
const POINTS_PER_NODE: f32 = 160.0;
const POINTS_PER_HASH: f32 = 4.0;
/// Keys are placed on so many places.
const PLACES: u64 = 1 << 32;

/// Nodes placed on the ring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ketama {
    /// Sorted by point.
    points: Vec<(u32, usize)>,
    nodes: usize,
}

impl Ketama {
    /// Places the nodes by their names and weights. A node that is very light beside the others may get no point and with
    /// that no key.
    pub(crate) fn new(nodes: &[RingNode]) -> Self {
        let total: u32 = nodes.iter().map(|node| node.weight).sum();
        let mut points = Vec::new();
        for (index, node) in nodes.iter().enumerate() {
            let name = node.ketama_name();
            for i in 0..hashes(node.weight, total, nodes.len()) {
                let digest = Md5::digest(format!("{name}-{i}"));
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
        self.around(u32::from_le_bytes(place)).find(|node| usable(*node))
    }

    /// What part of all keys each node holds, by its index; their sum is 1. Exact for keys whose MD5 are spread evenly.
    pub(crate) fn shares(&self) -> Vec<f64> {
        let mut places = vec![0; self.nodes];
        for (width, point) in arcs(self.points.iter().map(|(point, _)| *point).collect()) {
            if let Some(node) = self.owner(point) {
                places[node] += width;
            }
        }
        places.into_iter().map(part).collect()
    }

    /// What part of all keys lives elsewhere on `other`. `same_node` says whether a node of this ring (its index) is one
    /// of the other's.
    pub(crate) fn moved(&self, other: &Self, same_node: impl Fn(usize, usize) -> bool) -> f64 {
        let points = self.points.iter().chain(&other.points);
        let changed = arcs(points.map(|(point, _)| *point).collect()).filter(|(_, point)| {
            match (self.owner(*point), other.owner(*point)) {
                (Some(here), Some(there)) => !same_node(here, there),
                (here, there) => here != there,
            }
        });
        part(changed.map(|(width, _)| width).sum())
    }

    fn owner(&self, place: u32) -> Option<usize> {
        self.around(place).next()
    }

    /// Nodes in the order in which a place prefers them, each as often as it has points.
    fn around(&self, place: u32) -> impl Iterator<Item = usize> {
        let first = self.points.partition_point(|(point, _)| *point < place);
        let points = self.points[first..].iter().chain(&self.points[..first]);
        points.map(|(_, node)| *node)
    }
}

/// How many MD5s a node has on the ring. In single precision like twemproxy's and libmemcached's: it decides that 25 equal
/// nodes have 39 each, not 40.
#[expect(
    clippy::cast_possible_truncation,
    reason = "replicates theirs; at most 40 for each node"
)]
fn hashes(weight: u32, total: u32, nodes: usize) -> u32 {
    let share = weight as f32 / total as f32;
    let hashes = share * POINTS_PER_NODE / POINTS_PER_HASH * nodes as f32;
    (f64::from(hashes) + 1e-10) as f32 as u32
}

/// The ring cut at `points`: how many places lie after the point before, and the point that ends them.
fn arcs(mut points: Vec<u32>) -> impl Iterator<Item = (u64, u32)> {
    points.sort_unstable();
    points.dedup();
    let last = points.last().copied().unwrap_or_default();
    points.into_iter().scan(last, |before, point| {
        let width = match point.wrapping_sub(*before) {
            0 => PLACES, // the only point has them all
            width => u64::from(width),
        };
        *before = point;
        Some((width, point))
    })
}

fn part(places: u64) -> f64 {
    places as f64 / PLACES as f64
}

#[cfg(test)]
mod tests;
