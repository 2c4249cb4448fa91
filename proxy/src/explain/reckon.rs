//! The arithmetic of freshness, term by term.

use std::time::Duration;

use http::HeaderMap;
use proxima_config::checked::{Route, Ttl};

use super::describe::millis;
use super::report::{CountsFrom, Reckoning, Window, WindowFrom};
use crate::clock::UnixMillis;
use crate::policy::age::Timing;
use crate::policy::freshness::{self, Facts, Freshness, Receipt};
use crate::policy::response::ResponseControl;
use crate::policy::storing::{self, Source};

/// A response whose freshness is in question.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'s> {
    pub(crate) facts: Facts,
    pub(crate) receipt: Receipt,
    pub(crate) requested_at: UnixMillis,
    /// Without `Age`, which is in the facts.
    pub(crate) headers: &'s HeaderMap,
}

/// What sets the lifetime of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deciding {
    NoCache,
    RouteTtl,
    RouteNegativeTtl,
    /// The origin; `targeted` in `CDN-Cache-Control`.
    Origin {
        source: Source,
        targeted: bool,
    },
    /// There is a guess, and the route does not want one.
    HeuristicOff,
    Nothing,
}

impl Deciding {
    /// A word for `from`: the directive or field, or the route's key.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::NoCache => "no-cache",
            Self::RouteTtl => "route-ttl",
            Self::RouteNegativeTtl => "route-negative-ttl",
            Self::Origin { source, .. } => match source {
                Source::SMaxage => "s-maxage",
                Source::MaxAge => "max-age",
                Source::Expires => "expires",
                Source::LastModified => "last-modified",
            },
            Self::HeuristicOff => "heuristic-off",
            Self::Nothing => "nothing",
        }
    }

    /// The same for people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Origin {
                source: Source::MaxAge,
                targeted: true,
            } => "max-age in CDN-Cache-Control",
            Self::Origin {
                source: Source::SMaxage,
                targeted: true,
            } => "s-maxage in CDN-Cache-Control",
            Self::Origin {
                source: Source::Expires,
                ..
            } => "Expires less Date",
            Self::Origin {
                source: Source::LastModified,
                ..
            } => "a tenth of the time since Last-Modified, a day at most",
            Self::RouteTtl => "the route's ttl",
            Self::RouteNegativeTtl => "the route's negative_ttl",
            Self::HeuristicOff => "nothing: the route has heuristic_freshness = false",
            Self::Nothing => "nothing: the origin names none",
            other @ (Self::NoCache | Self::Origin { .. }) => other.as_str(),
        }
    }

    /// Where that is written.
    pub(crate) fn rule(self) -> &'static str {
        match self {
            Self::NoCache => "RFC 9111 section 5.2.2.4",
            Self::RouteTtl => "configuration: ttl of the route",
            Self::RouteNegativeTtl => "configuration: negative_ttl of the route",
            Self::HeuristicOff => "configuration: heuristic_freshness of the route",
            Self::Origin { targeted: true, .. } => "RFC 9213 section 2.2",
            Self::Origin {
                source: Source::LastModified,
                ..
            } => "RFC 9111 section 4.2.2",
            Self::Origin { .. } | Self::Nothing => "RFC 9111 section 4.2.1",
        }
    }
}

