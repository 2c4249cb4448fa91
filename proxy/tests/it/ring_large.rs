//! Bodies that do not go into the ring as they are.

use proxima_local::{Say, Scripted, World, answer};

use crate::load::Client;
use crate::ring_node::{self, metric};
use crate::tiers::ring_has;

/// A text of so many bytes that repeats itself nowhere.
fn text(bytes: usize) -> String {
    let mut text: String = (0_u32..)
        .take(bytes / 8)
        .map(|n| format!("{:08x}", n.wrapping_mul(2_654_435_761)))
        .collect();
    text.truncate(bytes);
    text
}

async fn large(bytes: usize) -> Scripted {
    let say: Say = answer("200 OK", &[("cache-control", "max-age=600")], &text(bytes));
    Scripted::start(move |_| say.clone()).await
}

#[tokio::test]
async fn a_large_body_goes_in_pieces_and_a_lost_piece_is_a_miss_that_heals() {
    const BYTES: usize = 5 << 20;
    let origin = large(BYTES).await;
    let world = World::builder()
        .regions(&["us-west"])
        .proxies_per_region(2)
        .routes(crate::OBEY)
        .external_origin(origin.url())
        .config("cache.l1.capacity = '0'");
    let world = world.start().await.unwrap();
    let (proxies, nodes) = (world.region("us-west").proxies(), world.region("us-west").ring());
    let mut clients = [
        Client::connect(proxies[0].http_address()).await,
        Client::connect(proxies[1].http_address()).await,
    ];
    clients[0].get("/large").await.unwrap();
    ring_has(&proxies[0], 1).await;
    assert_whole_from_ring(&mut clients[1]).await;
    let mut lost = false;
    for node in nodes {
        for key in ring_node::keys(node).await {
            if !lost && key.ends_with(".2") {
                lost = ring_node::delete(node, &key).await;
            }
        }
    }
    assert!(lost, "the third piece is on no node");
    clients[1].get("/large").await.unwrap();
    assert!(
        clients[1].cache_status().contains("fwd=uri-miss"),
        "{}",
        clients[1].cache_status()
    );
    assert_eq!((clients[1].body().len(), origin.asked()), (BYTES, 2));
    ring_has(&proxies[1], 1).await;
    assert_whole_from_ring(&mut clients[0]).await;
    assert_eq!(origin.asked(), 2);
}

async fn assert_whole_from_ring(client: &mut Client) {
    client.get("/large").await.unwrap();
    assert!(
        client.cache_status().ends_with("detail=l2"),
        "{}",
        client.cache_status()
    );
    assert!(client.body() == text(client.body().len()).as_bytes());
}

#[tokio::test]
async fn what_is_compressed_on_its_way_to_the_ring_comes_back_as_it_was() {
    let origin = large(100_000).await;
    let world = World::builder()
        .regions(&["us-west"])
        .proxies_per_region(2)
        .routes(crate::OBEY)
        .external_origin(origin.url());
    let world = world
        .config("cache.ring.compress_from = '1 KiB'")
        .start()
        .await
        .unwrap();
    let proxies = world.region("us-west").proxies();
    let mut client = Client::connect(proxies[0].http_address()).await;
    client.get("/large").await.unwrap();
    ring_has(&proxies[0], 1).await;
    let saved = metric(&proxies[0], "proxima_ring_compression_saved_bytes_total").await;
    assert!(saved > 1000, "{saved} bytes saved");
    assert_whole_from_ring(&mut Client::connect(proxies[1].http_address()).await).await;
}
