//! The region's ring under load while its nodes fail: no read fails, none waits for a node for long, and nothing old comes back.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use proxima_local::{Memcached, Proxy, World, WorldBuilder};
use serde_json::json;

use crate::load::{Client, Keys, Load, version_in};
use crate::ring_node::{self, metric, metrics, nodes_in, until};
use crate::shelf::{ORIGIN_TIME, Shelf, origin};
use crate::tiers::ring_has;

/// Copies that stand in for a node that is out live no longer.
const GUTTER_TTL_S: i64 = 10;
/// A phase of a test in which nothing happens but reads: each key is read several times by each proxy.
pub(crate) const PHASE: Duration = Duration::from_millis(1200);
/// Every read goes to the ring.
pub(crate) const RING_ONLY: &str =
    "[cache.l1]\ncapacity = '0'\nhot_key_rate = 0\n[cache.ring]\nprobe_interval = '250ms'\n";
/// As an operator would have it, and not as generous as tests on a busy machine usually are.
const PROMPT: &str = "[cache.ring]\nlookup_timeout = '25ms'\nconnect_timeout = '250ms'\n";

/// One region with two proxies and three nodes.
fn region() -> WorldBuilder {
    World::builder()
        .regions(&["us-west"])
        .proxies_per_region(2)
        .memcached_per_region(3)
        .config(RING_ONLY)
}

