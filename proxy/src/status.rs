//! The one cache outcome of a request, in the words of RFC 9211.

use std::fmt::Write as _;

use crate::cache::Tier;

/// What the cache did for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Outcome {
    /// Answered from a tier without waiting for an origin.
    Hit(Tier),
    /// The route or the request is not for the cache.
    Bypass,
    /// The method is not answered from the cache.
    Method,
    /// Nothing stored under the key.
    UriMiss,
    /// Something stored, but not for these request fields.
    VaryMiss,
    /// What is stored is no longer fresh, or below a floor.
    Stale,
    /// The request asked for more than what is stored (`no-cache`, `max-age`, `Proxima-Min-Position`).
    Request,
    /// Part of a response is stored, and not the part that was asked for.
    Partial,
}

impl Outcome {
    /// Every outcome, for metrics.
    pub(crate) const ALL: [Self; 9] = [
        Self::Hit(Tier::L1),
        Self::Hit(Tier::L2),
        Self::Bypass,
        Self::Method,
        Self::UriMiss,
        Self::VaryMiss,
        Self::Stale,
        Self::Request,
        Self::Partial,
    ];

    /// Place in [`Self::ALL`].
    pub(crate) fn index(self) -> usize {
        match self {
            Self::Hit(Tier::L1) => 0,
            Self::Hit(Tier::L2) => 1,
            Self::Bypass => 2,
            Self::Method => 3,
            Self::UriMiss => 4,
            Self::VaryMiss => 5,
            Self::Stale => 6,
            Self::Request => 7,
            Self::Partial => 8,
        }
    }

    /// `hit`, or the value of `fwd`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Hit(_) => "hit",
            Self::Bypass => "bypass",
            Self::Method => "method",
            Self::UriMiss => "uri-miss",
            Self::VaryMiss => "vary-miss",
            Self::Stale => "stale",
            Self::Request => "request",
            Self::Partial => "partial",
        }
    }

    /// Tier of a hit.
    pub(crate) fn tier(self) -> Option<Tier> {
        match self {
            Self::Hit(tier) => Some(tier),
            _ => None,
        }
    }
}

/// This cache's member of `Cache-Status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CacheStatus {
    pub(crate) outcome: Outcome,
    /// Status that the origin answered with, where the client is given another one.
    pub(crate) fwd_status: Option<u16>,
    /// Freshness left in seconds, negative when stale.
    pub(crate) ttl_s: Option<i64>,
    pub(crate) stored: bool,
    pub(crate) collapsed: bool,
}

impl From<Outcome> for CacheStatus {
    fn from(outcome: Outcome) -> Self {
        Self {
            outcome,
            fwd_status: None,
            ttl_s: None,
            stored: false,
            collapsed: false,
        }
    }
}

impl CacheStatus {
    /// Appends the member, `Proxima-us-west; hit; ttl=37; detail=l1`, to `out`.
    pub(crate) fn write(&self, cache_name: &str, out: &mut String) {
        out.push_str(cache_name);
        match self.outcome {
            Outcome::Hit(_) => out.push_str("; hit"),
            forwarded => {
                out.push_str("; fwd=");
                out.push_str(forwarded.as_str());
            }
        }
        if let Some(status) = self.fwd_status {
            let _ = write!(out, "; fwd-status={status}");
        }
        if let Some(ttl) = self.ttl_s {
            out.push_str("; ttl=");
            out.push_str(itoa::Buffer::new().format(ttl));
        }
        if self.stored {
            out.push_str("; stored");
        }
        if self.collapsed {
            out.push_str("; collapsed");
        }
        if let Some(tier) = self.outcome.tier() {
            out.push_str("; detail=");
            out.push_str(tier.as_str());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_those_of_rfc_9211() {
        let hit = CacheStatus {
            ttl_s: Some(37),
            ..Outcome::Hit(Tier::L1).into()
        };
        let stale = CacheStatus {
            ttl_s: Some(-2),
            ..Outcome::Hit(Tier::L2).into()
        };
        let miss = CacheStatus {
            stored: true,
            ..Outcome::UriMiss.into()
        };
        let shared = CacheStatus {
            collapsed: true,
            stored: true,
            ..Outcome::UriMiss.into()
        };
        let refreshed = CacheStatus {
            fwd_status: Some(304),
            stored: true,
            ..Outcome::Stale.into()
        };
        for (status, text) in [
            (hit, "P; hit; ttl=37; detail=l1"),
            (stale, "P; hit; ttl=-2; detail=l2"),
            (miss, "P; fwd=uri-miss; stored"),
            (shared, "P; fwd=uri-miss; stored; collapsed"),
            (refreshed, "P; fwd=stale; fwd-status=304; stored"),
            (Outcome::Method.into(), "P; fwd=method"),
        ] {
            let mut out = String::new();
            status.write("P", &mut out);
            assert_eq!(out, text);
        }
    }

    #[test]
    fn every_outcome_is_at_its_own_index() {
        for (index, outcome) in Outcome::ALL.iter().enumerate() {
            assert_eq!(outcome.index(), index);
        }
    }
}
