//! What clients say about themselves or for others is not believed.

use crate::reads::{small, url};
use proxima_local::{Scripted, answer};

#[tokio::test]
async fn forwarding_fields_are_rewritten_and_hop_by_hop_fields_dropped() {
    let origin = Scripted::start(|asked| {
        answer(
            "200 OK",
            &[
                ("connection", "x-secret"),
                ("x-secret", "1"),
                ("keep-alive", "timeout=5"),
            ],
            &asked.head,
        )
    })
    .await;
    let world = small(&origin).await;
    for method in [http::Method::GET, http::Method::POST] {
        let request = world.client_h1().request(method.clone(), url(&world, "/"));
        let request = request
            .header("x-forwarded-for", "6.6.6.6")
            .header("x-forwarded-host", "evil.example");
        let request = request
            .header("forwarded", "for=6.6.6.6")
            .header("x-forwarded-prefix", "/evil")
            .header("x-original-url", "/evil")
            .header("connection", "x-drop")
            .header("x-drop", "1");
        let answer = request.send().await.unwrap();
        assert!(
            !answer.headers().contains_key("x-secret"),
            "{method}: the origin's own hop-by-hop fields"
        );
        let seen = answer.text().await.unwrap().to_lowercase();
        for (text, wanted) in [
            ("6.6.6.6", false),
            ("evil.example", false),
            ("/evil", false),
            ("x-drop", false),
            ("x-forwarded-for: 127.0.0.1", true),
            ("x-forwarded-proto: https", true),
            ("via: 1.1 proxima", true),
            ("host: api.recruiting.example", true),
        ] {
            assert_eq!(seen.contains(text), wanted, "{method} {text}: {seen}");
        }
    }
}

#[tokio::test]
async fn a_host_that_a_client_makes_up_poisons_nothing() {
    let origin = Scripted::start(|asked| {
        answer(
            "200 OK",
            &[("cache-control", "max-age=60")],
            &format!("host {}", asked.field("host")),
        )
    })
    .await;
    let world = crate::reads::small_with(&origin, "upstream.host = 'preserve'").await;
    let ask = async |host: &str| {
        let request = world.client_h1().get(url(&world, "/")).header("host", host);
        request.send().await.unwrap().text().await.unwrap()
    };
    assert_eq!(ask("evil.example").await, "host evil.example");
    assert_eq!(
        ask("good.example").await,
        "host good.example",
        "another host is another key"
    );
    assert_eq!(
        ask("GOOD.example").await,
        "host good.example",
        "host names have no case"
    );
}

#[tokio::test]
async fn what_an_origin_does_not_see_selects_no_variant() {
    let origin = Scripted::start(|asked| {
        let vary = if asked.what().ends_with("/ip") {
            "x-forwarded-for"
        } else {
            "x-tenant"
        };
        let body = format!("tenant [{}]", asked.field("x-tenant"));
        answer(
            "200 OK",
            &[("cache-control", "max-age=60"), ("vary", vary)],
            &body,
        )
    })
    .await;
    let world = small(&origin).await;
    let ask = async |path: &str, connection: &str| {
        let request = world
            .client_h1()
            .get(url(&world, path))
            .header("x-tenant", "acme");
        let answer = request.header("connection", connection).send().await.unwrap();
        (crate::reads::cache_status(&answer), answer.text().await.unwrap())
    };
    let (status, body) = ask("/", "x-tenant").await;
    assert_eq!(
        (status.as_str(), body.as_str()),
        ("Proxima-us-west; fwd=bypass", "tenant []")
    );
    let (_, body) = ask("/", "keep-alive").await;
    assert_eq!(body, "tenant [acme]");
    for _ in 0..2 {
        let (status, _) = ask("/ip", "keep-alive").await;
        assert_eq!(
            status, "Proxima-us-west; fwd=uri-miss",
            "the origin sees another value than the client sent"
        );
    }
}
