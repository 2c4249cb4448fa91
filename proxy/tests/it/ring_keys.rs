//! Whatever the URL, memcached sees a key that it takes, and nothing else.

use proxima_local::{Memcached, Scripted, World, answer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::OBEY;
use crate::reads::cache_status;
use crate::tiers::ring_has;

/// One of a node's counts.
async fn stat(node: &Memcached, name: &str) -> u64 {
    let mut stream = tokio::net::TcpStream::connect(node.address()).await.unwrap();
    stream.write_all(b"stats\r\nquit\r\n").await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let prefix = format!("STAT {name} ");
    let line = text.lines().find_map(|line| line.strip_prefix(&prefix));
    line.unwrap_or_else(|| panic!("{text}")).parse().unwrap()
}

#[tokio::test]
async fn urls_that_would_poison_memcached_are_stored_and_found() {
    let origin =
        Scripted::start(|asked| answer("200 OK", &[("cache-control", "max-age=60")], asked.target())).await;
    let world = World::builder()
        .regions(&["us-west"])
        .external_origin(origin.url())
        .memcached_per_region(1)
        .proxies_per_region(2);
    let world = world.routes(OBEY).start().await.unwrap();
    let paths = [
        "/harmless".to_owned(),
        format!("/{}", "k".repeat(249)),
        format!("/{}", "k".repeat(250)),
        format!("/{}", "k".repeat(251)),
        format!("/{}", "long/".repeat(1600)),
        "/flush_all".to_owned(),
        "/get%20harmless%20noreply".to_owned(),
        "/%ff%fe".to_owned(),
        "/?%0d%0aflush_all%0d%0a".to_owned(),
    ];
    let refused = [
        "/%0d%0aflush_all%0d%0a",
        "/x%20noreply%0d%0aset%20y%200%200%201%0d%0ay%0d%0a",
        "/%00",
        "/%7f",
    ];
    let proxies = world.region("us-west").proxies();
    let node = &world.region("us-west").ring()[0];
    let read = async |proxy: usize, path: &str| {
        let url = format!("{}{path}", proxies[proxy].https_url());
        let answer = world.client().get(url).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        (cache_status(&answer), answer.text().await.unwrap())
    };
    let mut bodies = Vec::new();
    for (number, path) in (1..).zip(&paths) {
        let (status, body) = read(0, path).await;
        assert_eq!(status, "Proxima-us-west; fwd=uri-miss; stored", "{path}");
        ring_has(&proxies[0], number).await;
        bodies.push(body);
    }
    assert_eq!(stat(node, "curr_items").await, paths.len() as u64);
    for (path, body) in paths.iter().zip(&bodies) {
        let (status, found) = read(1, path).await;
        assert!(status.ends_with("detail=l2"), "{path}: {status}");
        assert_eq!(found, *body);
    }
    for path in refused {
        let url = format!("{}{path}", proxies[1].https_url());
        let answer = world.client().get(url).send().await.unwrap();
        assert_eq!(
            answer.status(),
            400,
            "{path}: a control byte gets no further than the proxy"
        );
    }
    assert_eq!(stat(node, "cmd_flush").await, 0);
    assert_eq!(stat(node, "curr_items").await, paths.len() as u64);
}
