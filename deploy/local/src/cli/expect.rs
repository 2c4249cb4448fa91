//! What a request of the self-check must show, and what it showed.

use std::time::Duration;

/// An answer, as far as the self-check looks at it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) status: u16,
    /// The field `Cache-Status`, empty when there is none.
    pub(crate) cache_status: String,
    pub(crate) body: String,
    /// From sending the request to the end of the body, or longer where a step says so.
    pub(crate) took: Duration,
}

impl Seen {
    /// `Cache-Status` without the cache's name.
    pub(crate) fn outcome(&self) -> &str {
        self.cache_status
            .split_once("; ")
            .map_or(&self.cache_status, |(_, outcome)| outcome)
    }
}

/// What the cache must say that it did, in the words of RFC 9211.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cache {
    /// Fetched and stored: `fwd=uri-miss; stored`.
    Stored,
    /// A fresh hit of this tier: `hit; ttl=…; detail=l1`.
    Hit(&'static str),
    /// A method that is not answered from a cache: `fwd=method`.
    Method,
    /// A hit or a fetch, whatever came first.
    Any,
}

impl Cache {
    fn text(self) -> String {
        match self {
            Self::Stored => "fwd=uri-miss; stored".to_owned(),
            Self::Hit(tier) => format!("hit; ttl=…; detail={tier}"),
            Self::Method => "fwd=method".to_owned(),
            Self::Any => "hit or fwd=…".to_owned(),
        }
    }

    fn holds(self, outcome: &str) -> bool {
        let parameters: Vec<_> = outcome.split("; ").collect();
        let has = |parameter: &str| parameters.contains(&parameter);
        let ttl = parameters
            .iter()
            .find_map(|parameter| parameter.strip_prefix("ttl=")?.parse::<i64>().ok());
        match self {
            Self::Stored => has("fwd=uri-miss") && has("stored"),
            Self::Hit(tier) => {
                has("hit") && has(&format!("detail={tier}")) && ttl.is_some_and(|ttl| ttl >= 0)
            }
            Self::Method => has("fwd=method"),
            Self::Any => has("hit") || parameters.iter().any(|parameter| parameter.starts_with("fwd=")),
        }
    }
}

/// What an answer must show.
#[derive(Debug, Clone)]
pub(crate) struct Expected<'a> {
    pub(crate) region: &'a str,
    pub(crate) cache: Cache,
    /// The whole body, or what it must contain.
    pub(crate) body: Body<'a>,
}

/// What a body must be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Body<'a> {
    Is(&'a str),
    Contains(&'a str),
}

impl Expected<'_> {
    /// Everything about `seen` that should be otherwise.
    pub(crate) fn faults(&self, seen: &Seen) -> Vec<String> {
        let mut faults = Vec::new();
        if seen.status != 200 {
            faults.push(format!("status: expected 200, saw {}", seen.status));
        }
        let name = format!("Proxima-{}; ", self.region);
        if !seen.cache_status.starts_with(&name) || !self.cache.holds(seen.outcome()) {
            let expected = self.cache.text();
            faults.push(format!(
                "Cache-Status: expected `{name}{expected}`, saw `{}`",
                seen.cache_status
            ));
        }
        let (well, expected) = match self.body {
            Body::Is(body) => (seen.body == body, body),
            Body::Contains(part) => (seen.body.contains(part), part),
        };
        if !well {
            faults.push(format!("body: expected {expected:?}, saw {:?}", seen.body));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(cache_status: &str) -> Seen {
        let (cache_status, body) = (cache_status.to_owned(), "{}".to_owned());
        Seen {
            status: 200,
            cache_status,
            body,
            took: Duration::ZERO,
        }
    }

    #[test]
    fn outcomes_are_told_apart() {
        for (cache, outcome, holds) in [
            (Cache::Stored, "fwd=uri-miss; stored", true),
            (Cache::Stored, "fwd=uri-miss", false),
            (Cache::Stored, "fwd=stale; stored", false),
            (Cache::Hit("l1"), "hit; ttl=37; detail=l1", true),
            (Cache::Hit("l1"), "hit; ttl=37; detail=l2", false),
            (Cache::Hit("l2"), "hit; ttl=37; detail=l2", true),
            (Cache::Hit("l1"), "hit; ttl=-1; detail=l1", false),
            (Cache::Hit("l1"), "hit; detail=l1", false),
            (Cache::Method, "fwd=method", true),
            (Cache::Any, "fwd=stale; fwd-status=200; stored", true),
            (Cache::Any, "", false),
        ] {
            assert_eq!(cache.holds(outcome), holds, "{cache:?} {outcome}");
        }
    }

    #[test]
    fn every_fault_is_named_with_what_was_seen() {
        let expected = Expected {
            region: "us-west",
            cache: Cache::Method,
            body: Body::Is("{}"),
        };
        assert!(expected.faults(&seen("Proxima-us-west; fwd=method")).is_empty());

        let wrong = Seen {
            status: 502,
            body: "no".to_owned(),
            ..seen("Proxima-ap-east; fwd=method")
        };
        let faults = expected.faults(&wrong);
        assert_eq!(faults.len(), 3, "{faults:?}");
        assert!(faults[1].contains("`Proxima-us-west; fwd=method`, saw `Proxima-ap-east; fwd=method`"));
    }
}
