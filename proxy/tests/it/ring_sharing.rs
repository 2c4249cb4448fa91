//! What the proxies of a region do for each other through their ring: one fetch serves them all.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use proxima_local::{Asked, Proxy, Scripted, World, WorldBuilder, answer};
use tokio::sync::watch;

use crate::load::Client;
use crate::ring_node::{metric, until};
use crate::tiers::ring_has;

/// Long enough for a thousand requests to be on their way before the first answer is.
const WHILE_ALL_ASK: Duration = Duration::from_millis(800);

fn region() -> WorldBuilder {
    World::builder()
        .regions(&["us-west"])
        .proxies_per_region(2)
        .routes(crate::OBEY)
}

/// An origin whose answers live for so many seconds and say how many requests came for their path before.
async fn counting(max_age_s: u32) -> Scripted {
    let asked = Arc::new(AtomicU64::new(0));
    Scripted::start(move |_| {
        let number = asked.fetch_add(1, Ordering::SeqCst);
        let lifetime = format!("max-age={max_age_s}");
        answer(
            "200 OK",
            &[("cache-control", &lifetime)],
            &format!("Version {number}"),
        )
    })
    .await
}

/// Has all clients ask at once; how long each waited. All are answered with 200.
async fn ask_all(clients: &mut [Client], path: &str) -> Vec<Duration> {
    let reads = clients.iter_mut().map(|client| async {
        let sent = Instant::now();
        assert_eq!(client.get(path).await.unwrap(), 200, "{path}");
        sent.elapsed()
    });
    join_all(reads).await
}

