//! The ring's client without the ring, for `benches/ring_client.rs`.

use std::time::Duration;

use bytes::Bytes;
use proxima_config::checked::{Large, NodeAddress, Ring as RingConfig, RingNode};

use super::command::{Command, Condition};
use super::node::Node;
use super::store::Put;

/// One node.
pub(crate) struct SharedConnections(Node);

impl SharedConnections {
    pub(crate) fn new(address: &str, connections: usize) -> Self {
        let (host, port) = address.rsplit_once(':').expect("an address has a port");
        let node = RingNode {
            address: NodeAddress::Tcp {
                host: host.to_owned(),
                port: port.parse().expect("a port is a number"),
            },
            weight: 1,
        };
        let config = RingConfig {
            nodes: vec![node.clone()],
            tls: None,
            connections,
            lookup_timeout: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(1),
            fail_after: 3,
            probe_interval: Duration::from_secs(1),
            max_item_bytes: 1 << 20,
            large: Large::Chunk,
            compress_from_bytes: None,
            lease: Duration::from_secs(10),
            lease_wait: Duration::from_secs(2),
            gutter_ttl: Duration::from_secs(10),
            warm_up: Duration::ZERO,
        };
        Self(Node::new(&node, &config, None, 1 << 20).expect("plain TCP needs no certificates"))
    }

    pub(crate) async fn get(&self, key: &[u8]) -> Option<Bytes> {
        let (reply, _) = self.0.ask(key, Command::Get).await.ok()?;
        reply.value
    }

    pub(crate) async fn set(&self, key: &[u8], value: Bytes) -> bool {
        let set = Command::Set {
            value,
            flags: 0,
            ttl_s: 3600,
            condition: Condition::Always,
        };
        let reply = self.0.ask(key, set).await;
        reply.is_ok_and(|(reply, _)| Put::of(&reply) == Put::Stored)
    }
}
