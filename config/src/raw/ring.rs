//! `[cache.ring]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DurationText, SizeText};

/// Second tier: memcached servers that the region's proxies share. Off when the section is absent.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["nodes"]))]
pub(crate) struct Ring {
    /// Each server as `host:port` (IPv6 in brackets) or `unix:/path`, and where servers differ in size its weight after
    /// another colon, 1 to 1000: `"10.0.0.5:11211:2"`. Every proxy of a region must list the same texts: they decide
    /// which server holds a key (weighted ketama, as in twemproxy).
    #[schemars(extend("examples" = [["10.0.0.5:11211", "10.0.0.6:11211"]]))]
    pub(crate) nodes: Option<Vec<String>>,
    /// Speak TLS with the servers (memcached's `-Z`).
    pub(crate) tls: bool,
    /// PEM file of the certificate authorities to trust for TLS with the servers; the system's when absent. A
    /// relative path starts at this file's folder.
    #[schemars(extend("examples" = ["ring-ca.pem"]))]
    pub(crate) ca: Option<String>,
    /// Connections to each server; requests share them.
    #[schemars(range(min = 1, max = 64))]
    pub(crate) connections: usize,
    /// Deadline of one look-up; past it the request goes on as a miss. Keep it well below a fetch from the
    /// origin.
    pub(crate) lookup_timeout: DurationText,
    /// Limit for connecting to a server.
    pub(crate) connect_timeout: DurationText,
    /// Consecutive failures that take a server out of the ring.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) fail_after: u32,
    /// How often a server that is out is probed.
    pub(crate) probe_interval: DurationText,
    /// Largest item that the servers accept, a little below memcached's own `-I`.
    pub(crate) max_item: SizeText,
    /// Entries over `max_item`: `"chunk"` stores them in pieces, `"l1"` in the first tier only.
    pub(crate) large: Large,
    /// Entries of at least this size are compressed by zstd before they are stored; none when absent. It saves memory and
    /// traffic of the servers and costs time of this process.
    #[schemars(extend("examples" = ["16 KiB"]))]
    pub(crate) compress_from: Option<SizeText>,
    /// For how long the proxy that was first to miss a key fills it alone, while the others wait or answer stale.
    pub(crate) lease: DurationText,
    /// How long a fill waits for another proxy's of the same key before it fetches for itself. The first whose wait ends
    /// takes over, in case the other has crashed; those after it store nothing in the ring. Keep it above what fetches from
    /// the origin take; `"0s"` never waits.
    pub(crate) lease_wait: DurationText,
    /// Lifetime of the copies that the next server holds while a server is out.
    pub(crate) gutter_ttl: DurationText,
    /// For how long after a change of `nodes`, or a server's return, what a server lacks is looked for where it was
    /// before; `"0s"` never looks there.
    pub(crate) warm_up: DurationText,
}

impl Default for Ring {
    fn default() -> Self {
        Self {
            nodes: None,
            tls: false,
            ca: None,
            connections: 2,
            lookup_timeout: "25ms".into(),
            connect_timeout: "250ms".into(),
            fail_after: 3,
            probe_interval: "1s".into(),
            max_item: "1000 KiB".into(),
            large: Large::Chunk,
            compress_from: None,
            lease: "10s".into(),
            lease_wait: "2s".into(),
            gutter_ttl: "10s".into(),
            warm_up: "5m".into(),
        }
    }
}

/// What becomes of entries over `max_item`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Large {
    /// Stored in pieces.
    Chunk,
    /// Kept in the first tier only.
    L1,
}
