//! The ring's client against real memcached, and against nodes that lie.

#![allow(clippy::unwrap_used, reason = "a panic is the way for a test to fail")]

mod leases;
mod liar;
mod lies;
mod nodes;
mod values;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use proxima_config::checked::{Large, NodeAddress, Ring as RingConfig, RingNode};
use proxima_local::Memcached;
use tempfile::TempDir;

use super::command::Condition;
use super::*;
use crate::metrics::Metrics;

/// Longer than any test takes: what is stored stays.
const LONG: Duration = Duration::from_secs(3600);
/// Within which a condition that nothing hinders comes about.
const PATIENCE: Duration = Duration::from_secs(5);

/// A memcached, and the folder that its files are in.
struct Server {
    memcached: Memcached,
    _dir: TempDir,
}

impl std::ops::Deref for Server {
    type Target = Memcached;

    fn deref(&self) -> &Memcached {
        &self.memcached
    }
}

async fn server() -> Server {
    server_with(&[]).await
}

async fn server_with(extra: &[&str]) -> Server {
    let dir = tempfile::tempdir().unwrap();
    let memcached = Memcached::alone(dir.path(), extra).await.unwrap();
    Server { memcached, _dir: dir }
}

/// Patient, because tests share their machine.
fn config(addresses: &[&str]) -> RingConfig {
    RingConfig {
        nodes: addresses.iter().map(|address| node(address)).collect(),
        tls: None,
        connections: 2,
        lookup_timeout: Duration::from_secs(2),
        connect_timeout: Duration::from_secs(2),
        fail_after: 3,
        probe_interval: Duration::from_millis(20),
        max_item_bytes: 1_000_000,
        large: Large::Chunk,
        compress_from_bytes: None,
        lease: Duration::from_secs(30),
        lease_wait: Duration::from_secs(1),
        gutter_ttl: Duration::from_secs(5),
        warm_up: Duration::from_secs(60),
    }
}

fn node(address: &str) -> RingNode {
    let (host, port) = address.rsplit_once(':').unwrap();
    RingNode {
        address: NodeAddress::Tcp {
            host: host.to_owned(),
            port: port.parse().unwrap(),
        },
        weight: 1,
    }
}

fn surroundings() -> Surroundings {
    Surroundings {
        entry_bytes_max: 16 << 20,
        deaf: false,
        metrics: Metrics::new("here").unwrap().ring,
    }
}

async fn ring(config: &RingConfig) -> Ring {
    Ring::new(config, surroundings()).await.unwrap()
}

async fn ring_of(servers: &[&Server]) -> Ring {
    let addresses: Vec<_> = servers.iter().map(|server| server.address()).collect();
    let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
    ring(&config(&addresses)).await
}

/// What the ring holds under a key.
async fn held(ring: &Ring, hash: KeyHash) -> Option<Bytes> {
    ring.get(hash).await.unwrap().map(|held| held.blob)
}

async fn put(ring: &Ring, hash: KeyHash, entry: impl Into<Bytes>) -> Put {
    ring.put(hash, &entry.into(), LONG, None).await.unwrap()
}

/// The first keys that belong to a node.
fn keys_of<'r>(ring: &'r Ring, label: &'r str) -> impl Iterator<Item = KeyHash> + 'r {
    (0..).filter(move |hash| ring.node_of(*hash) == Some(label))
}

/// Bytes that do not compress, each different from those of another seed.
fn noise(bytes: usize, seed: u64) -> Bytes {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..bytes).map(|_| next()).collect()
}

/// Waits until something holds that is on its way.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// What a node says of itself.
async fn stat(server: &Memcached, name: &str) -> u64 {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(b"stats\r\n").await.unwrap();
    let mut text = Vec::new();
    while !text.ends_with(b"END\r\n") {
        assert_ne!(stream.read_buf(&mut text).await.unwrap(), 0);
    }
    let text = String::from_utf8(text).unwrap();
    let prefix = format!("STAT {name} ");
    let line = text.lines().find_map(|line| line.strip_prefix(&prefix));
    line.unwrap_or_else(|| panic!("{text}")).parse().unwrap()
}

#[test]
fn node_keys_are_plain_and_short() {
    for hash in [0, 7, 0x0123_4567_89ab_cdef_0011_2233_4455_6677, u128::MAX] {
        let key = node_key_text(hash);
        assert_eq!(key, format!("px1:{hash:032x}"));
        assert_eq!(key.len(), 36);
        assert!(key.bytes().all(|byte| byte.is_ascii_graphic()));
    }
}
