//! The two tiers together.

use std::time::Duration;

use proxima_local::{Proxy, Scripted, World, answer};

use crate::reads::cache_status;

async fn ask(world: &World, proxy: &Proxy, path: &str) -> (String, String) {
    let answer = world
        .client()
        .get(format!("{}{path}", proxy.https_url()))
        .send()
        .await
        .unwrap();
    (cache_status(&answer), answer.text().await.unwrap())
}

/// Waits until a proxy has put `entries` into its ring since it started. That happens behind the answer.
pub(crate) async fn ring_has(proxy: &Proxy, entries: u32) {
    let stored = |metrics: String| {
        let line = r#"proxima_ring_operations_total{operation="set",result="stored","#;
        let count = metrics
            .lines()
            .find_map(|l| l.strip_prefix(line)?.split(' ').nth(1)?.parse::<u32>().ok());
        count.unwrap_or(0)
    };
    let started = std::time::Instant::now();
    loop {
        let metrics = reqwest::get(format!("{}/metrics", proxy.admin_url()))
            .await
            .unwrap();
        if stored(metrics.text().await.unwrap()) >= entries {
            return;
        }
        assert!(
            started.elapsed() < Duration::from_secs(5),
            "{} stored nothing in the ring",
            proxy.name()
        );
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn a_second_proxy_and_a_restarted_one_find_what_the_ring_holds() {
    let world = World::builder()
        .regions(&["us-west"])
        .proxies_per_region(2)
        .start()
        .await
        .unwrap();
    let proxies = world.region("us-west").proxies();
    let (first, second) = (&proxies[0], &proxies[1]);
    let (status, body) = ask(&world, first, "/profiles/7").await;
    assert_eq!(status, "Proxima-us-west; fwd=uri-miss; stored");
    ring_has(first, 1).await;
    let (status, found) = ask(&world, second, "/profiles/7").await;
    assert!(
        status.ends_with("detail=l2") && status.contains("hit"),
        "{status}"
    );
    assert_eq!(found, body);
    let (status, _) = ask(&world, second, "/profiles/7").await;
    assert!(
        status.ends_with("detail=l1"),
        "what the ring gave is kept: {status}"
    );
    first.stop().await.unwrap();
    first.restart().await.unwrap();
    let (status, found) = ask(&world, first, "/profiles/7").await;
    assert!(status.ends_with("detail=l2"), "{status}");
    assert_eq!(found, body);
}

#[tokio::test]
async fn variants_come_back_from_the_ring() {
    let origin = Scripted::start(|asked| {
        let fields = [("cache-control", "max-age=60"), ("vary", "accept")];
        answer("200 OK", &fields, asked.field("accept"))
    })
    .await;
    let world = World::builder()
        .regions(&["us-west"])
        .external_origin(origin.url())
        .proxies_per_region(2);
    let world = world.routes(crate::OBEY).start().await.unwrap();
    let proxies = world.region("us-west").proxies();
    let ask = async |proxy: &Proxy, accept: &str| {
        let request = world
            .client()
            .get(format!("{}/x", proxy.https_url()))
            .header("accept", accept);
        let answer = request.send().await.unwrap();
        (cache_status(&answer), answer.text().await.unwrap())
    };
    ask(&proxies[0], "a/a").await;
    ask(&proxies[0], "b/b").await;
    ring_has(&proxies[0], 4).await;
    for accept in ["a/a", "b/b"] {
        let (status, body) = ask(&proxies[1], accept).await;
        assert!(status.ends_with("detail=l2"), "{status}");
        assert_eq!(body, accept);
    }
    let (status, _) = ask(&proxies[1], "c/c").await;
    assert_eq!(status, "Proxima-us-west; fwd=vary-miss; stored");
}

#[tokio::test]
async fn a_changed_ttl_counts_for_what_is_already_stored() {
    let origin = Scripted::start(|asked| {
        answer(
            "200 OK",
            &[("cache-control", "max-age=1")],
            &asked.number.to_string(),
        )
    })
    .await;
    let routes = |ttl: &str| format!("[[route]]\nname = 'all'\npath = '/{{rest...}}'\nttl = '{ttl}'\n");
    let world = World::builder()
        .regions(&["us-west"])
        .external_origin(origin.url())
        .routes(&routes("1s"));
    let world = world.start().await.unwrap();
    let proxy = world.region("us-west").proxy();
    ask(&world, &proxy, "/").await;
    ring_has(&proxy, 1).await;
    tokio::time::sleep(Duration::from_millis(1200)).await;
    proxy.write_config(&routes("60s")).unwrap();
    proxy.stop().await.unwrap();
    proxy.restart().await.unwrap();
    let (status, body) = ask(&world, &proxy, "/").await;
    assert!(
        status.contains("hit; ttl=58; detail=l2") || status.contains("hit; ttl=57"),
        "{status}"
    );
    assert_eq!(body, "0", "raising a TTL revives what was stale");
    proxy.write_config(&routes("1s")).unwrap();
    proxy.stop().await.unwrap();
    proxy.restart().await.unwrap();
    let (status, body) = ask(&world, &proxy, "/").await;
    assert_eq!(
        (status.as_str(), body.as_str()),
        ("Proxima-us-west; fwd=stale; stored", "1")
    );
}

#[tokio::test]
async fn without_l1_the_ring_alone_answers() {
    let world = World::builder()
        .regions(&["us-west"])
        .config("cache.l1.capacity = '0'")
        .start()
        .await
        .unwrap();
    let proxy = world.region("us-west").proxy();
    ask(&world, &proxy, "/jobs/1").await;
    ring_has(&proxy, 1).await;
    for _ in 0..3 {
        let (status, _) = ask(&world, &proxy, "/jobs/1").await;
        assert!(status.ends_with("detail=l2"), "{status}");
    }
}

#[tokio::test]
async fn bodies_beyond_the_limit_stream_through_and_are_not_stored() {
    let big = "x".repeat(3 << 20);
    let length = big.len();
    let origin = Scripted::start(move |_| answer("200 OK", &[("cache-control", "max-age=60")], &big)).await;
    let world = World::builder()
        .regions(&["us-west"])
        .external_origin(origin.url());
    let world = world
        .routes(crate::OBEY)
        .config("cache.max_body = '2 MiB'")
        .start()
        .await
        .unwrap();
    let proxy = world.region("us-west").proxy();
    for _ in 0..2 {
        let (status, body) = ask(&world, &proxy, "/big").await;
        assert_eq!(status, "Proxima-us-west; fwd=uri-miss");
        assert_eq!(body.len(), length);
    }
}

#[tokio::test]
async fn bodies_that_the_ring_refuses_stay_in_l1() {
    let big = "x".repeat(3 << 20);
    let origin = Scripted::start(move |_| answer("200 OK", &[("cache-control", "max-age=60")], &big)).await;
    let world = World::builder()
        .regions(&["us-west"])
        .external_origin(origin.url())
        .config("[cache.ring]\nlarge = \"l1\"")
        .proxies_per_region(2);
    let world = world.routes(crate::OBEY).start().await.unwrap();
    let proxies = world.region("us-west").proxies();
    ask(&world, &proxies[0], "/big").await;
    assert!(ask(&world, &proxies[0], "/big").await.0.ends_with("detail=l1"));
    assert_eq!(
        ask(&world, &proxies[1], "/big").await.0,
        "Proxima-us-west; fwd=uri-miss; stored"
    );
}

#[tokio::test]
async fn answers_for_one_client_alone_are_waited_for_once() {
    let (go, released) = tokio::sync::watch::channel(true);
    let origin =
        Scripted::start(move |_| answer("200 OK", &[("cache-control", "no-store")], "yours").when(&released))
            .await;
    let world = World::builder()
        .regions(&["us-west"])
        .external_origin(origin.url())
        .proxies_per_region(2);
    let world = world.routes(crate::OBEY).start().await.unwrap();
    let proxies = world.region("us-west").proxies();
    for proxy in &proxies {
        ask(&world, proxy, "/own").await;
    }
    go.send(false).unwrap();
    let reads = futures_util::future::join_all((0..20).map(|n| ask(&world, &proxies[n % 2], "/own")));
    let all_ask = async {
        while origin.asked_for("/own").len() < 22 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        go.send(true).unwrap();
    };
    let together = async { tokio::join!(reads, all_ask).0 };
    let answers = tokio::time::timeout(Duration::from_secs(10), together).await;
    let answers = answers.expect("each read asks for itself, and waits for no other");
    assert!(answers.iter().all(|(_, body)| body == "yours"));
}
