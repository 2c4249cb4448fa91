//! What a ring's nodes hold and what proxies say of them, asked past the proxies.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use proxima_local::{Memcached, Proxy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long what goes on behind an answer may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(10);

/// One command and its reply, which ends with `end` or is a line that says so.
async fn ask(node: &Memcached, command: &str, end: &str) -> String {
    let mut socket = TcpStream::connect(node.address()).await.unwrap();
    socket
        .write_all(format!("{command}\r\n").as_bytes())
        .await
        .unwrap();
    let mut reply = Vec::new();
    while !reply.ends_with(end.as_bytes()) && !reply.starts_with(b"BUSY") {
        assert!(
            socket.read_buf(&mut reply).await.unwrap() > 0,
            "{command}: the node hung up"
        );
    }
    String::from_utf8(reply).unwrap()
}

/// Every key that a node holds.
pub(crate) async fn keys(node: &Memcached) -> HashSet<String> {
    let started = Instant::now();
    loop {
        let dump = ask(node, "lru_crawler metadump all", "END\r\n").await;
        if !dump.starts_with("BUSY") {
            let keys = dump
                .lines()
                .filter_map(|line| line.strip_prefix("key=")?.split(' ').next());
            return keys
                .map(|key| key.replace("%3A", ":").replace("%3a", ":"))
                .collect();
        }
        assert!(
            started.elapsed() < PATIENCE,
            "the node's crawler is always at work"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Seconds that a key has left; `None` when it is not there.
pub(crate) async fn ttl_s(node: &Memcached, key: &str) -> Option<i64> {
    let reply = ask(node, &format!("mg {key} t"), "\r\n").await;
    reply.trim_end().strip_prefix("HD t")?.parse().ok()
}

/// Takes a key away; whether it was there.
pub(crate) async fn delete(node: &Memcached, key: &str) -> bool {
    ask(node, &format!("md {key}"), "\r\n").await.starts_with("HD")
}

/// One of a node's own counters.
pub(crate) async fn stat(node: &Memcached, name: &str) -> u64 {
    let stats = ask(node, "stats", "END\r\n").await;
    let start = format!("STAT {name} ");
    let value = stats.lines().find_map(|line| line.strip_prefix(&start));
    value
        .unwrap_or_else(|| panic!("no {name} in {stats}"))
        .parse()
        .unwrap()
}

/// The sum of a proxy's metric in whole numbers over all labels that begin like this.
pub(crate) async fn metric(proxy: &Proxy, start: &str) -> usize {
    let metrics = reqwest::get(format!("{}/metrics", proxy.admin_url()))
        .await
        .unwrap();
    let metrics = metrics.text().await.unwrap();
    let values = metrics.lines().filter(|line| line.starts_with(start));
    values
        .filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok())
        .sum()
}

/// [`metric`] over several proxies.
pub(crate) async fn metrics(proxies: &[std::sync::Arc<Proxy>], start: &str) -> usize {
    let mut sum = 0;
    for proxy in proxies {
        sum += metric(proxy, start).await;
    }
    sum
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !so().await {
        assert!(started.elapsed() < PATIENCE, "{what}: not after {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until each of the proxies has so many nodes in use.
pub(crate) async fn nodes_in(proxies: &[std::sync::Arc<Proxy>], count: usize) {
    until("the nodes are in use", async || {
        for proxy in proxies {
            if metric(proxy, "proxima_ring_node_in{").await != count {
                return false;
            }
        }
        true
    })
    .await;
}
