//! `[cache]` and `[feed]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DurationText, SizeText};

/// The two tiers of the cache and how an object is filled.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Cache {
    /// Largest body that is stored; larger ones stream through.
    pub(crate) max_body: SizeText,
    /// How long a request waits for another's fetch of the same object before it fetches for itself; `"0s"`
    /// never waits.
    pub(crate) fill_wait: DurationText,
    /// First tier: memory of the proxy's own process.
    pub(crate) l1: L1,
    /// Second tier: memcached servers that the region's proxies share. Off when the section is absent.
    pub(crate) ring: Option<Ring>,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            max_body: "8 MiB".into(),
            fill_wait: "5s".into(),
            l1: L1::default(),
            ring: None,
        }
    }
}

/// First tier: memory of the proxy's own process.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct L1 {
    /// Memory for cached answers; `"0"` switches the tier off. Size it to the objects that are read all the
    /// time and leave the rest to the ring.
    pub(crate) capacity: SizeText,
}

impl Default for L1 {
    fn default() -> Self {
        Self {
            capacity: "256 MiB".into(),
        }
    }
}

/// Second tier: memcached servers that the region's proxies share. Off when the section is absent.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["nodes"]))]
pub(crate) struct Ring {
    /// `host:port` of each server. Every proxy of a region must list the same texts: they decide which
    /// server holds a key (ketama).
    #[schemars(extend("examples" = [["10.0.0.5:11211", "10.0.0.6:11211"]]))]
    pub(crate) nodes: Option<Vec<String>>,
    /// Deadline of one look-up; past it the request goes on as a miss. Keep it well below a fetch from the
    /// origin.
    pub(crate) lookup_timeout: DurationText,
    /// Limit for connecting to a server.
    pub(crate) connect_timeout: DurationText,
    /// Connections to each server.
    #[schemars(range(min = 1, max = 4096))]
    pub(crate) max_connections: usize,
    /// Consecutive failures that take a server out of the ring.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) fail_after: u32,
    /// How often a server that is out is probed.
    pub(crate) probe_interval: DurationText,
    /// Largest item that the servers accept, a little below memcached's own `-I`; larger entries stay in
    /// the first tier.
    pub(crate) max_item: SizeText,
}

impl Default for Ring {
    fn default() -> Self {
        Self {
            nodes: None,
            lookup_timeout: "25ms".into(),
            connect_timeout: "250ms".into(),
            max_connections: 64,
            fail_after: 3,
            probe_interval: "1s".into(),
            max_item: "1000 KiB".into(),
        }
    }
}

/// Where invalidations made elsewhere come from.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Feed {
    /// `"origin"`: the origins' change feed. `"none"`: only this proxy's own writes invalidate.
    pub(crate) kind: FeedKind,
    /// Path of the feed on every origin.
    pub(crate) path: String,
    /// Silence of the feed after which cached answers count as stale.
    pub(crate) max_silence: DurationText,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            kind: FeedKind::None,
            path: "/_proxima/feed".to_owned(),
            max_silence: "5s".into(),
        }
    }
}

/// Kinds of feed.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FeedKind {
    /// Only this proxy's own writes invalidate.
    None,
    /// The origins' change feed.
    Origin,
}
