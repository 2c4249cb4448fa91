//! `[[route]]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::DurationText;

/// Rules for one set of paths. The first route whose path matches decides.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["name", "path"]))]
pub(crate) struct Route {
    /// Name in logs and metric labels: 1 to 64 characters of a-z, 0-9, `_` and `-`.
    #[schemars(extend("examples" = ["profiles"]))]
    pub(crate) name: Option<String>,
    /// Paths that it covers: `{name}` stands for one segment, `{name...}` at the end for all that remain.
    #[schemars(extend("examples" = ["/profiles/{id}"]))]
    pub(crate) path: Option<String>,
    /// `false` sends everything to the origin uncached.
    pub(crate) cache: bool,
    /// Freshness lifetime: a duration, or `"origin"` to obey the origin's header fields. It is applied when
    /// an answer is read, so a change takes effect on objects already cached.
    #[schemars(extend("examples" = ["60s"]))]
    pub(crate) ttl: String,
    /// Lifetime of 404 and 410 answers; treated like any other answer when absent.
    #[schemars(extend("examples" = ["5s"]))]
    pub(crate) negative_ttl: Option<DurationText>,
    /// How long past its lifetime an answer is still served while a new one is fetched in the background
    /// (RFC 5861). Overrides the origin's; `"0s"` switches it off.
    #[schemars(extend("examples" = ["30s"]))]
    pub(crate) stale_while_revalidate: Option<DurationText>,
    /// How long past its lifetime an answer is still served when the origin fails (RFC 5861). Overrides the
    /// origin's; `"0s"` switches it off.
    #[schemars(extend("examples" = ["1h"]))]
    pub(crate) stale_if_error: Option<DurationText>,
    /// How long past its lifetime an answer is still served when no origin can be reached at all, whatever the origin
    /// said (RFC 9111 section 4.2.4), unless it forbids that (`must-revalidate`, `no-cache`, `s-maxage`); `"0s"`
    /// switches it off.
    pub(crate) stale_if_unreachable: DurationText,
    /// Whether an answer without a lifetime of its own is kept for a tenth of the time since its `Last-Modified`, at
    /// most a day (RFC 9111 section 4.2.2).
    pub(crate) heuristic_freshness: bool,
    /// Answers that set cookies: `"explicit"` stores those that also say `public` or `s-maxage`, `"store"` all of
    /// them with their cookies, `"strip"` all of them without.
    pub(crate) set_cookie: SetCookie,
    /// What `Cache-Control` and `Pragma` in a request do: `"obey"` them, or `"ignore"` them, so that a storm of reloads
    /// does not reach the origin.
    pub(crate) client_cache_control: ClientCacheControl,
    /// Query parameters that take part in the key and reach the origin: `"all"`, `"none"`, or a list of
    /// names. Name them to keep tracking parameters from splitting the cache.
    #[schemars(extend("examples" = [["fields"]]))]
    pub(crate) query: Query,
    /// Tags that every answer of the route carries beside the origin's `Surrogate-Key` or `Cache-Tag`; a
    /// `{name}` comes from the path.
    #[schemars(extend("examples" = [["profile:{id}"]]), length(max = 32))]
    pub(crate) tags: Vec<String>,
}

impl Default for Route {
    fn default() -> Self {
        Self {
            name: None,
            path: None,
            cache: true,
            ttl: "origin".to_owned(),
            negative_ttl: None,
            stale_while_revalidate: None,
            stale_if_error: None,
            stale_if_unreachable: "1h".into(),
            heuristic_freshness: true,
            set_cookie: SetCookie::Explicit,
            client_cache_control: ClientCacheControl::Obey,
            query: Query::Word(QueryWord::All),
            tags: Vec::new(),
        }
    }
}

/// What happens to answers that set cookies.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SetCookie {
    /// Stored where they also say `public` or `s-maxage`.
    Explicit,
    /// Stored with their cookies, like any other answer.
    Store,
    /// Stored without their cookies.
    Strip,
}

/// What a request's own cache directives do.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ClientCacheControl {
    /// What RFC 9111 says.
    Obey,
    /// Nothing.
    Ignore,
}

/// Which query parameters take part in the key.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Query {
    /// All or none.
    Word(QueryWord),
    /// Only these.
    Only(Vec<String>),
}

/// All or none of the query parameters.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum QueryWord {
    /// The whole query as sent.
    All,
    /// No query at all.
    None,
}
