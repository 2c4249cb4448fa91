//! What the program uses: a configuration that has passed every check.
//!
//! No serde here: a value of these types is right by construction. Durations are [`Duration`], sizes are
//! bytes, paths are absolute or relative to the working directory (a relative path in a file has
//! already been joined to the file's folder).

mod ring;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::geo::RegionTable;
use crate::template::{PathPattern, TagTemplate};

pub use ring::{Large, NodeAddress, Ring, RingNode, RingTls};

/// A complete, checked configuration of one proxy.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Every region and the index of the one that this proxy serves.
    pub regions: RegionTable,
    /// Client-facing listeners and their limits.
    pub server: Server,
    /// Operator-facing listener; `None` switches it off.
    pub admin: Option<Admin>,
    /// Where one JSON line per request goes.
    pub access_log: AccessLog,
    /// How origins are reached and judged.
    pub upstream: Upstream,
    /// The two tiers and the fill.
    pub cache: Cache,
    /// Where invalidations made elsewhere come from.
    pub feed: Feed,
    /// Routes in the order of the file: the first whose path matches decides. Always ends with a route
    /// that matches every path (supplied when the file has none).
    pub routes: Vec<Route>,
}

/// Client-facing listeners and their limits.
#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    /// Plain HTTP/1.1 addresses.
    pub listen: Vec<SocketAddr>,
    /// TLS addresses, HTTP/2 and HTTP/1.1 by ALPN.
    pub tls_listen: Vec<SocketAddr>,
    /// Certificates to choose from by SNI; the first answers a client that sends none or an unknown one.
    pub certificates: Vec<Certificate>,
    /// How often certificate files are looked at for changes.
    pub certificate_poll: Duration,
    /// Whether clients may ask by `Proxima-Explain` how an answer was decided.
    pub explain_header: bool,
    /// Worker threads; `None` means one per CPU.
    pub threads: Option<usize>,
    /// Connections served at once; further ones wait in the kernel's backlog.
    pub max_connections: usize,
    /// Largest request head in bytes (request line and fields).
    pub max_header_bytes: usize,
    /// Longest time from a request's first byte to the end of its head, also the TLS handshake's limit.
    pub header_timeout: Duration,
    /// How long an idle connection is kept.
    pub keepalive_timeout: Duration,
    /// Longest silence of a client while it sends a body or reads an answer.
    pub body_timeout: Duration,
    /// How long a stop waits for requests in flight.
    pub shutdown_grace: Duration,
}

/// One certificate chain and its key, both PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// PEM chain, leaf first.
    pub cert: PathBuf,
    /// PEM private key of the leaf.
    pub key: PathBuf,
}

/// Operator-facing listener: metrics, health, later purges.
#[derive(Clone, PartialEq, Eq)]
pub struct Admin {
    /// Address; loopback unless `token` is set.
    pub listen: SocketAddr,
    /// Bearer token asked of every request but the health checks.
    pub token: Option<String>,
}

/// A token never reaches a log through `{:?}`.
impl std::fmt::Debug for Admin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let token = self.token.as_ref().map(|_| "redacted");
        f.debug_struct("Admin")
            .field("listen", &self.listen)
            .field("token", &token)
            .finish()
    }
}

/// Where one JSON line per request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessLog {
    /// Nowhere.
    Off,
    /// Standard output.
    Stdout,
    /// Appended to a file.
    File(PathBuf),
}

/// How origins are reached and judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Upstream {
    /// The `Host` that origins see.
    pub host: HostRule,
    /// Limit for TCP and TLS connection set-up to one origin.
    pub connect_timeout: Duration,
    /// Longest silence of an origin while an answer is awaited or read.
    pub read_timeout: Duration,
    /// Longest stall while a request is written to an origin.
    pub write_timeout: Duration,
    /// How long an idle connection to an origin is kept.
    pub idle_timeout: Duration,
    /// How many further origins a request may be tried on after the first.
    pub max_retries: usize,
    /// Reads at origins at once; at least 1.
    pub max_fetches: usize,
    /// Further reads that wait for one of those to end; 0 lets none wait.
    pub max_queued_fetches: usize,
    /// How long one waits so.
    pub fetch_queue_timeout: Duration,
    /// PEM file of certificate authorities for `https` origins; `None` trusts the system's.
    pub ca: Option<PathBuf>,
    /// Active and passive health.
    pub health: Health,
}

