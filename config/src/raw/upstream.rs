//! `[upstream]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::DurationText;

/// How origins are reached and judged.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Upstream {
    /// The `Host` that origins see: `"preserve"` passes the client's on, and it then takes part in every
    /// cache key; a name such as `"api.example.com"` is sent instead of it. Name one when all clients mean
    /// the same API, so that its names share one cached copy.
    pub(crate) host: String,
    /// Limit for setting up one connection to an origin, TLS included.
    pub(crate) connect_timeout: DurationText,
    /// Longest silence of an origin while an answer is awaited or read. Raise it for slow reports.
    pub(crate) read_timeout: DurationText,
    /// Longest stall while a request is written to an origin.
    pub(crate) write_timeout: DurationText,
    /// How long an idle connection to an origin is kept. Keep it below the origin's own limit.
    pub(crate) idle_timeout: DurationText,
    /// How many further origins a request may be tried on after the first; 0 tries only one.
    #[schemars(range(min = 0, max = 16))]
    pub(crate) max_retries: usize,
    /// Reads that this proxy has at origins at once, all origins together. What goes past the cache, writes
    /// above all, does not count. Lower it when origins buckle while the cache is cold.
    #[schemars(range(min = 1, max = 65_536))]
    pub(crate) max_fetches: usize,
    /// Further reads that wait, in the order they came, until one of those has been answered; the rest get 503
    /// at once. Clients that wait for the same answer count once. 0 lets none wait.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub(crate) max_queued_fetches: usize,
    /// How long one waits so before it gets 503. Keep it below what clients bear.
    pub(crate) fetch_queue_timeout: DurationText,
    /// PEM file of the certificate authorities to trust for `https` origins; the system's when absent. A
    /// relative path starts at this file's folder.
    #[schemars(extend("examples" = ["ca.pem"]))]
    pub(crate) ca: Option<String>,
    /// Active and passive health of origins.
    pub(crate) health: Health,
}

impl Default for Upstream {
    fn default() -> Self {
        Self {
            host: "preserve".to_owned(),
            connect_timeout: "1s".into(),
            read_timeout: "30s".into(),
            write_timeout: "30s".into(),
            idle_timeout: "60s".into(),
            max_retries: 2,
            max_fetches: 512,
            max_queued_fetches: 1024,
            fetch_queue_timeout: "2s".into(),
            ca: None,
            health: Health::default(),
        }
    }
}

/// Active and passive health of origins. Origins that fail are passed over until they recover; when all
/// fail, all are tried.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Health {
    /// Path that answers 2xx while an origin is well. When absent, an origin that accepts a connection is
    /// well.
    #[schemars(extend("examples" = ["/readyz"]))]
    pub(crate) path: Option<String>,
    /// Time between two checks of one origin.
    pub(crate) interval: DurationText,
    /// Limit of one check.
    pub(crate) timeout: DurationText,
    /// Consecutive failed checks or requests that make an origin unhealthy.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) unhealthy_after: u32,
    /// Consecutive good checks that make it healthy again.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) healthy_after: u32,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            path: None,
            interval: "2s".into(),
            timeout: "1s".into(),
            unhealthy_after: 2,
            healthy_after: 2,
        }
    }
}