impl Subject<'_> {
    /// What sets the lifetime, in the order in which [`freshness::judge`] asks.
    pub(crate) fn deciding(&self, route: &Route) -> Deciding {
        if self.facts.no_cache {
            return Deciding::NoCache;
        }
        if matches!(self.receipt.status, 404 | 410) && route.negative_ttl.is_some() {
            return Deciding::RouteNegativeTtl;
        }
        if matches!(route.ttl, Ttl::Fixed(_)) {
            return Deciding::RouteTtl;
        }
        if self.facts.heuristic && !route.heuristic_freshness {
            return Deciding::HeuristicOff;
        }
        let control = ResponseControl::of(self.headers);
        let timing = Timing {
            requested_at: self.requested_at,
            received_at: self.receipt.received_at,
        };
        let source = storing::lifetime(self.headers, timing, &control);
        match source.filter(|_| self.facts.lifetime_s.is_some()) {
            Some((_, source)) => Deciding::Origin {
                source,
                targeted: control.targeted,
            },
            None => Deciding::Nothing,
        }
    }

    pub(crate) fn freshness(&self, route: &Route, now: UnixMillis) -> Freshness {
        freshness::judge(&self.facts, self.receipt, route, now)
    }

    /// The lifetime in force, and how much of it is used.
    pub(crate) fn lifetime(&self, route: &Route, now: UnixMillis) -> (Duration, Duration) {
        let resident = now.since(self.receipt.received_at);
        let age = resident + Duration::from_secs(u64::from(self.facts.initial_age_s));
        freshness::lifetime(&self.facts, self.receipt.status, route, resident, age)
    }

    /// Every term of the sum.
    pub(crate) fn reckon(&self, route: &Route, now: UnixMillis) -> Reckoning {
        let deciding = self.deciding(route);
        let freshness = self.freshness(route, now);
        let (lifetime, used) = self.lifetime(route, now);
        let by_route = matches!(deciding, Deciding::RouteTtl | Deciding::RouteNegativeTtl)
            || (deciding == Deciding::NoCache && matches!(route.ttl, Ttl::Fixed(_)));
        Reckoning {
            resident_ms: millis(now.since(self.receipt.received_at)),
            initial_age_ms: u64::from(self.facts.initial_age_s) * 1000,
            age_ms: millis(freshness.age),
            lifetime_ms: millis(lifetime),
            lifetime_from: deciding.as_str().to_owned(),
            lifetime_name: deciding.name().to_owned(),
            rule: deciding.rule().to_owned(),
            counts_from: if by_route {
                CountsFrom::Receipt
            } else {
                CountsFrom::Origin
            },
            used_ms: millis(used),
            left_ms: freshness.left_ms,
            fresh: freshness.is_fresh(),
            may_be_stale: freshness.may_be_stale,
            windows: self.windows(route, &freshness, used.saturating_sub(lifetime)),
        }
    }

    fn windows(&self, route: &Route, freshness: &Freshness, stale_for: Duration) -> Vec<Window> {
        let by = |name: &str, set: Option<Duration>, origin_s: Option<u32>, open: bool| {
            let origin = origin_s.map(|seconds| Duration::from_secs(u64::from(seconds)));
            let (window, from) = match (set, origin) {
                (Some(set), _) => (set, WindowFrom::Route),
                (None, Some(origin)) => (origin, WindowFrom::Origin),
                (None, None) => (Duration::ZERO, WindowFrom::Nothing),
            };
            Window {
                name: name.to_owned(),
                window_ms: millis(window),
                from,
                left_ms: millis(window.saturating_sub(stale_for)),
                open,
            }
        };
        let facts = &self.facts;
        vec![
            by(
                "stale-while-revalidate",
                route.stale_while_revalidate,
                facts.stale_while_revalidate_s,
                freshness.while_revalidate,
            ),
            by(
                "stale-if-error",
                route.stale_if_error,
                facts.stale_if_error_s,
                freshness.if_error,
            ),
            by(
                "stale-if-unreachable",
                Some(route.stale_if_unreachable),
                None,
                freshness.if_unreachable,
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::testing::{headers, route};

    const RECEIVED: UnixMillis = UnixMillis(784_111_777_000); // Sun, 06 Nov 1994 08:49:37 GMT

    fn facts(lines: &[(&str, &str)]) -> Facts {
        let exchange = storing::Exchange {
            request: storing::Asked::default(),
            status: http::StatusCode::OK,
            response: &headers(lines),
            timing: Timing {
                requested_at: RECEIVED,
                received_at: RECEIVED,
            },
        };
        storing::decide(&exchange, &route(Ttl::Fixed(Duration::from_secs(1))))
            .unwrap()
            .facts
    }

    fn with<T>(lines: &[(&str, &str)], status: u16, say: impl Fn(&Subject<'_>) -> T) -> T {
        let headers = headers(lines);
        say(&Subject {
            facts: facts(lines),
            receipt: Receipt {
                status,
                received_at: RECEIVED,
            },
            requested_at: RECEIVED,
            headers: &headers,
        })
    }

    #[test]
    fn the_directive_that_counts_is_named() {
        let obey = route(Ttl::Origin);
        let (date, modified) = (
            ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ("last-modified", "Sun, 06 Nov 1994 08:00:00 GMT"),
        );
        for (lines, word, rule) in [
            (
                vec![("cache-control", "max-age=5, s-maxage=9")],
                "s-maxage",
                "RFC 9111 section 4.2.1",
            ),
            (
                vec![("cache-control", "max-age=5")],
                "max-age",
                "RFC 9111 section 4.2.1",
            ),
            (
                vec![("cache-control", "max-age=5"), ("cdn-cache-control", "max-age=9")],
                "max-age",
                "RFC 9213 section 2.2",
            ),
            (
                vec![date, ("expires", "Sun, 06 Nov 1994 08:50:37 GMT")],
                "expires",
                "RFC 9111 section 4.2.1",
            ),
            (vec![date, modified], "last-modified", "RFC 9111 section 4.2.2"),
            (vec![("etag", "\"a\"")], "nothing", "RFC 9111 section 4.2.1"),
            (
                vec![("cache-control", "no-cache"), ("etag", "\"a\"")],
                "no-cache",
                "RFC 9111 section 5.2.2.4",
            ),
        ] {
            let deciding = with(&lines, 200, |subject| subject.deciding(&obey));
            assert_eq!((deciding.as_str(), deciding.rule()), (word, rule), "{lines:?}");
        }
        let without = Route {
            heuristic_freshness: false,
            ..route(Ttl::Origin)
        };
        let guess = with(&[date, modified], 200, |subject| subject.deciding(&without));
        assert_eq!(guess, Deciding::HeuristicOff);
    }

    #[test]
    fn the_routes_word_goes_before_the_origins() {
        let lines = [("cache-control", "max-age=5")];
        let set = Route {
            negative_ttl: Some(Duration::from_secs(2)),
            ..route(Ttl::Fixed(Duration::from_secs(60)))
        };
        assert_eq!(with(&lines, 200, |s| s.deciding(&set)), Deciding::RouteTtl);
        assert_eq!(
            with(&lines, 404, |s| s.deciding(&set)),
            Deciding::RouteNegativeTtl
        );
    }

    #[test]
    fn the_sum_adds_up() {
        let lines = [
            ("cache-control", "max-age=60, stale-if-error=100"),
            ("age", "20"),
            ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ];
        let route = Route {
            stale_while_revalidate: Some(Duration::from_secs(30)),
            ..route(Ttl::Origin)
        };
        for (later_ms, fresh) in [(3_712, true), (39_999, true), (40_000, false), (75_000, false)] {
            let now = UnixMillis(RECEIVED.0 + later_ms);
            let sum = with(&lines, 200, |subject| subject.reckon(&route, now));
            assert_eq!(sum.age_ms, sum.resident_ms + sum.initial_age_ms);
            assert_eq!((sum.counts_from, sum.used_ms), (CountsFrom::Origin, sum.age_ms));
            assert_eq!(
                sum.left_ms,
                i64::try_from(sum.lifetime_ms).unwrap() - i64::try_from(sum.used_ms).unwrap()
            );
            assert_eq!(sum.fresh, fresh);
            let open: Vec<bool> = sum.windows.iter().map(|window| window.open).collect();
            assert_eq!(open, [later_ms < 70_000, true, false]);
            assert_eq!(sum.windows[0].from, WindowFrom::Route);
            assert_eq!(sum.windows[1].from, WindowFrom::Origin);
        }
    }
}
