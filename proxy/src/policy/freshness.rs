//! How fresh a stored response is, computed when it is asked for and never before (DESIGN section 2: TTLs are read
//! at answer time), so that a changed TTL takes effect on what is already cached.

use std::time::Duration;

use proxima_config::checked::{Route, Ttl};

use super::cache_control::CacheControl;
use crate::clock::UnixMillis;

/// What the origin said about lifetime, kept with the entry. Seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Facts {
    /// Explicit or heuristic freshness lifetime (RFC 9111 section 4.2.1).
    pub(crate) lifetime_s: Option<u32>,
    /// RFC 5861 section 3.
    pub(crate) stale_while_revalidate_s: Option<u32>,
    /// RFC 5861 section 4.
    pub(crate) stale_if_error_s: Option<u32>,
    /// `no-cache`: validate before every use.
    pub(crate) no_cache: bool,
    /// `must-revalidate`, `proxy-revalidate` or `s-maxage`: never serve stale (section 4.2.4).
    pub(crate) must_revalidate: bool,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Freshness {
    /// Current age (section 4.2.3), for the `Age` field.
    pub(crate) age: Duration,
    /// Milliseconds of freshness left; negative when stale.
    pub(crate) left_ms: i64,
    /// May be served stale while a refresh runs, now.
    pub(crate) while_revalidate: bool,
    /// May be served stale when the origin fails, now.
    pub(crate) if_error: bool,
}

impl Freshness {
    pub(crate) fn is_fresh(&self) -> bool {
        self.left_ms > 0
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
    let window = |route: Option<Duration>, origin: Option<u32>| {
        let origin = origin.map(|s| Duration::from_secs(u64::from(s)));
        !facts.no_cache && !facts.must_revalidate && route.or(origin).is_some_and(|w| stale_for < w)
    };
    Freshness {
        age,
        left_ms,
        while_revalidate: window(route.stale_while_revalidate, facts.stale_while_revalidate_s),
        if_error: window(route.stale_if_error, facts.stale_if_error_s),
    }
}

/// Freshness lifetime and how much of it is used. A lifetime that the operator sets counts from our receipt;
/// one that the origin sets counts from the origin's answer.
fn lifetime(
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
        Ttl::Origin => (Duration::from_secs(u64::from(facts.lifetime_s.unwrap_or(0))), age),
    }
}

/// Longest time for which anybody may want the entry: what the ring should keep it for.
pub(crate) fn useful_for(facts: &Facts, status: u16, route: &Route) -> Duration {
    let (lifetime, _) = lifetime(facts, status, route, Duration::ZERO, Duration::ZERO);
    let seconds = |s: Option<u32>| Duration::from_secs(u64::from(s.unwrap_or(0)));
    let refresh = route
        .stale_while_revalidate
        .unwrap_or(seconds(facts.stale_while_revalidate_s));
    let error = route.stale_if_error.unwrap_or(seconds(facts.stale_if_error_s));
    lifetime + refresh.max(error)
}

/// What a request's own directives ask for (section 5.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Anything that is fresh.
    Fresh,
    /// Fresh and no older than this many seconds (`max-age`).
    NoOlderThan(u32),
    /// Validated with the origin (`no-cache`; `Pragma: no-cache` where there is no `Cache-Control`).
    Validated,
}

impl Wanted {
    /// Reads a request's directives; `pragma_no_cache` as section 5.4 says.
    pub(crate) fn from_request(control: &CacheControl, pragma_no_cache: bool) -> Self {
        match control.max_age {
            _ if control.no_cache || pragma_no_cache => Self::Validated,
            Some(0) => Self::Validated,
            Some(max_age) => Self::NoOlderThan(max_age),
            None => Self::Fresh,
        }
    }

    /// Whether an entry of this freshness answers the request without a word with the origin.
    pub(crate) fn allows(self, freshness: &Freshness) -> bool {
        match self {
            Self::Fresh => freshness.is_fresh(),
            Self::NoOlderThan(age) => freshness.is_fresh() && freshness.age.as_secs() <= u64::from(age),
            Self::Validated => false,
        }
    }
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
    fn requests_may_ask_for_more() {
        let fresh = Freshness {
            age: Duration::from_secs(30),
            left_ms: 1,
            while_revalidate: false,
            if_error: false,
        };
        let wanted = |line: &str| Wanted::from_request(&CacheControl::parse([line.as_bytes()]), false);
        assert!(wanted("").allows(&fresh));
        assert!(wanted("max-age=30").allows(&fresh));
        assert!(!wanted("max-age=29").allows(&fresh));
        assert!(!wanted("no-cache").allows(&fresh));
        assert!(!wanted("max-age=0").allows(&fresh));
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
