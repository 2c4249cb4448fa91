//! The objects that the origin has: how large each is, and where.

use std::fmt;

use serde::Serialize;

/// Size of an object in bytes: a profile or a job offer without its prose.
pub(crate) const BODY_BYTES: usize = 1536;
/// Sizes of the objects that differ: from this many bytes,
const SPREAD_FROM: usize = 512;
/// to this many.
const SPREAD_TO: usize = 8192;

/// How large objects are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum Sizes {
    /// All of [`BODY_BYTES`].
    Even,
    /// From 0.5 to 8 KiB, each size as often as any other.
    Spread,
}

impl Sizes {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Even, Self::Spread];

    /// Its name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Even => "even",
            Self::Spread => "spread",
        }
    }

    /// What the path of every such object begins with; its id follows.
    pub(crate) fn path_prefix(self) -> &'static str {
        match self {
            Self::Even => "/profiles/",
            Self::Spread => "/sized/",
        }
    }

    /// Where an object is.
    pub(crate) fn path(self, id: u32) -> String {
        format!("{}{id}", self.path_prefix())
    }

    /// Size of an object in bytes.
    pub(crate) fn size(self, id: u32) -> usize {
        match self {
            Self::Even => BODY_BYTES,
            Self::Spread => SPREAD_FROM + place(id, SPREAD_TO - SPREAD_FROM + 1),
        }
    }

    /// Bytes of the first `count` objects together.
    pub(crate) fn sum(self, count: u32) -> u64 {
        (0..count).map(|id| self.size(id) as u64).sum()
    }

    /// JSON of exactly that size, different for each object.
    pub(crate) fn body(self, id: u32) -> String {
        let (head, tail) = (format!("{{\"id\":\"{id}\",\"summary\":\""), "\"}");
        let filling = self.size(id) - head.len() - tail.len();
        format!("{head}{}{tail}", "x".repeat(filling))
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Even => "1.5 KiB",
            Self::Spread => "0.5–8 KiB",
        })
    }
}

/// Below `places`. Neighbouring ids are far apart, and few ids in a row fill all places evenly: multiples of the
/// golden ratio do (Knuth, The Art of Computer Programming, section 6.4).
fn place(id: u32, places: usize) -> usize {
    const GOLDEN: u32 = 0x9E37_79B9;
    let fraction = u64::from(id.wrapping_mul(GOLDEN));
    ((fraction * places as u64) >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_json_of_the_stated_size() {
        for sizes in Sizes::ALL {
            for id in [0, 7, 999, u32::MAX] {
                let text = sizes.body(id);
                assert_eq!(text.len(), sizes.size(id));
                let value: serde_json::Value = serde_json::from_str(&text).unwrap();
                assert_eq!(value["id"], id.to_string());
            }
        }
    }

    #[test]
    fn spread_sizes_reach_from_end_to_end_and_leave_none_out() {
        let sizes: Vec<_> = (0..20_000).map(|id| Sizes::Spread.size(id)).collect();
        assert_eq!(sizes.iter().min(), Some(&SPREAD_FROM));
        assert_eq!(sizes.iter().max(), Some(&SPREAD_TO));
        for from in (SPREAD_FROM..SPREAD_TO).step_by(768) {
            let of_ten = sizes
                .iter()
                .filter(|size| (from..from + 768).contains(size))
                .count();
            assert!((1_990..=2_010).contains(&of_ten), "{of_ten} from {from} on");
        }
    }

    #[test]
    fn sums_are_those_of_the_sizes() {
        assert_eq!(Sizes::Even.sum(1_000_000), 1_536_000_000);
        assert_eq!(Sizes::Spread.sum(0), 0);
        let three: usize = (0..3).map(|id| Sizes::Spread.size(id)).sum();
        assert_eq!(Sizes::Spread.sum(3), three as u64);
        let mean = Sizes::Spread.sum(1_000_000) as f64 / 1e6;
        assert!((mean - 4352.0).abs() < 1.0, "{mean}");
    }
}