/// The `Host` that origins see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostRule {
    /// The client's own; it then takes part in every cache key.
    Preserve,
    /// Always this one; the client's does not reach the origin and is not in the key.
    Fixed(String),
}

/// Active and passive health of origins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Path of the active check; `None` leaves only a TCP connect as the active check.
    pub path: Option<String>,
    /// Time between two active checks of one origin.
    pub interval: Duration,
    /// Limit of one active check.
    pub timeout: Duration,
    /// Consecutive failed checks (or failed requests) that make an origin unhealthy.
    pub unhealthy_after: u32,
    /// Consecutive good checks that make it healthy again.
    pub healthy_after: u32,
}

/// The two tiers and the fill.
#[derive(Debug, Clone, PartialEq)]
pub struct Cache {
    /// In-process tier.
    pub l1: L1,
    /// The region's memcached ring; `None` means that L1 is the only tier.
    pub ring: Option<Ring>,
    /// Largest body that is stored, in bytes.
    pub max_body_bytes: u64,
    /// How long a request waits for another's fill of the same key before it fetches for itself.
    pub fill_wait: Duration,
    /// Last part of an answer's lifetime, in per cent of it, in which reading the answer has it refreshed before it
    /// ends; 0 never.
    pub refresh_ahead_percent: u32,
    /// What a read does that L1 does not answer while no node of the ring can be asked.
    pub on_ring_failure: OnRingFailure,
}

/// What a read does that L1 does not answer while no node of the ring can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRingFailure {
    /// Goes to the origin.
    Origin,
    /// Is answered stale, within the route's `stale_if_unreachable`; goes to the origin where L1 holds nothing.
    Stale,
    /// Is refused with 503.
    Reject,
}

/// In-process tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct L1 {
    /// Bytes of entries kept; 0 switches L1 off.
    pub capacity_bytes: u64,
    /// Look-ups of one key in the ring per second from which on it is kept in memory whatever `capacity_bytes` says;
    /// 0 never.
    pub hot_key_rate: u32,
}

/// Where invalidations made elsewhere come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Feed {
    /// Only this proxy's own writes invalidate.
    None,
    /// The origins' change feed.
    Origin {
        /// Path of the feed on every origin.
        path: String,
        /// Silence after which entries count as stale.
        max_silence: Duration,
    },
}

/// Rules for one set of paths.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// Name in logs and metric labels.
    pub name: String,
    /// Paths that it covers.
    pub path: PathPattern,
    /// `false` sends everything to the origin uncached.
    pub cache: bool,
    /// Freshness lifetime.
    pub ttl: Ttl,
    /// Lifetime of 404 and 410 answers; `None` treats them like any other.
    pub negative_ttl: Option<Duration>,
    /// Overrides the origin's stale-while-revalidate.
    pub stale_while_revalidate: Option<Duration>,
    /// Overrides the origin's stale-if-error.
    pub stale_if_error: Option<Duration>,
    /// How long past its lifetime an answer is served when no origin can be reached; zero never.
    pub stale_if_unreachable: Duration,
    /// Whether answers without a lifetime get one from their `Last-Modified`.
    pub heuristic_freshness: bool,
    /// What happens to answers that set cookies.
    pub set_cookie: SetCookie,
    /// What a request's own cache directives do.
    pub client_cache_control: ClientCacheControl,
    /// Which query parameters take part in the key.
    pub query: QueryRule,
    /// Tags that every entry of this route carries beside the origin's own.
    pub tags: Vec<TagTemplate>,
}

/// What happens to answers that set cookies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetCookie {
    /// Stored where they say explicitly that they may be shared: `public` or `s-maxage`.
    Explicit,
    /// Stored with their cookies, like any other answer.
    Store,
    /// Stored without their cookies.
    Strip,
}

/// What a request's own `Cache-Control` and `Pragma` do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientCacheControl {
    /// What RFC 9111 section 5.2.1 says.
    Obey,
    /// Nothing.
    Ignore,
}

/// Freshness lifetime of a route's answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ttl {
    /// Obey the origin's header fields.
    Origin,
    /// This long, whatever the origin's lifetime says (`no-store` and `private` still forbid storing).
    Fixed(Duration),
}

/// Which query parameters take part in the key. Those left out still reach the origin only when they are
/// in the key: unkeyed input cannot shape a stored answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryRule {
    /// The whole query as sent.
    All,
    /// No query at all.
    None,
    /// Only these, sorted by name, repeats in their order.
    Only(Vec<String>),
}
