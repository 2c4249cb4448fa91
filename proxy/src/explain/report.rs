//! The explanation as data. The names of its members are an interface: they are what `POST /explain` answers and what
//! `proxima explain --json` prints. Times are milliseconds. New members may come; none changes its meaning.

use serde::{Deserialize, Serialize};

/// Everything that decides about one request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) method: String,
    pub(crate) url: String,
    /// This cache's name in `Cache-Status`.
    pub(crate) proxy: String,
    /// What the answer is stored under.
    pub(crate) key: String,
    /// The key as memcached knows it, of the variant that this request selects.
    pub(crate) memcached_key: String,
    /// Ring node that the key is placed on; absent without a ring, or while every node is out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ring_node: Option<String>,
    pub(crate) decision: Decision,
    pub(crate) request: AskedFor,
    pub(crate) route: RouteRules,
    pub(crate) feed: FeedState,
    /// L1, then the ring.
    pub(crate) tiers: Vec<TierState>,
    /// What an origin said when it was asked just now; only where nothing is stored. Nothing of it was stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) origin: Option<OriginAnswer>,
}

/// What would happen to the request now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Decision {
    pub(crate) decision: Kind,
    /// Where a stored response comes from: `l1` or `l2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tier: Option<String>,
    /// Why an origin is asked, as the `fwd` parameter of RFC 9211.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fwd: Option<String>,
    /// Status that the client gets, where that is known without an origin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// The directive, field or setting that decided.
    pub(crate) directive: String,
    /// One sentence.
    pub(crate) because: String,
    /// Section of an RFC, or the key of the configuration.
    pub(crate) rule: String,
    /// Conditions that the origin is sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) conditions: Vec<String>,
}

/// What is done with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// Answered from what is stored.
    Hit,
    /// Answered from what is stored although it is stale.
    Stale,
    /// An origin is asked whether what is stored is still good.
    Validate,
    /// An origin has said that what is stored is still good.
    Validated,
    /// Fetched whole from an origin.
    Miss,
    /// Past the cache.
    Bypass,
    /// `only-if-cached`, and nothing stored answers.
    Refused,
    /// No origin gave an answer.
    Failed,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Stale => "stale",
            Self::Validate => "validate",
            Self::Validated => "validated",
            Self::Miss => "miss",
            Self::Bypass => "bypass",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// What the request itself asks of the cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AskedFor {
    /// Its own cache directives.
    pub(crate) directives: Vec<String>,
    /// Whether they count; a route may ignore them.
    pub(crate) obeyed: bool,
    pub(crate) authorization: bool,
    pub(crate) conditional: bool,
    pub(crate) range: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) min_position: Option<String>,
}

/// The settings of the route that covers the URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RouteRules {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) cache: bool,
    /// Absent: the origin decides. So with the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ttl_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) negative_ttl_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stale_while_revalidate_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stale_if_error_ms: Option<u64>,
    pub(crate) stale_if_unreachable_ms: u64,
    pub(crate) heuristic_freshness: bool,
    /// `explicit`, `store` or `strip`.
    pub(crate) set_cookie: String,
    /// `obey` or `ignore`.
    pub(crate) client_cache_control: String,
    /// Query parameters in the key: `all`, `none`, or their names.
    pub(crate) query: String,
    /// Tags that the route gives to the URL.
    pub(crate) tags: Vec<String>,
}

/// Whether changes made elsewhere are being heard of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FeedState {
    /// Without a feed this is true.
    pub(crate) current: bool,
    /// Absent without a feed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_silence_ms: Option<u64>,
    /// Absent without a feed, and before it was first heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) silent_ms: Option<u64>,
}

/// What one tier holds for the request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TierState {
    /// `l1` or `l2`.
    pub(crate) tier: String,
    pub(crate) state: Holding,
    /// Why a tier could not be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// Request fields that stored variants are told apart by, with this request's values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) variants_by: Vec<Selecting>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stored: Option<StoredResponse>,
}

/// Whether a tier holds a response for the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Holding {
    Stored,
    /// Responses for other values of the fields in `Vary`.
    OtherVariants,
    Nothing,
    /// Not configured.
    Off,
    /// Could not be asked.
    Failed,
}

/// A request field that selects a variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Selecting {
    pub(crate) name: String,
    /// Normalised; null where the request has none.
    pub(crate) value: Option<String>,
}

/// A stored response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredResponse {
    pub(crate) status: u16,
    pub(crate) body_bytes: u64,
    /// Unix time.
    pub(crate) received_at_ms: u64,
    /// The fields that say something to a cache, as stored.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) vary: Vec<Selecting>,
    /// Part of a response, and not one that holds what was asked for.
    pub(crate) partial: bool,
    pub(crate) validity: Validity,
    pub(crate) freshness: Reckoning,
}

/// Whether a stored response is known to have changed since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Validity {
    /// At or above the floor of each tag.
    pub(crate) admitted: bool,
    /// How much of the data's history it reflects; null where the origin does not say.
    pub(crate) position: Option<String>,
    /// What its tags have to have reached, if anything.
    pub(crate) floor: Option<String>,
    /// Tags with a floor that bars it; `*` is the floor of everything.
    pub(crate) barred_by: Vec<String>,
    /// The client has seen newer data (`Proxima-Min-Position`).
    pub(crate) behind_client: bool,
}

/// Freshness as a sum: `age = resident + initial_age`, `left = lifetime - used`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reckoning {
    /// Time since it was received.
    pub(crate) resident_ms: u64,
    /// How old it was by then (RFC 9111 section 4.2.3).
    pub(crate) initial_age_ms: u64,
    pub(crate) age_ms: u64,
    pub(crate) lifetime_ms: u64,
    /// `s-maxage`, `max-age`, `expires`, `last-modified`, `route-ttl`, `route-negative-ttl`, `no-cache`, `heuristic-off` or
    /// `nothing`.
    pub(crate) lifetime_from: String,
    /// The same in words.
    pub(crate) lifetime_name: String,
    pub(crate) rule: String,
    /// Where the lifetime begins: a route's at receipt, an origin's at the origin.
    pub(crate) counts_from: CountsFrom,
    pub(crate) used_ms: u64,
    /// Negative when stale. 0 with `no-cache`, whatever the sum.
    pub(crate) left_ms: i64,
    pub(crate) fresh: bool,
    /// Whether the origin lets it be served stale at all (RFC 9111 section 4.2.4).
    pub(crate) may_be_stale: bool,
    pub(crate) windows: Vec<Window>,
}

/// Where a lifetime begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CountsFrom {
    Receipt,
    Origin,
}

/// How long past its lifetime a response may be served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Window {
    /// `stale-while-revalidate`, `stale-if-error` or `stale-if-unreachable`.
    pub(crate) name: String,
    pub(crate) window_ms: u64,
    pub(crate) from: WindowFrom,
    /// How much of the window is left.
    pub(crate) left_ms: u64,
    /// Whether it lets the response be served now.
    pub(crate) open: bool,
}

/// Who sets a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum WindowFrom {
    Route,
    Origin,
    Nothing,
}

/// An origin's answer, and what would become of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct OriginAnswer {
    /// The origin as configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) origin: Option<String>,
    /// Why there is no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    pub(crate) took_ms: u64,
    /// The fields that say something to a cache.
    pub(crate) fields: Vec<(String, String)>,
    /// Whether a request for it would have it stored.
    pub(crate) stored: bool,
    /// What decided that.
    pub(crate) because: String,
    pub(crate) rule: String,
    /// Absent where it is not stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) freshness: Option<Reckoning>,
}
