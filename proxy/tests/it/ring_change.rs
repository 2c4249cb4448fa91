//! The ring's nodes change, and nobody notices.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::future::join;
use proxima_local::{Memcached, Proxy, Signal, World};
use serde_json::json;

use crate::load::{Client, Load, version_in};
use crate::ring_faults::{PHASE, RING_ONLY, failed_lookups};
use crate::ring_node::{self, metrics, nodes_in};
use crate::shelf::{Shelf, origin};

/// Has the proxies use these nodes, and waits until they do.
async fn change(proxies: &[Arc<Proxy>], nodes: &[Memcached]) {
    let addresses: Vec<_> = nodes.iter().map(Memcached::address).collect();
    for proxy in proxies {
        let nodes = json!(addresses);
        proxy
            .write_config(&format!("cache.ring.nodes = {nodes}"))
            .unwrap();
        proxy.signal(Signal::SIGHUP).unwrap();
    }
    nodes_in(proxies, nodes.len()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_come_and_go_without_a_failed_read_or_a_fetch() {
    let shelf = Shelf::new(300, 100);
    let origin = origin(&shelf).await;
    let world = World::builder()
        .regions(&["us-west"])
        .proxies_per_region(2)
        .memcached_per_region(3)
        .external_origin(origin.url())
        .routes(crate::OBEY)
        .config(RING_ONLY);
    let world = world.start().await.unwrap();
    let (proxies, nodes) = (world.region("us-west").proxies(), world.region("us-west").ring());
    change(&proxies, &nodes[..2]).await;
    let load = Load::start(&proxies, &shelf.keys);
    tokio::time::sleep(PHASE).await;
    let (_, sum) = shelf.counts();
    assert!(sum >= 300, "{sum} of 300 keys were read");
    let mut late = failed_lookups(&proxies).await;
    let (mut warmed, mut moved) = (0, HashSet::new());
    // as one comes; as it goes and what only it holds by then has to be saved from it
    for (in_use, lost) in [(nodes, false), (&nodes[..2], true)] {
        if lost {
            moved = forget(&nodes[..2], &nodes[2]).await;
        }
        change(&proxies, in_use).await;
        tokio::time::sleep(PHASE).await;
        let (_, sum) = shelf.counts();
        let late_now = failed_lookups(&proxies).await;
        assert!(
            sum <= late_now - late,
            "{sum} fetches of what was there, with {} nodes",
            in_use.len()
        );
        late = late_now;
        let warmed_now = metrics(&proxies, "proxima_ring_warmed_total").await;
        assert!(warmed_now > warmed, "{warmed_now} entries were moved");
        warmed = warmed_now;
    }
    load.finish().await;
    for key in &moved {
        let at = join(ring_node::ttl_s(&nodes[0], key), ring_node::ttl_s(&nodes[1], key)).await;
        assert_ne!(at, (None, None), "{key} has not come back to where it was");
    }
}

/// Takes what one node holds away from the others, which had it before.
async fn forget(others: &[Memcached], node: &Memcached) -> HashSet<String> {
    let keys = ring_node::keys(node).await;
    assert!(keys.len() > 30, "{} keys have moved", keys.len());
    for other in others {
        for key in &keys {
            ring_node::delete(other, key).await;
        }
    }
    keys
}

#[tokio::test]
async fn what_changed_while_a_node_was_there_is_not_found_old_when_it_has_gone() {
    const KEYS: usize = 60;
    let shelf = Shelf::new(KEYS, 100);
    let origin = origin(&shelf).await;
    let world = World::builder()
        .regions(&["us-west"])
        .proxies_per_region(2)
        .memcached_per_region(3)
        .external_origin(origin.url())
        .routes(crate::OBEY)
        .config(RING_ONLY);
    let world = world.start().await.unwrap();
    let (proxies, nodes) = (world.region("us-west").proxies(), world.region("us-west").ring());
    let read_all = async |proxy: &Proxy, version: u64| {
        let mut client = Client::connect(proxy.http_address()).await;
        for number in 1..=KEYS {
            assert_eq!(client.get(&shelf.keys.path(number)).await.unwrap(), 200);
            assert_eq!(version_in(client.body()), version, "{number} of {}", proxy.name());
        }
    };
    change(&proxies, &nodes[..2]).await;
    read_all(&proxies[0], 0).await;
    change(&proxies, nodes).await;
    read_all(&proxies[1], 0).await;
    for number in 1..=KEYS {
        let url = format!("{}{}", proxies[0].https_url(), shelf.keys.path(number));
        assert_eq!(
            world.client().put(url).body("new").send().await.unwrap().status(),
            200
        );
    }
    // the other proxy has no feed: it hears of a change only by what the ring no longer holds
    change(&proxies, &nodes[..2]).await;
    read_all(&proxies[1], 1).await;
    read_all(&proxies[0], 1).await;
}
