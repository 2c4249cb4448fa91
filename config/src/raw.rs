//! What serde reads. Every field is plain text or a number as written; [`crate::check`] gives them meaning.
//!
//! The doc comments here are the reference of the file: they travel into the JSON schema and from there
//! into the annotated defaults. The `Default` of each section is the one place where defaults live, the
//! schema's `minimum` and `maximum` the one place where ranges of whole numbers do.

mod cache;
mod region;
mod ring;
mod route;
mod server;
mod upstream;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use cache::{Cache, Feed, FeedKind, L1, OnRingFailure};
pub(crate) use region::Region;
pub(crate) use ring::{Large, Ring};
pub(crate) use route::{ClientCacheControl, Query, QueryWord, Route, SetCookie};
pub(crate) use server::{AccessLog, Admin, Certificate, Server};
pub(crate) use upstream::{Health, Upstream};

/// Configuration of one Proxima proxy. The same file serves every region: only `server.region` (or
/// the flag `--region`) says which one a proxy is in.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "Proxima configuration", extend("required" = ["region"]))]
pub(crate) struct Raw {
    /// Client-facing listeners and their limits.
    pub(crate) server: Server,

    /// One region each: a place, how far it reaches, and the origins in it. The same table drives DNS and
    /// the proxies, so that a write goes where DNS would have sent its user. Ties go to the earlier one.
    pub(crate) region: Vec<Region>,

    /// Rules for one set of paths each. The first whose path matches decides. Paths that no route matches
    /// are cached as the origin's own header fields say.
    pub(crate) route: Vec<Route>,

    /// How origins are reached and judged.
    pub(crate) upstream: Upstream,

    /// The two tiers of the cache and how an object is filled.
    pub(crate) cache: Cache,

    /// Where invalidations made elsewhere come from.
    pub(crate) feed: Feed,

    /// Operator-facing listener: metrics, health, purges. Off when the section is absent.
    pub(crate) admin: Option<Admin>,

    /// One JSON line per request.
    pub(crate) access_log: AccessLog,
}

/// A whole number and a unit: `ms`, `s`, `m`, `h` or `d`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("pattern" = "^[0-9]+ ?(ms|s|m|h|d)$", "examples" = ["60s"]))]
pub(crate) struct DurationText(pub(crate) String);

/// A whole number of bytes, or one with a unit: `kB`, `MB`, `GB`, `KiB`, `MiB`, `GiB`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("pattern" = "^[0-9]+( ?(B|kB|MB|GB|KiB|MiB|GiB))?$", "examples" = ["256 MiB"]))]
pub(crate) struct SizeText(pub(crate) String);

impl From<&str> for DurationText {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<&str> for SizeText {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}
