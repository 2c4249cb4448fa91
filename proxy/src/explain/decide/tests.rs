use super::*;
use crate::policy::storing::Source;
use crate::policy::testing::{headers, route};
use proxima_config::checked::Ttl;
use std::time::Duration;

fn found(left_ms: i64) -> Standing {
    Standing {
        tier: Tier::L1,
        freshness: Freshness {
            age: Duration::from_secs(30),
            left_ms,
            ..Freshness::default()
        },
        deciding: Deciding::Origin {
            source: Source::MaxAge,
            targeted: false,
        },
        admitted: true,
        current: true,
        covers: true,
        behind_client: false,
        serves: false,
        serves_while_revalidating: false,
        status: 200,
    }
}

fn case(found: Option<Standing>, control: &str, conditions: &[&str]) -> Case {
    let map = headers(&[("cache-control", control)]);
    Case {
        found,
        why: Outcome::Stale,
        demands: Demands::of(&Headers::Map(&map), ClientCacheControl::Obey),
        only_if_cached: control.contains("only-if-cached"),
        conditions: conditions.iter().map(|&line| line.to_owned()).collect(),
    }
}

#[test]
fn each_decision_has_its_directive_and_rule() {
    let served = |left_ms, serves| Standing {
        serves,
        serves_while_revalidating: !serves,
        ..found(left_ms)
    };
    let not = |spoil: fn(&mut Standing)| {
        let mut standing = found(9000);
        spoil(&mut standing);
        standing
    };
    let etag = &["if-none-match: \"a\""][..];
    for (standing, control, conditions, kind, directive, rule) in [
        (
            served(9000, true),
            "",
            &[][..],
            Kind::Hit,
            "max-age",
            "RFC 9111 section 4.2.1",
        ),
        (
            served(-9000, true),
            "max-stale",
            &[],
            Kind::Stale,
            "max-stale in the request",
            "RFC 9111 section 5.2.1.2",
        ),
        (
            served(-9000, false),
            "",
            &[],
            Kind::Stale,
            "stale-while-revalidate",
            "RFC 5861 section 3",
        ),
        (
            found(-1),
            "",
            etag,
            Kind::Validate,
            "max-age",
            "RFC 9111 section 4.2.1",
        ),
        (
            found(-1),
            "",
            &[],
            Kind::Miss,
            "max-age",
            "RFC 9111 section 4.2.1",
        ),
        (
            found(-1),
            "only-if-cached",
            etag,
            Kind::Refused,
            "only-if-cached in the request",
            "RFC 9111 section 5.2.1.7",
        ),
        (
            found(9000),
            "no-cache",
            etag,
            Kind::Validate,
            "no-cache in the request",
            "RFC 9111 section 5.2.1.4",
        ),
        (
            found(9000),
            "max-age=29",
            etag,
            Kind::Validate,
            "max-age in the request",
            "RFC 9111 section 5.2.1.1",
        ),
        (
            found(9000),
            "min-fresh=10",
            etag,
            Kind::Validate,
            "min-fresh in the request",
            "RFC 9111 section 5.2.1.3",
        ),
        (
            not(|it| it.admitted = false),
            "",
            etag,
            Kind::Validate,
            "invalidation",
            "RFC 9111 section 4.4",
        ),
        (
            not(|it| it.current = false),
            "",
            etag,
            Kind::Validate,
            "feed.max_silence",
            "configuration: feed.max_silence",
        ),
        (
            not(|it| it.covers = false),
            "",
            &[],
            Kind::Miss,
            "Content-Range",
            "RFC 9111 section 3.3",
        ),
    ] {
        let decision = decide(&case(Some(standing), control, conditions));
        assert_eq!(
            (
                decision.decision,
                decision.directive.as_str(),
                decision.rule.as_str()
            ),
            (kind, directive, rule),
            "{control}"
        );
    }
}

#[test]
fn nothing_stored_is_a_miss_unless_only_what_is_stored_will_do() {
    let miss = |why, control| {
        decide(&Case {
            why,
            ..case(None, control, &[])
        })
    };
    assert_eq!(miss(Outcome::UriMiss, "").fwd.as_deref(), Some("uri-miss"));
    assert_eq!(miss(Outcome::VaryMiss, "").directive, "Vary");
    let refused = miss(Outcome::UriMiss, "only-if-cached");
    assert_eq!((refused.decision, refused.status), (Kind::Refused, Some(504)));
}

#[test]
fn what_goes_past_the_cache_is_told_why() {
    let of = |cache: bool, lines: &[(&str, &str)]| {
        let route = Route {
            cache,
            ..route(Ttl::Origin)
        };
        bypassed(&route, &Headers::Map(&headers(lines))).directive
    };
    assert_eq!(of(false, &[]), "cache of the route");
    assert_eq!(of(true, &[("if-match", "*")]), "If-Match");
    assert_eq!(of(true, &[("if-unmodified-since", "x")]), "If-Unmodified-Since");
    assert_eq!(of(true, &[("proxima-min-position", "x")]), "Proxima-Min-Position");
    assert_eq!(of(true, &[("connection", "x-tenant")]), "Connection");
}

#[test]
fn pragma_counts_where_there_is_no_cache_control() {
    let unmet = |lines: &[(&str, &str)]| {
        let map = headers(lines);
        let demands = Demands::of(&Headers::Map(&map), ClientCacheControl::Obey);
        demands.unmet(&found(9000).freshness).1
    };
    assert_eq!(unmet(&[("pragma", "no-cache")]), "RFC 9111 section 5.4");
    assert_eq!(
        unmet(&[("pragma", "no-cache"), ("cache-control", "no-cache")]),
        "RFC 9111 section 5.2.1.4"
    );
}

#[test]
fn seconds_are_exact() {
    for (ms, text) in [
        (0, "0 s"),
        (60_000, "60 s"),
        (3_712, "3.712 s"),
        (500, "0.5 s"),
        (-1_050, "-1.05 s"),
    ] {
        assert_eq!(seconds(ms), text);
    }
}
