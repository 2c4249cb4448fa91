//! How fresh a stored response is, computed when it is asked for and never before (DESIGN section 2: TTLs are read
//! at answer time), so that a changed TTL takes effect on what is already cached.

use std::time::Duration;

use proxima_config::checked::{Route, Ttl};

use crate::clock::UnixMillis;

/// What the origin said about lifetime, kept with the entry. Seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Facts {
    /// Explicit or heuristic freshness lifetime (RFC 9111 sections 4.2.1 and 4.2.2).
    pub(crate) lifetime_s: Option<u32>,
    /// The lifetime is a guess from `Last-Modified`.
    pub(crate) heuristic: bool,
    /// RFC 5861 section 3.
    pub(crate) stale_while_revalidate_s: Option<u32>,
    /// RFC 5861 section 4.
    pub(crate) stale_if_error_s: Option<u32>,
    /// `no-cache`: validate before every use.
    pub(crate) no_cache: bool,
    /// `must-revalidate`, `proxy-revalidate` or `s-maxage`: never serve stale (section 4.2.4).
    pub(crate) must_revalidate: bool,
    /// Never changes while it is fresh (RFC 8246).
    pub(crate) immutable: bool,
    /// Corrected initial age (section 4.2.3).
    pub(crate) initial_age_s: u32,
}

/// When and with what status an entry was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Receipt {
    pub(crate) status: u16,
    pub(crate) received_at: UnixMillis,
}

/// A stored response's freshness at one moment under one route's rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Freshness {
    /// Current age (section 4.2.3), for the `Age` field.
    pub(crate) age: Duration,
    /// Milliseconds of freshness left; negative when stale.
    pub(crate) left_ms: i64,
    /// The lifetime, in ms.
    pub(crate) lifetime_ms: i64,
    /// May be served stale while a refresh runs, now.
    pub(crate) while_revalidate: bool,
    /// May be served stale when the origin fails, now.
    pub(crate) if_error: bool,
    /// May be served stale when no origin can be reached, now.
    pub(crate) if_unreachable: bool,
    /// The origin does not forbid serving it stale (section 4.2.4): a client may ask for it all the same.
    pub(crate) may_be_stale: bool,
    /// Of no use to validate before its end.
    pub(crate) immutable: bool,
}

impl Freshness {
    pub(crate) fn is_fresh(&self) -> bool {
        self.left_ms > 0
    }

    /// Whether it is fresh, and in the last so many per cent of its lifetime.
    pub(crate) fn is_ending(&self, percent: u32) -> bool {
        let part_ms = i128::from(self.lifetime_ms) * i128::from(percent);
        self.is_fresh() && i128::from(self.left_ms) * 100 < part_ms
    }

    /// Whole seconds for the `ttl` parameter of `Cache-Status` (RFC 9211 section 2.3): negative when stale.
    pub(crate) fn ttl_s(&self) -> i64 {
        self.left_ms.div_euclid(1000)
    }
}

/// Judges an entry at `now` under the rules of `route`.
pub(crate) fn judge(facts: &Facts, receipt: Receipt, route: &Route, now: UnixMillis) -> Freshness {
    let resident = now.since(receipt.received_at);
    let age = resident + Duration::from_secs(u64::from(facts.initial_age_s));
    let (lifetime, used) = lifetime(facts, receipt.status, route, resident, age);
    let left_ms = if facts.no_cache {
        0
    } else {
        signed_ms(lifetime) - signed_ms(used)
    };
    let stale_for = used.saturating_sub(lifetime);
    let may_be_stale = !facts.no_cache && !facts.must_revalidate;
    let within = |window: Duration| may_be_stale && stale_for < window;
    Freshness {
        age,
        left_ms,
        lifetime_ms: signed_ms(lifetime),
        while_revalidate: within(window(
            route.stale_while_revalidate,
            facts.stale_while_revalidate_s,
        )),
        if_error: within(window(route.stale_if_error, facts.stale_if_error_s)),
        if_unreachable: within(route.stale_if_unreachable),
        may_be_stale,
        immutable: facts.immutable,
    }
}

/// The operator's window, or else the origin's.
fn window(route: Option<Duration>, origin_s: Option<u32>) -> Duration {
    route.unwrap_or(Duration::from_secs(u64::from(origin_s.unwrap_or(0))))
}

/// Freshness lifetime and how much of it is used. A lifetime that the operator sets counts from our receipt;
/// one that the origin sets counts from the origin's answer.
pub(crate) fn lifetime(
    facts: &Facts,
    status: u16,
    route: &Route,
    resident: Duration,
    age: Duration,
) -> (Duration, Duration) {
    if let (404 | 410, Some(negative)) = (status, route.negative_ttl) {
        return (negative, resident);
    }
    match route.ttl {
        Ttl::Fixed(ttl) => (ttl, resident),
        Ttl::Origin if facts.heuristic && !route.heuristic_freshness => (Duration::ZERO, age),
        Ttl::Origin => (Duration::from_secs(u64::from(facts.lifetime_s.unwrap_or(0))), age),
    }
}

/// Longest time for which anybody may want the entry: what the ring should keep it for.
pub(crate) fn useful_for(facts: &Facts, status: u16, route: &Route) -> Duration {
    let (lifetime, _) = lifetime(facts, status, route, Duration::ZERO, Duration::ZERO);
    let refresh = window(route.stale_while_revalidate, facts.stale_while_revalidate_s);
    let error = window(route.stale_if_error, facts.stale_if_error_s);
    lifetime + refresh.max(error).max(route.stale_if_unreachable)
}