async fn clients(proxy: &Proxy, count: usize) -> Vec<Client> {
    join_all((0..count).map(|_| Client::connect(proxy.http_address()))).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_requests_to_two_proxies_are_one_at_the_origin() {
    let say = |asked: &Asked| {
        let say = match asked.target() {
            "/validated" if asked.field("if-none-match") == "\"v\"" => {
                answer("304 Not Modified", &[("cache-control", "max-age=60")], "")
            }
            "/validated" => {
                return answer(
                    "200 OK",
                    &[("cache-control", "max-age=1"), ("etag", "\"v\"")],
                    "v",
                );
            }
            "/varies" => answer(
                "200 OK",
                &[("cache-control", "max-age=60"), ("vary", "accept")],
                "x",
            ),
            _ => answer("200 OK", &[("cache-control", "max-age=60")], "x"),
        };
        say.after(WHILE_ALL_ASK)
    };
    let origin = Scripted::start(say).await;
    let world = region().external_origin(origin.url()).start().await.unwrap();
    let proxies = world.region("us-west").proxies();
    let (here, there) = join(clients(&proxies[0], 500), clients(&proxies[1], 500)).await;
    let mut clients: Vec<_> = here.into_iter().chain(there).collect();
    ask_all(&mut clients[..1], "/validated").await;
    let stored = Instant::now();
    ask_all(&mut clients, "/cold").await;
    assert_eq!(origin.asked_for("/cold").len(), 1);
    ask_all(&mut clients, "/varies").await;
    assert_eq!(origin.asked_for("/varies").len(), 1);
    tokio::time::sleep_until((stored + Duration::from_millis(2100)).into()).await;
    ask_all(&mut clients, "/validated").await;
    let asked = origin.asked_for("/validated");
    assert_eq!(asked.len(), 2, "one to fill, one to validate");
    assert_eq!(asked[1].field("if-none-match"), "\"v\"");
}

#[tokio::test]
async fn a_proxy_that_crashes_in_a_fill_is_replaced_and_what_its_heir_fetches_is_shared() {
    let (_hold, held) = watch::channel(false);
    let origin = Scripted::start(move |asked| {
        let say = answer("200 OK", &[("cache-control", "max-age=60")], "x");
        if asked.number == 0 { say.when(&held) } else { say }
    })
    .await;
    let world = region().external_origin(origin.url());
    let world = world
        .config("cache.ring.lease_wait = '500ms'")
        .start()
        .await
        .unwrap();
    let proxies = world.region("us-west").proxies();
    let mut doomed = Client::connect(proxies[0].http_address()).await;
    doomed.send("/k").await.unwrap();
    until("the first fill is at the origin", async || origin.asked() == 1).await;
    proxies[0].kill().await.unwrap();
    let waited = ask_all(&mut clients(&proxies[1], 20).await, "/k").await;
    assert_eq!(origin.asked(), 2);
    let longest = waited.iter().max().unwrap();
    assert!(*longest < Duration::from_secs(2), "{longest:?}");
    assert!(
        *longest >= Duration::from_millis(400),
        "nobody waited for the one that crashed: {longest:?}"
    );
    ring_has(&proxies[1], 1).await;
    proxies[0].restart().await.unwrap();
    let mut again = Client::connect(proxies[0].http_address()).await;
    assert_eq!(again.get("/k").await.unwrap(), 200);
    assert!(
        again.cache_status().ends_with("detail=l2"),
        "{}",
        again.cache_status()
    );
    assert_eq!(origin.asked(), 2);
}

#[tokio::test]
async fn nobody_waits_for_a_slow_proxy_longer_than_agreed() {
    const SLOW: Duration = Duration::from_millis(1500);
    let origin = Scripted::start(|asked| {
        let say = answer("200 OK", &[("cache-control", "max-age=60")], "x");
        if asked.number == 0 { say.after(SLOW) } else { say }
    })
    .await;
    let world = region().external_origin(origin.url());
    let world = world
        .config("cache.ring.lease_wait = '300ms'")
        .start()
        .await
        .unwrap();
    let proxies = world.region("us-west").proxies();
    let (mut slow, mut quick) = join(clients(&proxies[0], 20), clients(&proxies[1], 20)).await;
    let first = tokio::spawn(async move { ask_all(&mut slow, "/k").await });
    until("the first fill is at the origin", async || origin.asked() == 1).await;
    let waited = ask_all(&mut quick, "/k").await;
    let longest = waited.iter().max().unwrap();
    assert!(
        *longest < Duration::from_millis(1200),
        "{longest:?}: as slow as the first"
    );
    assert_eq!(origin.asked(), 2);
    let waited = first.await.unwrap();
    let longest = waited.iter().max().unwrap();
    assert!(*longest < SLOW + Duration::from_secs(1), "{longest:?}");
    assert_eq!(origin.asked(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_read_all_the_time_is_refreshed_before_its_end_by_one_proxy() {
    let origin = counting(2).await;
    let world = region().external_origin(origin.url());
    let world = world
        .config("cache.refresh_ahead_percent = 50")
        .start()
        .await
        .unwrap();
    let proxies = world.region("us-west").proxies();
    let started = Instant::now();
    let readers = proxies.iter().map(|proxy| {
        let address = proxy.http_address();
        tokio::spawn(async move {
            let mut client = Client::connect(address).await;
            client.get("/k").await.unwrap();
            let mut waited = Vec::new();
            while started.elapsed() < Duration::from_secs(6) {
                assert_eq!(client.get("/k").await.unwrap(), 200);
                let status = client.cache_status();
                if !status.contains("; hit;") {
                    waited.push(format!("{:?}: {status}", started.elapsed()));
                }
                tokio::time::sleep(Duration::from_millis(4)).await;
            }
            waited
        })
    });
    for reader in join_all(readers).await {
        assert_eq!(
            reader.unwrap(),
            Vec::<String>::new(),
            "reads that waited for the origin"
        );
    }
    // after half of each life of two seconds
    let fetches = origin.asked();
    assert!((3..=7).contains(&fetches), "{fetches} fetches in 6 s");
}

#[tokio::test]
async fn a_hot_key_stays_in_memory_and_its_node_is_spared() {
    let origin = counting(60).await;
    let world = region().external_origin(origin.url());
    let world = world.proxies_per_region(1).memcached_per_region(1);
    let world = world
        .config("[cache.l1]\ncapacity = '0'\nhot_key_rate = 50")
        .start();
    let world = world.await.unwrap();
    let (proxy, node) = (
        world.region("us-west").proxy(),
        &world.region("us-west").ring()[0],
    );
    let mut client = Client::connect(proxy.http_address()).await;
    client.get("/k").await.unwrap();
    ring_has(&proxy, 1).await;
    for _ in 0..500 {
        assert_eq!(client.get("/k").await.unwrap(), 200);
    }
    assert!(
        client.cache_status().ends_with("detail=l1"),
        "{}",
        client.cache_status()
    );
    let gets = crate::ring_node::stat(node, "cmd_get").await;
    assert!(gets < 150, "{gets} reads of the node");
    let written = world
        .client()
        .put(format!("{}/k", proxy.https_url()))
        .body("x")
        .send();
    assert_eq!(written.await.unwrap().text().await.unwrap(), "Version 1");
    client.get("/k").await.unwrap();
    assert_eq!(client.body(), b"Version 2", "asked for after the write");
}

/// What a proxy answers once its only node is dead and what it holds is stale: status, body, and status of what is fresh.
async fn without_its_ring(on_ring_failure: &str) -> (u16, String, u16) {
    let origin = Scripted::start(|asked| {
        let lifetime = if asked.target() == "/short" {
            "max-age=1"
        } else {
            "max-age=60"
        };
        answer(
            "200 OK",
            &[("cache-control", lifetime)],
            &format!("{}", asked.number),
        )
    })
    .await;
    let config = format!(
        "cache.on_ring_failure = '{on_ring_failure}'\ncache.ring.fail_after = 1\n[[route]]\nname = 'all'\nstale_if_unreachable = '1h'"
    );
    let world = region().external_origin(origin.url()).config(&config);
    let world = world
        .proxies_per_region(1)
        .memcached_per_region(1)
        .start()
        .await
        .unwrap();
    let (proxy, node) = (
        world.region("us-west").proxy(),
        &world.region("us-west").ring()[0],
    );
    let mut client = Client::connect(proxy.http_address()).await;
    for path in ["/short", "/long"] {
        assert_eq!(client.get(path).await.unwrap(), 200);
    }
    ring_has(&proxy, 2).await;
    node.kill().await.unwrap();
    tokio::time::sleep(Duration::from_millis(2100)).await; // ages are whole seconds
    let mut number = 0;
    until("the proxy knows", async || {
        number += 1;
        client.get(&format!("/unknown/{number}")).await.unwrap();
        metric(&proxy, "proxima_ring_node_in{").await == 0
    })
    .await;
    let status = client.get("/short").await.unwrap();
    let body = String::from_utf8_lossy(client.body()).into_owned();
    (status, body, client.get("/long").await.unwrap())
}

#[tokio::test]
async fn without_a_ring_reads_go_to_the_origin_or_are_answered_stale_or_refused() {
    let (origin, (stale, reject)) = join(
        without_its_ring("origin"),
        join(without_its_ring("stale"), without_its_ring("reject")),
    )
    .await;
    assert_eq!((origin.0, origin.2), (200, 200));
    assert_ne!(origin.1, "0", "what was stored first");
    assert_eq!(stale, (200, "0".to_owned(), 200));
    assert_eq!(
        (reject.0, reject.2),
        (503, 200),
        "what is fresh in memory needs no ring"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scan_washes_nothing_hot_out_of_memory() {
    let filling = "x".repeat(2000);
    let origin =
        Scripted::start(move |_| answer("200 OK", &[("cache-control", "max-age=600")], &filling)).await;
    let world = region()
        .external_origin(origin.url())
        .config("cache.l1.capacity = '1 MiB'");
    let world = world
        .proxies_per_region(1)
        .memcached_per_region(0)
        .start()
        .await
        .unwrap();
    let address = world.region("us-west").proxy().http_address();
    let mut client = Client::connect(address).await;
    for _ in 0..10 {
        for hot in 0..100 {
            client.get(&format!("/hot/{hot}")).await.unwrap();
        }
    }
    let scans = (0..5).map(|part| {
        tokio::spawn(async move {
            let mut client = Client::connect(address).await;
            for once in 0..1000 {
                client.get(&format!("/once/{part}/{once}")).await.unwrap();
                if once % 2 == 0 {
                    client
                        .get(&format!("/hot/{}", (part * 20 + once / 2) % 100))
                        .await
                        .unwrap();
                }
            }
        })
    });
    for scan in join_all(scans).await {
        scan.unwrap();
    }
    let mut kept = 0;
    for hot in 0..100 {
        client.get(&format!("/hot/{hot}")).await.unwrap();
        kept += usize::from(client.cache_status().ends_with("detail=l1"));
    }
    assert!(kept >= 90, "{kept} of 100 hot keys are left");
}
