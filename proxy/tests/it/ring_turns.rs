//! Whose turn it is to fill a key, where a fill takes longer than others wait.

use std::time::{Duration, Instant};

use proxima_local::{Proxy, Scripted, World, answer, raw};
use tokio::sync::watch;

use crate::OBEY;

async fn world(proxies: usize, origin: &Scripted, config: &str) -> World {
    let world = World::builder()
        .regions(&["us-west"])
        .proxies_per_region(proxies)
        .memcached_per_region(1)
        .external_origin(origin.url())
        .routes(OBEY)
        .config("cache.l1.capacity = '0'\ncache.ring.lookup_timeout = '1s'\ncache.ring.lease = '1h'\n")
        .config(config);
    world.start().await.unwrap()
}

/// How often a proxy's wish for a lease came to this.
async fn leases(proxy: &Proxy, result: &str) -> u32 {
    let text = reqwest::get(format!("{}/metrics", proxy.admin_url()))
        .await
        .unwrap();
    let text = text.text().await.unwrap();
    let begins = format!("proxima_ring_leases_total{{region=\"us-west\",result=\"{result}\"");
    let other = format!("proxima_ring_leases_total{{result=\"{result}\"");
    let line = text
        .lines()
        .find(|line| line.starts_with(&begins) || line.starts_with(&other));
    line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < Duration::from_secs(10), "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn get(world: &World, proxy: &Proxy) -> tokio::task::JoinHandle<reqwest::Response> {
    let request = world.client().get(format!("{}/a", proxy.https_url()));
    tokio::spawn(async move { request.send().await.unwrap() })
}

#[tokio::test]
async fn a_lease_is_taken_from_who_had_it_all_the_while_and_not_from_who_has_just_taken_it() {
    let (go, released) = watch::channel(false);
    let origin =
        Scripted::start(move |_| answer("200 OK", &[("cache-control", "max-age=60")], "a").when(&released))
            .await;
    let world = world(3, &origin, "cache.ring.lease_wait = '1s'").await;
    let proxies = world.region("us-west").proxies();
    let first = get(&world, &proxies[0]);
    eventually("the first fetches", async || origin.asked() == 1).await;
    let second = get(&world, &proxies[1]);
    // comes while the second waits, and still waits when that takes over
    tokio::time::sleep(Duration::from_millis(500)).await;
    let third = get(&world, &proxies[2]);
    eventually("the others wait no longer", async || origin.asked() == 3).await;
    assert_eq!(leases(&proxies[1], "replaced").await, 1);
    assert_eq!(
        (
            leases(&proxies[2], "replaced").await,
            leases(&proxies[2], "given-up").await
        ),
        (0, 1)
    );
    go.send(true).unwrap();
    for answered in [first, second, third] {
        assert_eq!(answered.await.unwrap().text().await.unwrap(), "a");
    }
    crate::tiers::ring_has(&proxies[1], 1).await;
}

#[tokio::test]
async fn nobody_waits_for_an_answer_that_proves_too_large_to_be_stored() {
    let origin = Scripted::start(|_| {
        let head = "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ntransfer-encoding: chunked\r\n\r\n";
        let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
        // its end is long in coming
        raw(format!("{head}{chunk}{chunk}{chunk}{chunk}{chunk}")).then(Duration::from_secs(3600), "0\r\n\r\n")
    })
    .await;
    let world = world(
        2,
        &origin,
        "cache.max_body = '64 KiB'\ncache.ring.lease_wait = '1h'",
    )
    .await;
    let proxies = world.region("us-west").proxies();
    for proxy in &proxies {
        let mut answer = tokio::time::timeout(Duration::from_secs(10), get(&world, proxy))
            .await
            .expect("the lease is free")
            .unwrap();
        let mut bytes = 0;
        while bytes < 5 * 0x4000 {
            bytes += answer.chunk().await.unwrap().unwrap().len();
        }
    }
    assert_eq!(origin.asked(), 2);
}
