//! Where a hit comes from, and what is read to measure it.

use std::fmt;
use std::ops::RangeInclusive;

use serde::Serialize;

use crate::load::Mode;

/// Where a hit comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Tier {
    /// The server's own memory.
    L1,
    /// A memcached node, the same for all servers.
    L2,
}

impl Tier {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::L1, Self::L2];

    /// Its name, as in `Cache-Status: …; detail=l1`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::L1 => "l1",
            Self::L2 => "l2",
        }
    }

    /// What each server does in it and what runs where, for the report.
    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::L1 => {
                "hit in the server's own memory: proxy_cache on tmpfs in nginx, L1 in Proxima, the cache of each other"
            }
            Self::L2 => {
                "hit from memcached: memcached_pass in nginx, the ring with L1 off in Proxima; one node for both, \
                 which shares the core of the load"
            }
        }
    }

    /// How clients ask for it. The second tier adds the same to a request in every protocol, so two will do.
    pub(crate) fn modes(self) -> &'static [Mode] {
        match self {
            Self::L1 => &Mode::ALL,
            Self::L2 => &[Mode::Http, Mode::Https],
        }
    }

    /// The ids of the objects that are read by turns. More than one where a server that keeps what it has just
    /// looked up would otherwise look up nothing more.
    pub(crate) fn objects(self) -> RangeInclusive<u32> {
        match self {
            Self::L1 => 7..=7,
            Self::L2 => 0..=999,
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.as_str().to_uppercase())
    }
}
