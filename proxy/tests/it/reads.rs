//! Reads: what the cache answers, and how it says so.

use std::time::Duration;

use futures_util::future::join_all;
use proxima_local::{Scripted, World, answer, raw};

use crate::OBEY;

pub(crate) fn cache_status(answer: &reqwest::Response) -> String {
    let lines = answer.headers().get_all("cache-status").iter();
    lines
        .map(|line| line.to_str().unwrap().to_owned())
        .collect::<Vec<_>>()
        .join(", ")
}

/// One region, one proxy, no ring, in front of a scripted origin that it obeys.
pub(crate) async fn small(origin: &Scripted) -> World {
    small_with(origin, "").await
}

pub(crate) async fn small_with(origin: &Scripted, config: &str) -> World {
    let world = World::builder()
        .regions(&["us-west"])
        .memcached_per_region(0)
        .external_origin(origin.url());
    world.routes(OBEY).config(config).start().await.unwrap()
}

pub(crate) fn url(world: &World, path: &str) -> String {
    format!("{}{path}", world.regions()[0].proxy().https_url())
}

#[tokio::test]
async fn a_miss_is_stored_and_then_hit_in_both_protocols() {
    let world = World::builder().regions(&["us-west"]).start().await.unwrap();
    let url = url(&world, "/profiles/7");
    let miss = world.client().get(&url).send().await.unwrap();
    assert_eq!(miss.version(), http::Version::HTTP_2);
    assert_eq!(cache_status(&miss), "Proxima-us-west; fwd=uri-miss; stored");
    assert!(!miss.headers().contains_key("age"));
    let fresh = miss.text().await.unwrap();
    for client in [world.client(), world.client_h1()] {
        let hit = client.get(&url).send().await.unwrap();
        let status = cache_status(&hit);
        assert!(
            status.starts_with("Proxima-us-west; hit; ttl=") && status.ends_with("; detail=l1"),
            "{status}"
        );
        assert!(hit.headers().contains_key("age") && hit.headers().contains_key("date"));
        assert_eq!(hit.text().await.unwrap(), fresh);
        let head = client.head(&url).send().await.unwrap();
        assert_eq!(head.headers()["content-length"], fresh.len().to_string());
        assert!(head.bytes().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_client_that_has_the_stored_response_is_told_so() {
    let world = World::builder().regions(&["us-west"]).start().await.unwrap();
    let url = url(&world, "/jobs/3");
    let first = world.client().get(&url).send().await.unwrap();
    let etag = first.headers()["etag"].clone();
    for client in [world.client(), world.client_h1()] {
        let again = client
            .get(&url)
            .header("if-none-match", &etag)
            .send()
            .await
            .unwrap();
        assert_eq!(again.status(), 304);
        assert_eq!(again.headers()["etag"], etag);
        assert!(cache_status(&again).contains("hit"));
        let other = client
            .get(&url)
            .header("if-none-match", "\"other\"")
            .send()
            .await
            .unwrap();
        assert_eq!(other.status(), 200);
    }
}

#[tokio::test]
async fn one_fill_serves_everybody_who_waits_for_a_key() {
    let origin = Scripted::start(|asked| {
        let body = format!("answer {}", asked.number);
        answer("200 OK", &[("cache-control", "max-age=60")], &body).after(Duration::from_millis(300))
    })
    .await;
    let world = small(&origin).await;
    let (h2, h1) = (world.client(), world.client_h1());
    let requests = (0..100).map(|n| {
        let client = if n % 2 == 0 { &h2 } else { &h1 };
        client.get(url(&world, "/one")).send()
    });
    let mut collapsed = 0;
    for answer in join_all(requests).await {
        let answer = answer.unwrap();
        collapsed += usize::from(cache_status(&answer).contains("collapsed"));
        assert_eq!(answer.text().await.unwrap(), "answer 0");
    }
    assert_eq!(origin.asked(), 1);
    assert!(collapsed >= 90, "{collapsed} of 100 shared the fill");
}

#[tokio::test]
async fn an_answer_for_one_user_is_given_to_nobody_else_and_holds_nobody_up() {
    let origin = Scripted::start(|asked| {
        let body = format!("for request {}", asked.number);
        answer("200 OK", &[("cache-control", "private, max-age=60")], &body).after(Duration::from_millis(200))
    })
    .await;
    let world = small(&origin).await;
    let started = std::time::Instant::now();
    let client = world.client();
    let answers = join_all((0..20).map(|_| client.get(url(&world, "/me")).send())).await;
    let mut bodies = Vec::new();
    for answer in answers {
        bodies.push(answer.unwrap().text().await.unwrap());
    }
    bodies.sort();
    bodies.dedup();
    assert_eq!(bodies.len(), 20, "everybody has an answer of their own");
    assert!(
        started.elapsed() < Duration::from_secs(3),
        "twenty answers of 200 ms did not queue up"
    );
}

#[tokio::test]
async fn credentials_are_not_shared_unless_the_origin_says_so() {
    let origin = Scripted::start(|asked| {
        let control = if asked.what().ends_with("/public") {
            "public, max-age=60"
        } else {
            "max-age=60"
        };
        answer(
            "200 OK",
            &[("cache-control", control)],
            &format!("{} {}", asked.field("authorization"), asked.number),
        )
    })
    .await;
    let world = small(&origin).await;
    let ask = async |path: &str, user: &str| {
        let request = world
            .client()
            .get(url(&world, path))
            .header("authorization", user);
        request.send().await.unwrap().text().await.unwrap()
    };
    assert!(ask("/own", "ann").await.starts_with("ann"));
    assert!(ask("/own", "bob").await.starts_with("bob"));
    assert!(ask("/public", "ann").await.starts_with("ann"));
    assert!(
        ask("/public", "bob").await.starts_with("ann"),
        "explicitly public"
    );
}

#[tokio::test]
async fn cookies_that_an_answer_sets_are_not_handed_around() {
    let origin = Scripted::start(|asked| {
        let cookie = format!("id={}", asked.number);
        answer(
            "200 OK",
            &[("cache-control", "max-age=60"), ("set-cookie", &cookie)],
            "hello",
        )
    })
    .await;
    let world = small(&origin).await;
    for _ in 0..2 {
        let answer = world.client().get(url(&world, "/")).send().await.unwrap();
        assert_eq!(cache_status(&answer), "Proxima-us-west; fwd=uri-miss");
    }
    assert_eq!(origin.asked(), 2);
}

#[tokio::test]
async fn variants_are_kept_apart() {
    let origin = Scripted::start(|asked| {
        let fields = [("cache-control", "max-age=60"), ("vary", "Accept-Language")];
        answer(
            "200 OK",
            &fields,
            &format!("in {}", asked.field("accept-language")),
        )
    })
    .await;
    let world = small(&origin).await;
    let ask = async |language: &str| {
        let request = world
            .client()
            .get(url(&world, "/page"))
            .header("accept-language", language);
        let answer = request.send().await.unwrap();
        (cache_status(&answer), answer.text().await.unwrap())
    };
    assert_eq!(ask("de").await.1, "in de");
    let (status, body) = ask("fr").await;
    assert_eq!(
        (status.as_str(), body.as_str()),
        ("Proxima-us-west; fwd=vary-miss; stored", "in fr")
    );
    for language in ["de", "fr"] {
        let (status, body) = ask(language).await;
        assert!(status.contains("hit"), "{status}");
        assert_eq!(body, format!("in {language}"));
    }
    assert_eq!(origin.asked(), 2);
}

#[tokio::test]
async fn only_the_named_query_parameters_take_part() {
    let origin =
        Scripted::start(|asked| answer("200 OK", &[("cache-control", "max-age=60")], asked.what())).await;
    let world = World::builder()
        .regions(&["us-west"])
        .memcached_per_region(0)
        .external_origin(origin.url());
    let routes = "[[route]]\nname = 'p'\npath = '/p/{id}'\nquery = ['fields']\n";
    let world = world.routes(routes).start().await.unwrap();
    let ask = async |target: &str| {
        let answer = world.client().get(url(&world, target)).send().await.unwrap();
        (
            cache_status(&answer).contains("hit"),
            answer.text().await.unwrap(),
        )
    };
    assert_eq!(
        ask("/p/1?utm=a&fields=x").await,
        (false, "GET /p/1?fields=x".into()),
        "unkeyed input stays here"
    );
    assert_eq!(
        ask("/p/1?fields=x&utm=b").await,
        (true, "GET /p/1?fields=x".into())
    );
    assert_eq!(ask("/p/1?fields=y").await, (false, "GET /p/1?fields=y".into()));
    assert_eq!(
        ask("/p/%31?fields=y").await,
        (true, "GET /p/1?fields=y".into()),
        "the path is normalised"
    );
    assert!(ask("/q/../p/1?fields=y").await.0);
}

#[tokio::test]
async fn a_stale_response_is_validated_and_refreshed_by_a_304() {
    let origin = Scripted::start(|asked| {
        let fields = [("cache-control", "max-age=1"), ("etag", "\"v1\"")];
        if asked.field("if-none-match") == "\"v1\"" {
            return raw("HTTP/1.1 304 Not Modified\r\ncache-control: max-age=60\r\netag: \"v1\"\r\n\r\n");
        }
        answer("200 OK", &fields, "the body")
    })
    .await;
    let world = small(&origin).await;
    let ask = async || {
        let answer = world.client().get(url(&world, "/")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        (cache_status(&answer), answer.text().await.unwrap())
    };
    ask().await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let (status, body) = ask().await;
    assert_eq!(
        (status.as_str(), body.as_str()),
        ("Proxima-us-west; fwd=stale; fwd-status=304; stored", "the body")
    );
    let (status, body) = ask().await;
    assert!(
        ["hit; ttl=60", "hit; ttl=59"]
            .iter()
            .any(|ttl| status.contains(ttl)),
        "{status}"
    );
    assert_eq!(body, "the body");
}

#[tokio::test]
async fn stale_while_revalidate_answers_at_once_and_refreshes_behind() {
    let origin = Scripted::start(|asked| {
        let slow = if asked.number == 0 {
            Duration::ZERO
        } else {
            Duration::from_millis(300)
        };
        let fields = [("cache-control", "max-age=1, stale-while-revalidate=30")];
        answer("200 OK", &fields, &format!("version {}", asked.number)).after(slow)
    })
    .await;
    let world = small(&origin).await;
    let ask = async || {
        let answer = world.client().get(url(&world, "/")).send().await.unwrap();
        (cache_status(&answer), answer.text().await.unwrap())
    };
    ask().await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    for _ in 0..5 {
        let (status, body) = ask().await;
        assert!(status.contains("hit; ttl=-1"), "{status}");
        assert_eq!(body, "version 0");
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(ask().await.1, "version 1");
    assert_eq!(origin.asked(), 2, "one refresh for all of them");
}

#[tokio::test]
async fn stale_if_error_covers_an_origin_that_fails() {
    let origin = Scripted::start(|asked| match asked.number {
        0 => answer(
            "200 OK",
            &[("cache-control", "max-age=1, stale-if-error=60")],
            "good",
        ),
        _ => answer("503 Service Unavailable", &[], "down"),
    })
    .await;
    let world = small(&origin).await;
    let ask = async |path: &str| world.client().get(url(&world, path)).send().await.unwrap();
    ask("/").await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let stale = ask("/").await;
    assert_eq!(stale.status(), 200);
    let status = cache_status(&stale);
    assert!(
        status.starts_with("Proxima-us-west; fwd=stale; fwd-status=503; ttl=-"),
        "{status}"
    );
    assert_eq!(ask("/never-seen").await.status(), 503);
}

#[tokio::test]
async fn requests_may_ask_for_more_or_for_less() {
    let origin = Scripted::start(|asked| {
        answer(
            "200 OK",
            &[("cache-control", "max-age=60")],
            &asked.number.to_string(),
        )
    })
    .await;
    let world = small(&origin).await;
    let ask = async |control: &str| {
        let request = world
            .client()
            .get(url(&world, "/"))
            .header("cache-control", control);
        let answer = request.send().await.unwrap();
        (
            answer.status().as_u16(),
            cache_status(&answer),
            answer.text().await.unwrap(),
        )
    };
    let (status, said, _) = ask("only-if-cached").await;
    assert_eq!((status, said.as_str()), (504, "Proxima-us-west; fwd=uri-miss"));
    assert_eq!(ask("max-age=60").await.2, "0");
    assert_eq!(ask("only-if-cached").await.2, "0");
    let (_, said, body) = ask("no-cache").await;
    assert_eq!(
        (said.as_str(), body.as_str()),
        ("Proxima-us-west; fwd=request; stored", "1")
    );
    assert_eq!(ask("max-age=60").await.2, "1");
}
