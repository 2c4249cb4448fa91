//! Storing, case by case. What clients see of it is in the conformance tests.

use std::time::Duration;

use super::super::testing::{headers, route};
use super::*;
use crate::clock::UnixMillis;

type Lines = &'static [(&'static str, &'static str)];

const NOW: UnixMillis = UnixMillis(784_111_777_000); // Sun, 06 Nov 1994 08:49:37 GMT
const LASTING: (&str, &str) = ("cache-control", "max-age=60");
const FIXED: Ttl = Ttl::Fixed(Duration::from_secs(60));

fn decide_as(
    asked: Asked,
    status: u16,
    response: &[(&str, &str)],
    route: &Route,
) -> Result<Storable, NotStored> {
    let exchange = Exchange {
        request: asked,
        status: StatusCode::from_u16(status).unwrap(),
        response: &headers(response),
        timing: Timing {
            requested_at: NOW,
            received_at: NOW,
        },
    };
    decide(&exchange, route)
}

fn decide_for(status: u16, response: &[(&str, &str)], ttl: Ttl) -> Result<Storable, NotStored> {
    decide_as(Asked::default(), status, response, &route(ttl))
}

#[test]
fn lifetimes() {
    const DATE: (&str, &str) = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
    const IN_A_MINUTE: (&str, &str) = ("expires", "Sun, 06 Nov 1994 08:50:37 GMT");
    const IN_A_DAY: (&str, &str) = ("expires", "Mon, 07 Nov 1994 08:49:37 GMT");
    let cases: &[(Lines, u32, Source)] = &[
        (&[("cache-control", "max-age=60")], 60, Source::MaxAge),
        (&[("cache-control", "max-age=60, s-maxage=5")], 5, Source::SMaxage),
        (&[("cache-control", "max-age=60"), IN_A_DAY], 60, Source::MaxAge),
        (&[DATE, IN_A_MINUTE], 60, Source::Expires),
        (&[DATE, IN_A_MINUTE, IN_A_MINUTE], 60, Source::Expires),
        (
            &[DATE, ("last-modified", "Sun, 06 Nov 1994 08:48:37 GMT")],
            6,
            Source::LastModified,
        ),
        (
            &[("last-modified", "Thu, 06 Nov 1980 08:48:37 GMT")],
            86_400,
            Source::LastModified,
        ),
        (
            &[("cdn-cache-control", "max-age=7"), LASTING, IN_A_DAY],
            7,
            Source::MaxAge,
        ),
    ];
    for (response, seconds, source) in cases {
        let facts = decide_for(200, response, Ttl::Origin).unwrap().facts;
        assert_eq!(facts.lifetime_s, Some(*seconds), "{response:?}");
        assert_eq!(facts.heuristic, *source == Source::LastModified, "{response:?}");
    }
    let ended: &[Lines] = &[
        &[("cache-control", "max-age=x"), IN_A_DAY],
        &[DATE, ("expires", "0")],
        &[DATE, ("expires", "Sun, 06 Nov 1994 08:40:37 GMT")],
        &[DATE, IN_A_MINUTE, IN_A_DAY],
        &[("last-modified", "Sun, 06 Nov 1994 09:49:37 GMT")],
    ];
    for response in ended {
        let validated: Vec<_> = response.iter().copied().chain([("etag", "\"1\"")]).collect();
        let facts = decide_for(200, &validated, Ttl::Origin).unwrap().facts;
        assert_eq!(facts.lifetime_s, Some(0), "{response:?}");
    }
}

#[test]
fn what_is_not_stored() {
    let cases: &[(u16, Lines, Ttl, NotStored)] = &[
        (
            200,
            &[("cache-control", "no-store, max-age=60")],
            FIXED,
            NotStored::NoStore,
        ),
        (
            200,
            &[("cache-control", "private, max-age=60")],
            FIXED,
            NotStored::Private,
        ),
        (
            200,
            &[LASTING, ("cdn-cache-control", "private")],
            FIXED,
            NotStored::Private,
        ),
        (
            299,
            &[("cache-control", "max-age=60, must-understand")],
            FIXED,
            NotStored::NotUnderstood,
        ),
        (
            200,
            &[LASTING, ("set-cookie", "a=b")],
            FIXED,
            NotStored::SetCookie,
        ),
        (200, &[LASTING, ("vary", "accept, *")], FIXED, NotStored::VaryStar),
        (
            200,
            &[LASTING, ("vary", "x-forwarded-for")],
            FIXED,
            NotStored::VaryStar,
        ),
        (206, &[LASTING], FIXED, NotStored::Status),
        (500, &[], FIXED, NotStored::Status),
        (
            302,
            &[("last-modified", "Thu, 06 Nov 1980 08:48:37 GMT")],
            Ttl::Origin,
            NotStored::Status,
        ),
        (200, &[], Ttl::Origin, NotStored::OfNoUse),
        (
            200,
            &[("cache-control", "max-age=0")],
            Ttl::Origin,
            NotStored::OfNoUse,
        ),
        (
            200,
            &[("cache-control", "no-cache, max-age=9")],
            Ttl::Origin,
            NotStored::OfNoUse,
        ),
    ];
    for (status, response, ttl, reason) in cases {
        assert_eq!(
            decide_for(*status, response, *ttl),
            Err(*reason),
            "{status} {response:?}"
        );
    }
}