/// Whether an entry is never fresh, not even as it arrives: each use takes a word with the origin.
pub(crate) fn is_never_fresh(facts: &Facts, status: u16, route: &Route) -> bool {
    let (lifetime, _) = lifetime(facts, status, route, Duration::ZERO, Duration::ZERO);
    facts.no_cache || lifetime.is_zero()
}

fn signed_ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::testing::route;
    use proptest::prelude::*;

    fn at(status: u16, facts: Facts, route: &Route, seconds: u64) -> Freshness {
        let receipt = Receipt {
            status,
            received_at: UnixMillis::from_secs(1000),
        };
        judge(&facts, receipt, route, UnixMillis::from_secs(1000 + seconds))
    }

    #[test]
    fn an_origin_lifetime_counts_from_the_origins_answer() {
        let facts = Facts {
            lifetime_s: Some(60),
            initial_age_s: 20,
            ..Facts::default()
        };
        let route = route(Ttl::Origin);
        assert_eq!(at(200, facts, &route, 30).ttl_s(), 10);
        assert_eq!(at(200, facts, &route, 30).age, Duration::from_secs(50));
        assert!(!at(200, facts, &route, 40).is_fresh());
    }

    #[test]
    fn an_operators_ttl_counts_from_receipt_and_acts_on_stored_entries() {
        let facts = Facts {
            lifetime_s: Some(5),
            initial_age_s: 20,
            ..Facts::default()
        };
        assert!(at(200, facts, &route(Ttl::Fixed(Duration::from_secs(60))), 59).is_fresh());
        assert!(!at(200, facts, &route(Ttl::Fixed(Duration::from_secs(10))), 59).is_fresh());
    }

    #[test]
    fn negative_answers_have_their_own_ttl() {
        let facts = Facts {
            lifetime_s: Some(60),
            ..Facts::default()
        };
        let route = Route {
            negative_ttl: Some(Duration::from_secs(5)),
            ..route(Ttl::Fixed(Duration::from_secs(60)))
        };
        assert!(at(404, facts, &route, 4).is_fresh());
        assert!(!at(404, facts, &route, 5).is_fresh());
    }

    #[test]
    fn stale_windows_end_and_give_way_to_must_revalidate() {
        let facts = Facts {
            lifetime_s: Some(10),
            stale_while_revalidate_s: Some(5),
            stale_if_error_s: Some(20),
            ..Facts::default()
        };
        let origin = route(Ttl::Origin);
        assert!(at(200, facts, &origin, 14).while_revalidate);
        assert!(!at(200, facts, &origin, 15).while_revalidate);
        assert!(at(200, facts, &origin, 29).if_error);
        assert!(!at(200, facts, &origin, 30).if_error);
        let strict = Facts {
            must_revalidate: true,
            ..facts
        };
        assert!(!at(200, strict, &origin, 14).while_revalidate);
        assert!(!at(200, strict, &origin, 14).if_error);
        let own = Route {
            stale_if_error: Some(Duration::from_secs(1)),
            ..origin
        };
        assert!(!at(200, facts, &own, 14).if_error);
    }

    #[test]
    fn an_origin_out_of_reach_is_waited_for_within_bounds() {
        let facts = Facts {
            lifetime_s: Some(10),
            ..Facts::default()
        };
        let route = Route {
            stale_if_unreachable: Duration::from_secs(60),
            ..route(Ttl::Origin)
        };
        assert!(at(200, facts, &route, 69).if_unreachable);
        assert!(!at(200, facts, &route, 70).if_unreachable);
        for strict in [
            Facts {
                no_cache: true,
                ..facts
            },
            Facts {
                must_revalidate: true,
                ..facts
            },
        ] {
            assert!(!at(200, strict, &route, 11).if_unreachable);
            assert!(!at(200, strict, &route, 11).may_be_stale);
        }
    }

    #[test]
    fn a_guess_counts_only_where_the_route_lets_it() {
        let facts = Facts {
            lifetime_s: Some(10),
            heuristic: true,
            ..Facts::default()
        };
        let without = Route {
            heuristic_freshness: false,
            ..route(Ttl::Origin)
        };
        assert!(at(200, facts, &route(Ttl::Origin), 9).is_fresh());
        assert!(!at(200, facts, &without, 9).is_fresh());
        assert!(is_never_fresh(&facts, 200, &without));
        assert!(!is_never_fresh(&facts, 200, &route(Ttl::Origin)));
    }

    #[test]
    fn the_end_of_a_lifetime_is_its_last_part() {
        let facts = Facts {
            lifetime_s: Some(100),
            ..Facts::default()
        };
        let route = route(Ttl::Origin);
        for (age_s, percent, ending) in [
            (89, 10, false),
            (90, 10, false),
            (91, 10, true),
            (99, 10, true),
            (100, 10, false), // it has ended
            (99, 0, false),
            (51, 50, true),
        ] {
            assert_eq!(
                at(200, facts, &route, age_s).is_ending(percent),
                ending,
                "{age_s} {percent}"
            );
        }
    }

    proptest! {
        #[test]
        fn freshness_never_grows_with_time(
            lifetime in 0_u32..100_000, age in 0_u32..100_000, early in 0_u64..200_000, later in 0_u64..200_000,
        ) {
            let facts = Facts { lifetime_s: Some(lifetime), initial_age_s: age, ..Facts::default() };
            let route = route(Ttl::Origin);
            let (first, second) = (early.min(later), early.max(later));
            prop_assert!(at(200, facts, &route, first).left_ms >= at(200, facts, &route, second).left_ms);
        }
    }
}
