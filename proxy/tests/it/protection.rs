//! What clients say about themselves or for others is not believed.

use crate::reads::{small, url};
use crate::scripted::{Scripted, answer};

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