#[test]
fn what_is_stored() {
    let cases: &[(u16, Lines, Ttl)] = &[
        (302, &[LASTING], Ttl::Origin),
        (503, &[LASTING], Ttl::Origin),
        (299, &[LASTING], Ttl::Origin),
        (
            599,
            &[
                ("cache-control", "public"),
                ("last-modified", "Thu, 06 Nov 1980 08:48:37 GMT"),
            ],
            Ttl::Origin,
        ),
        (404, &[], FIXED),
        (
            200,
            &[("cache-control", "no-cache, max-age=9"), ("etag", "\"1\"")],
            Ttl::Origin,
        ),
        (200, &[("etag", "\"1\"")], Ttl::Origin),
        (
            200,
            &[("cache-control", "no-store, must-understand, max-age=9")],
            Ttl::Origin,
        ),
        (
            200,
            &[("cache-control", "no-store"), ("cdn-cache-control", "max-age=9")],
            Ttl::Origin,
        ),
        (
            200,
            &[("cache-control", "public, max-age=9"), ("set-cookie", "a=b")],
            Ttl::Origin,
        ),
        (
            200,
            &[
                ("cache-control", "max-age=9, no-cache=\"set-cookie\""),
                ("set-cookie", "a=b"),
            ],
            Ttl::Origin,
        ),
        (
            200,
            &[("cache-control", "max-age=0, stale-if-error=9")],
            Ttl::Origin,
        ),
    ];
    for (status, response, ttl) in cases {
        let outcome = decide_for(*status, response, *ttl);
        assert!(outcome.is_ok(), "{status} {response:?}: {outcome:?}");
    }
}

#[test]
fn what_was_asked_counts_too() {
    let authorization = Asked {
        authorization: true,
        ..Asked::default()
    };
    let no_store = Asked {
        no_store: true,
        ..Asked::default()
    };
    let range = Asked {
        range: true,
        ..Asked::default()
    };
    let post = Asked {
        post: true,
        ..Asked::default()
    };
    let origin = route(Ttl::Origin);
    let cases: &[(Asked, u16, Lines, Option<NotStored>)] = &[
        (authorization, 200, &[LASTING], Some(NotStored::Authorization)),
        (authorization, 200, &[("cache-control", "s-maxage=9")], None),
        (
            authorization,
            200,
            &[("cache-control", "public, max-age=9")],
            None,
        ),
        (
            authorization,
            200,
            &[("cache-control", "must-revalidate, max-age=9")],
            None,
        ),
        (no_store, 200, &[LASTING], Some(NotStored::RequestNoStore)),
        (range, 206, &[LASTING], None),
        (post, 200, &[LASTING], None),
        (
            post,
            200,
            &[("last-modified", "Thu, 06 Nov 1980 08:48:37 GMT")],
            Some(NotStored::Status),
        ),
    ];
    for (asked, status, response, reason) in cases {
        assert_eq!(
            decide_as(*asked, *status, response, &origin).err(),
            *reason,
            "{asked:?} {response:?}"
        );
    }
}

#[test]
fn routes_decide_about_cookies() {
    let response = [LASTING, ("set-cookie", "a=b")];
    let with = |set_cookie| Route {
        set_cookie,
        ..route(Ttl::Origin)
    };
    let decide = |set_cookie| decide_as(Asked::default(), 200, &response, &with(set_cookie));
    assert_eq!(decide(SetCookie::Store).unwrap().withheld, [] as [HeaderName; 0]);
    assert_eq!(decide(SetCookie::Strip).unwrap().withheld, [SET_COOKIE]);
}
