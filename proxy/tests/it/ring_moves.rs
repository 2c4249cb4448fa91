//! Keys that move to another node: what the old one has goes along, and what was deleted stays deleted.

use std::time::{Duration, Instant};

use proxima_local::{Proxy, Scripted, World, WorldBuilder, answer};
use serde_json::{Value, json};

use crate::OBEY;
use crate::reads::cache_status;
use crate::ring_placement::Client;
use crate::tiers::ring_has;

/// Pieces of 1 KiB, and no first tier that would answer for the ring.
const RING_ALONE: &str = "cache.l1.capacity = '0'\ncache.ring.max_item = '1 KiB'";

/// A region whose proxies use the first of its nodes.
async fn world(proxies: usize, origin: &Scripted, config: &str) -> World {
    let builder: WorldBuilder = World::builder()
        .regions(&["us-west"])
        .proxies_per_region(0)
        .memcached_per_region(2)
        .external_origin(origin.url())
        .routes(OBEY)
        .config(RING_ALONE)
        .config(config);
    let world = builder.start().await.unwrap();
    for _ in 0..proxies {
        let proxy = world.add_proxy("us-west").await.unwrap();
        use_node(&world, &proxy, 0).await;
    }
    world
}

/// Has a proxy use one node and no other.
async fn use_node(world: &World, proxy: &Proxy, node: usize) {
    let address = world.region("us-west").ring()[node].address();
    let nodes = json!([address]);
    proxy
        .write_config(&format!("cache.ring.nodes = {nodes}"))
        .unwrap();
    let reload = reqwest::Client::new().post(format!("{}/reload", proxy.admin_url()));
    assert_eq!(reload.send().await.unwrap().status(), 200);
    eventually("the node is used", async || {
        let nodes = ring(proxy).await;
        nodes.len() == 1 && nodes[0]["node"] == address
    })
    .await;
}

/// The nodes as a proxy sees them.
async fn ring(proxy: &Proxy) -> Vec<Value> {
    let report = reqwest::get(format!("{}/ring", proxy.admin_url())).await.unwrap();
    let report: Value = report.json().await.unwrap();
    report["nodes"].as_array().unwrap().clone()
}

/// Items that a node holds.
fn items(world: &World, node: usize) -> u64 {
    Client::of_node(&world.region("us-west").ring()[node].address()).items()
}

async fn get(world: &World, proxy: &Proxy, path: &str) -> (String, String) {
    let answer = world.client().get(format!("{}{path}", proxy.https_url())).send();
    let answer = answer.await.unwrap();
    (cache_status(&answer), answer.text().await.unwrap())
}

async fn post(world: &World, proxy: &Proxy, path: &str) {
    let answer = world.client().post(format!("{}{path}", proxy.https_url())).send();
    assert_eq!(answer.await.unwrap().status(), 200);
}

async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < Duration::from_secs(10), "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Answers each GET with another body, `repeated` times the number of requests so far.
async fn counting(repeated: usize) -> Scripted {
    let gets = std::sync::atomic::AtomicUsize::new(0);
    Scripted::start(move |asked| {
        if asked.method() == "POST" {
            return answer("200 OK", &[], "");
        }
        let number = gets.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        answer(
            "200 OK",
            &[("cache-control", "max-age=600")],
            &number.to_string().repeat(repeated),
        )
    })
    .await
}

#[tokio::test]
async fn a_new_node_is_given_what_is_asked_for_whole_or_in_pieces() {
    for size in [1, 5000] {
        let origin = counting(size).await;
        let world = world(1, &origin, "").await;
        let proxy = world.region("us-west").proxy();
        get(&world, &proxy, "/a").await;
        ring_has(&proxy, 1).await;
        let stored = items(&world, 0);
        use_node(&world, &proxy, 1).await;
        let (status, body) = get(&world, &proxy, "/a").await;
        assert!(status.ends_with("detail=l2"), "{status}");
        assert_eq!(body, "1".repeat(size));
        eventually("all of it is copied", async || items(&world, 1) == stored).await;
        world.region("us-west").ring()[0].kill().await.unwrap();
        let (status, body) = get(&world, &proxy, "/a").await;
        assert!(status.ends_with("detail=l2"), "{status}");
        assert_eq!((body, origin.asked()), ("1".repeat(size), 1));
    }
}

#[tokio::test]
async fn a_write_deletes_where_a_key_was_too() {
    let origin = counting(1).await;
    let world = world(2, &origin, "").await;
    let proxies = world.region("us-west").proxies();
    get(&world, &proxies[0], "/a").await;
    ring_has(&proxies[0], 1).await;
    for proxy in &proxies {
        use_node(&world, proxy, 1).await;
    }
    post(&world, &proxies[0], "/a").await;
    eventually("the old node has it no more", async || items(&world, 0) == 0).await;
    let (status, body) = get(&world, &proxies[1], "/a").await;
    assert_eq!((status.contains("fwd="), body.as_str()), (true, "2"), "{status}");
}

#[tokio::test]
async fn what_the_old_node_may_have_missed_does_not_move() {
    let origin = counting(1).await;
    let world = world(2, &origin, "cache.ring.probe_interval = '20ms'").await;
    let proxies = world.region("us-west").proxies();
    let old = &world.region("us-west").ring()[0];
    get(&world, &proxies[0], "/a").await;
    ring_has(&proxies[0], 1).await;
    old.pause().await.unwrap();
    for proxy in &proxies {
        eventually("the node is out", async || {
            get(&world, proxy, "/away").await;
            ring(proxy).await[0]["state"] == "out"
        })
        .await;
    }
    post(&world, &proxies[1], "/a").await;
    old.resume().unwrap();
    eventually("the node is back", async || {
        ring(&proxies[0]).await[0]["state"] == "in"
    })
    .await;
    use_node(&world, &proxies[0], 1).await;
    let (status, body) = get(&world, &proxies[0], "/a").await;
    assert!(status.contains("fwd=") && body != "1", "{status}: {body}");
}

#[tokio::test]
async fn a_node_whose_name_does_not_resolve_leaves_its_keys_to_the_others() {
    let origin = counting(1).await;
    let world = world(1, &origin, "cache.ring.gutter_ttl = '1h'\n").await;
    let proxy = world.region("us-west").proxy();
    let nodes = json!([
        world.region("us-west").ring()[0].address(),
        "nowhere.invalid:11211"
    ]);
    proxy
        .write_config(&format!("cache.ring.nodes = {nodes}"))
        .unwrap();
    proxy.stop().await.unwrap();
    proxy.restart().await.unwrap();
    eventually("the ring is used", async || {
        let ring = ring(&proxy).await;
        ring.len() == 2 && ring[1]["state"] == "out"
    })
    .await;
    let paths: Vec<_> = (0..8).map(|n| format!("/{n}")).collect();
    for path in &paths {
        get(&world, &proxy, path).await;
    }
    ring_has(&proxy, 8).await;
    for path in &paths {
        let (status, _) = get(&world, &proxy, path).await;
        assert!(status.ends_with("detail=l2"), "{path}: {status}");
    }
}
