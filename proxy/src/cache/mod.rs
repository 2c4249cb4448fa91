//! The two tiers: L1 in this process, and the region's memcached ring.

pub(crate) mod entry;
pub(crate) mod hot;
pub(crate) mod ketama;
pub(crate) mod l1;
pub(crate) mod ring;
pub(crate) mod unshared;

/// Where a stored response was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Tier {
    /// This process's memory.
    L1,
    /// The region's ring.
    L2,
}

impl Tier {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::L1 => "l1",
            Self::L2 => "l2",
        }
    }
}
