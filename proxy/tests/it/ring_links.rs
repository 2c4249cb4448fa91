//! How nodes are reached: Unix sockets and TLS.

use proxima_local::{Memcached, Proxy, Scripted, World, answer};

use crate::OBEY;
use crate::reads::cache_status;
use crate::tiers::ring_has;

/// Larger than an item, and than what a socket takes at once.
const LARGE_BYTES: usize = 5 << 20;

async fn origin() -> Scripted {
    Scripted::start(|asked| {
        let length = if asked.target() == "/large" {
            LARGE_BYTES
        } else {
            100
        };
        let body = format!("{} ", asked.target()).repeat(length);
        answer("200 OK", &[("cache-control", "max-age=60")], &body[..length])
    })
    .await
}

/// Two proxies whose ring is yet to be named.
async fn world(origin: &Scripted) -> World {
    let world = World::builder()
        .regions(&["us-west"])
        .external_origin(origin.url())
        .memcached_per_region(0)
        .proxies_per_region(2);
    world.routes(OBEY).start().await.unwrap()
}

async fn set_ring(proxy: &Proxy, ring: &str) {
    let config = format!("[cache.ring]\nconnect_timeout = '1s'\nlookup_timeout = '1s'\n{ring}");
    proxy.write_config(&config).unwrap();
    proxy.stop().await.unwrap();
    proxy.restart().await.unwrap();
}

/// `Cache-Status` and body.
async fn read(world: &World, proxy: &Proxy, path: &str) -> (String, String) {
    let url = format!("{}{path}", proxy.https_url());
    let answer = world.client().get(url).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    (cache_status(&answer), answer.text().await.unwrap())
}

/// What one proxy stores, the other finds.
async fn the_ring_is_shared(world: &World, ring: &str) {
    let proxies = world.region("us-west").proxies();
    for proxy in &proxies {
        set_ring(proxy, ring).await;
    }
    for (number, path) in (1..).zip(["/1", "/2", "/3", "/4", "/large"]) {
        let (status, body) = read(world, &proxies[0], path).await;
        assert_eq!(status, "Proxima-us-west; fwd=uri-miss; stored");
        ring_has(&proxies[0], number).await;
        let (status, found) = read(world, &proxies[1], path).await;
        assert!(status.ends_with("detail=l2"), "{path}: {status}");
        assert!(found == body, "{path}");
    }
}

#[tokio::test]
async fn a_ring_on_unix_sockets_is_a_ring() {
    let dir = tempfile::tempdir().unwrap();
    let one = Memcached::on_socket(dir.path(), "one").await.unwrap();
    let other = Memcached::on_socket(dir.path(), "other").await.unwrap();
    let origin = origin().await;
    let world = world(&origin).await;
    let nodes = format!("nodes = ['{}', '{}:2']", one.address(), other.address());
    the_ring_is_shared(&world, &nodes).await;
}

#[tokio::test]
async fn a_ring_behind_tls_is_a_ring_for_those_who_trust_it() {
    let origin = origin().await;
    let world = world(&origin).await;
    let dir = tempfile::tempdir().unwrap();
    let (cert, key) = world.ca().issue(&["127.0.0.1"]).unwrap();
    let files = format!("ssl_chain_cert={},ssl_key={}", cert.display(), key.display());
    let options = ["-Z", "-o", &format!("{files},ssl_min_version=3")];
    let node = Memcached::alone(dir.path(), &options).await.unwrap();
    let nodes = format!("nodes = ['{}']\ntls = true\n", node.address());
    let trusting = format!("{nodes}ca = '{}'", world.ca().cert_path().display());
    the_ring_is_shared(&world, &trusting).await;

    // a certificate that issued none
    let (other, _) = world.ca().issue(&["elsewhere.example"]).unwrap();
    let proxy = &world.region("us-west").proxies()[0];
    set_ring(proxy, &format!("ca = '{}'", other.display())).await;
    for path in ["/1", "/6"] {
        let (status, _) = read(&world, proxy, path).await;
        assert_eq!(status, "Proxima-us-west; fwd=uri-miss; stored");
        let (status, _) = read(&world, proxy, path).await;
        assert!(status.ends_with("detail=l1"), "{status}");
    }
    let log = std::fs::read_to_string(proxy.log_path()).unwrap();
    assert!(log.contains("ring node is unreachable"), "{log}");
}