pub(crate) async fn failed_lookups(proxies: &[Arc<Proxy>]) -> usize {
    let got = metrics(
        proxies,
        r#"proxima_ring_operations_total{operation="get",result="error""#,
    )
    .await;
    let leases = metrics(proxies, r#"proxima_ring_leases_total{result="error""#).await;
    got + leases
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_node_costs_a_fetch_of_each_of_its_keys_and_is_given_them_back() {
    let shelf = Shelf::new(300, 100);
    let origin = origin(&shelf).await;
    let world = region()
        .external_origin(origin.url())
        .routes(crate::OBEY)
        .config("feed.kind = 'origin'");
    let world = world.start().await.unwrap();
    let (proxies, nodes) = (world.region("us-west").proxies(), world.region("us-west").ring());
    let load = Load::start(&proxies, &shelf.keys);

    tokio::time::sleep(PHASE).await;
    let late = failed_lookups(&proxies).await;
    let (most, sum) = shelf.counts();
    assert!(sum >= 300, "{sum} of 300 keys were read");
    assert!(
        most <= 1 + late,
        "a key was fetched {most} times while all was well"
    );
    let lost = ring_node::keys(&nodes[0]).await;

    nodes[0].kill().await.unwrap();
    tokio::time::sleep(PHASE).await;
    let (most, sum) = shelf.counts();
    let late = failed_lookups(&proxies).await - late;
    // once by a proxy that finds the node gone, and once for the node that stands in
    assert!(most <= 2, "a key was fetched {most} times while a node was out");
    assert!(
        sum <= lost.len() + late,
        "{sum} fetches for {} keys and {late} failures",
        lost.len()
    );
    assert!(metrics(&proxies, "proxima_ring_stand_ins_total").await > 100);
    assert_short_lived_copies(&nodes[1..], &lost).await;

    nodes[0].restart().await.unwrap();
    nodes_in(&proxies, 3).await;
    tokio::time::sleep(PHASE).await;
    let late = failed_lookups(&proxies).await - late;
    let (_, sum) = shelf.counts();
    assert!(
        sum <= late,
        "{sum} fetches of what the other nodes had, {late} failures"
    );
    let warmed = metrics(&proxies, "proxima_ring_warmed_total").await;
    let again = ring_node::keys(&nodes[0]).await;
    assert!(warmed >= again.len(), "{warmed}");
    assert!(
        again.len() * 10 >= lost.len() * 9,
        "{} of {} keys are back",
        again.len(),
        lost.len()
    );
    load.finish().await;
}

/// What these nodes hold of the keys of one that is out does not live long.
async fn assert_short_lived_copies(nodes: &[Memcached], lost: &HashSet<String>) {
    let mut copies = 0;
    for (node, key) in nodes
        .iter()
        .flat_map(|node| lost.iter().map(move |key| (node, key)))
    {
        let Some(left_s) = ring_node::ttl_s(node, key).await else {
            continue;
        };
        assert!((1..=GUTTER_TTL_S).contains(&left_s), "{key} has {left_s} s left");
        copies += 1;
    }
    assert!(
        copies * 10 >= lost.len() * 9,
        "{copies} copies of {} keys",
        lost.len()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ring_that_is_restarted_whole_fails_no_read_and_is_filled_once() {
    let shelf = Shelf::new(300, 100);
    let origin = origin(&shelf).await;
    let world = region().external_origin(origin.url()).routes(crate::OBEY);
    let world = world.start().await.unwrap();
    let (proxies, nodes) = (world.region("us-west").proxies(), world.region("us-west").ring());
    let load = Load::start(&proxies, &shelf.keys);
    tokio::time::sleep(PHASE).await;
    for node in nodes {
        node.kill().await.unwrap();
    }
    tokio::time::sleep(PHASE / 4).await;
    for node in nodes {
        node.restart().await.unwrap();
    }
    nodes_in(&proxies, 3).await;
    tokio::time::sleep(PHASE).await;
    // what was fetched while no node, or not every node, was in use by both proxies is of that time
    shelf.counts();
    let late = failed_lookups(&proxies).await;
    tokio::time::sleep(PHASE).await;
    let late = failed_lookups(&proxies).await - late;
    let (_, sum) = shelf.counts();
    assert!(sum <= late, "{sum} fetches with a full ring, {late} failures");
    load.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_evict_cost_one_fetch_at_a_time_of_what_they_lost() {
    let mut shelf = Shelf::new(400, 10_000);
    let keys = Arc::get_mut(&mut Arc::get_mut(&mut shelf).unwrap().keys).unwrap();
    keys.draws = 3;
    let origin = origin(&shelf).await;
    let world = region()
        .external_origin(origin.url())
        .routes(crate::OBEY)
        .memcached_args(&["-m", "2"]);
    let world = world.start().await.unwrap();
    let (proxies, nodes) = (world.region("us-west").proxies(), world.region("us-west").ring());
    let load = Load::start(&proxies, &shelf.keys);
    tokio::time::sleep(PHASE * 3).await;
    load.finish().await;
    let mut evicted = 0;
    for node in nodes {
        evicted += ring_node::stat(node, "evictions").await;
    }
    assert!(evicted > 100, "only {evicted} were evicted");
    let late = failed_lookups(&proxies).await;
    let fetches = shelf.fetches();
    let overlapping = fetches.iter().flat_map(|fetches| {
        let pairs = fetches.windows(2).map(|pair| pair[1] - pair[0]);
        pairs.filter(|apart| *apart < ORIGIN_TIME).collect::<Vec<_>>()
    });
    let overlapping = overlapping.count();
    assert!(
        overlapping <= late,
        "{overlapping} fetches overlap another, {late} failures"
    );
}

/// How long a node stands still.
const FROZEN: Duration = Duration::from_secs(10);
/// What 99 of 100 reads may take beside a look-up's deadline and the origin's time: four turns of other processes on a busy core.
const SLACK: Duration = Duration::from_millis(50);
const LOOKUP_TIMEOUT: Duration = Duration::from_millis(25);

/// Freezes a node under load, has `write` change what it holds, and sees to it that nobody is shown what was before.
/// `write` returns the version that a key has from then on. `known_within`: when the other proxy has heard of it.
async fn freeze(
    world: &World,
    keys: &Arc<Keys>,
    known_within: Duration,
    write: impl AsyncFn(&Proxy, usize) -> u64,
) {
    let (proxies, nodes) = (world.region("us-west").proxies(), world.region("us-west").ring());
    let load = Load::start(&proxies, keys);
    tokio::time::sleep(PHASE).await;
    let calm = metric(&proxies[0], "proxima_ring_stand_ins_total").await;
    nodes[0].pause().await.unwrap();
    let frozen = Instant::now();
    tokio::time::sleep(FROZEN / 2).await;
    for number in (1..=keys.count()).step_by(7) {
        let version = write(&proxies[number % 2], number).await;
        let keys = Arc::clone(keys);
        tokio::spawn(async move {
            tokio::time::sleep(known_within).await;
            keys.demand(number, version);
        });
    }
    tokio::time::sleep_until((frozen + FROZEN).into()).await;
    let until = Instant::now();
    let stood_in = metric(&proxies[0], "proxima_ring_stand_ins_total").await - calm;
    nodes[0].resume().unwrap();
    nodes_in(&proxies, 3).await;
    tokio::time::sleep(PHASE).await;
    let reads = load.finish().await;
    assert!(stood_in > 1000, "{stood_in}");
    let p99 = reads.p99(frozen, until);
    assert!(p99 < LOOKUP_TIMEOUT + ORIGIN_TIME + SLACK, "{p99:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_node_delays_few_reads_and_brings_nothing_old_back_without_a_feed() {
    let shelf = Shelf::new(150, 100);
    let origin = origin(&shelf).await;
    let world = region()
        .external_origin(origin.url())
        .routes(crate::OBEY)
        .config(PROMPT);
    let world = world.start().await.unwrap();
    let client = world.client();
    // the neighbour may read from a fill that began before the write, but no longer than one takes
    freeze(
        &world,
        &shelf.keys,
        Duration::from_secs(1),
        async |proxy, number| {
            let url = format!("{}{}", proxy.https_url(), shelf.keys.path(number));
            let written = client.put(url).body("new").send().await.unwrap();
            assert_eq!(written.status(), 200);
            1
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_node_delays_few_reads_and_brings_nothing_old_back_with_a_feed() {
    let world = region()
        .config(PROMPT)
        .config("[[route]]\nname = 'profiles'\nttl = '1h'");
    let world = world.start().await.unwrap();
    let (client, writes) = (world.client(), AtomicUsize::new(0));
    let keys = Arc::new(Keys::new("/profiles/", 150));
    // the bound on hearing of a change by the feed
    freeze(&world, &keys, Duration::from_secs(1), async |proxy, number| {
        let version = writes.fetch_add(1, Ordering::SeqCst) + 1;
        let url = format!("{}{}", proxy.https_url(), keys.path(number));
        let name = json!({"name": format!("Version {version}")});
        let written = client.patch(url).json(&name).send().await.unwrap();
        assert_eq!(written.status(), 200);
        version as u64
    })
    .await;
}

#[tokio::test]
async fn who_did_not_notice_that_a_node_stood_still_is_not_shown_what_changed_meanwhile() {
    const KEYS: usize = 30;
    let shelf = Shelf::new(KEYS, 100);
    let origin = origin(&shelf).await;
    let world = region().external_origin(origin.url()).routes(crate::OBEY);
    let world = world.start().await.unwrap();
    let (proxies, nodes) = (world.region("us-west").proxies(), world.region("us-west").ring());
    let (writer, unaware) = (&proxies[0], &proxies[1]);
    let read_all = async |proxy: &Proxy| {
        let mut client = Client::connect(proxy.http_address()).await;
        let mut oldest = u64::MAX;
        for number in 1..=KEYS {
            assert_eq!(client.get(&shelf.keys.path(number)).await.unwrap(), 200);
            oldest = oldest.min(version_in(client.body()));
        }
        oldest
    };
    read_all(unaware).await;
    ring_has(unaware, u32::try_from(KEYS).unwrap()).await;
    nodes[0].pause().await.unwrap();
    until("one proxy knows", async || {
        read_all(writer).await;
        metric(writer, "proxima_ring_node_in{").await < 3
    })
    .await;
    for number in 1..=KEYS {
        let url = format!("{}{}", writer.https_url(), shelf.keys.path(number));
        assert_eq!(
            world.client().put(url).body("new").send().await.unwrap().status(),
            200
        );
    }
    nodes[0].resume().unwrap();
    // the node catches up on what it was told while it stood still; the writer reads later, since that would mend it, too
    until("the neighbour reads what is new", async || {
        read_all(unaware).await == 1
    })
    .await;
    assert_eq!(read_all(writer).await, 1);
}
