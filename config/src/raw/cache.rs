//! `[cache]` and `[feed]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DurationText, Ring, SizeText};

/// The two tiers of the cache and how an object is filled.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Cache {
    /// Largest body that is stored; larger ones stream through.
    pub(crate) max_body: SizeText,
    /// How long a request waits for another's fetch of the same object before it fetches for itself; `"0s"`
    /// never waits.
    pub(crate) fill_wait: DurationText,
    /// Last part of an answer's lifetime, in per cent of it, in which reading the answer has it refreshed in the
    /// background, so that it does not end; 0 never does that.
    #[schemars(range(min = 0, max = 50))]
    pub(crate) refresh_ahead_percent: u32,
    /// What a read does that the first tier does not answer while no server of the ring can be asked: `"origin"` goes to
    /// the origin; `"stale"` answers with what the first tier has, within `stale_if_unreachable`, and goes to the origin
    /// where it has nothing; `"reject"` refuses with 503.
    pub(crate) on_ring_failure: OnRingFailure,
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
            refresh_ahead_percent: 10,
            on_ring_failure: OnRingFailure::Origin,
            l1: L1::default(),
            ring: None,
        }
    }
}

/// What a read does while no server of the ring can be asked.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnRingFailure {
    /// Goes to the origin.
    Origin,
    /// Answers with what the first tier has, however old within `stale_if_unreachable`.
    Stale,
    /// Refuses with 503.
    Reject,
}

/// First tier: memory of the proxy's own process.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct L1 {
    /// Memory for cached answers; `"0"` switches the tier off. Size it to the objects that are read all the
    /// time and leave the rest to the ring.
    pub(crate) capacity: SizeText,
    /// Look-ups of one key in the ring per second from which on it counts as hot: it is kept in memory whatever
    /// `capacity` says, so that no server of the ring carries it alone; 0 never does that.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub(crate) hot_key_rate: u32,
}

impl Default for L1 {
    fn default() -> Self {
        Self {
            capacity: "256 MiB".into(),
            hot_key_rate: 100,
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
