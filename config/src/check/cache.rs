//! `[cache]` and `[feed]`.

use std::time::Duration;

use super::{Checker, DAY, HOUR, MILLISECOND};
use crate::checked::{Cache, Feed, L1, Ring, RingNode};
use crate::document::KeyPath;
use crate::geo::split_host_port;
use crate::raw;

/// Largest capacity or body in bytes: 1 PiB, past any machine, yet safe to add up.
const BYTES_MAX: u64 = 1 << 50;

/// memcached's own upper limit for `-I` is 1 GiB.
const ITEM_BYTES_MAX: u64 = 1 << 30;

/// memcached's port where none is written.
const MEMCACHED_PORT: u16 = 11_211;

impl Checker<'_> {
    pub(super) fn cache(&mut self, raw: &raw::Cache) -> Option<Cache> {
        let at = KeyPath::of("cache");
        let max_body_bytes = self.size(&at.key("max_body"), &raw.max_body, 1..=BYTES_MAX);
        let fill_wait = self.duration(&at.key("fill_wait"), &raw.fill_wait, Duration::ZERO..=HOUR);
        let capacity_bytes = self.size(&at.key("l1").key("capacity"), &raw.l1.capacity, 0..=BYTES_MAX);
        let ring = raw.ring.as_ref().map(|ring| self.ring(ring));
        let ring = match ring {
            Some(ring) => Some(ring?),
            None => None,
        };
        let l1 = L1 {
            capacity_bytes: capacity_bytes?,
        };
        Some(Cache {
            l1,
            ring,
            max_body_bytes: max_body_bytes?,
            fill_wait: fill_wait?,
        })
    }

    pub(super) fn feed(&mut self, raw: &raw::Feed) -> Option<Feed> {
        let at = KeyPath::of("feed");
        let path = self.request_path(&at.key("path"), &raw.path);
        let max_silence = self.duration(&at.key("max_silence"), &raw.max_silence, MILLISECOND * 100..=DAY);
        match raw.kind {
            raw::FeedKind::None => Some(Feed::None),
            raw::FeedKind::Origin => Some(Feed::Origin {
                path: path?,
                max_silence: max_silence?,
            }),
        }
    }

    fn ring(&mut self, raw: &raw::Ring) -> Option<Ring> {
        let at = KeyPath::of("cache.ring");
        let nodes = raw
            .nodes
            .as_ref()
            .and_then(|nodes| self.nodes(&at.key("nodes"), nodes));
        let max_item_bytes = self.memory_size(&at.key("max_item"), &raw.max_item, 1024..=ITEM_BYTES_MAX);
        let mut duration = |key, text| self.duration(&at.key(key), text, MILLISECOND..=HOUR);
        let lookup_timeout = duration("lookup_timeout", &raw.lookup_timeout);
        let connect_timeout = duration("connect_timeout", &raw.connect_timeout);
        let probe_interval = duration("probe_interval", &raw.probe_interval);
        Some(Ring {
            nodes: nodes?,
            lookup_timeout: lookup_timeout?,
            connect_timeout: connect_timeout?,
            max_connections: raw.max_connections,
            fail_after: raw.fail_after,
            probe_interval: probe_interval?,
            max_item_bytes: max_item_bytes?,
        })
    }

    fn nodes(&mut self, at: &KeyPath, texts: &[String]) -> Option<Vec<RingNode>> {
        if texts.is_empty() {
            self.report(
                at,
                "the ring has no node",
                "name its memcached servers, or remove `[cache.ring]`",
            );
            return None;
        }
        let parsed = texts
            .iter()
            .enumerate()
            .map(|(index, text)| self.node(&at.item(index), text));
        let parsed: Vec<_> = parsed.collect(); // all of them, before one that is wrong ends it
        let placed = parsed.iter().enumerate().filter_map(|(index, node)| {
            let node = node.as_ref()?;
            Some((at.item(index), (node.host.to_ascii_lowercase(), node.port)))
        });
        self.unique(placed.collect::<Vec<_>>(), "node", "name each node once");
        parsed.into_iter().collect()
    }

    fn node(&mut self, at: &KeyPath, text: &str) -> Option<RingNode> {
        match split_host_port(text) {
            Ok((host, port)) => Some(RingNode {
                host: host.to_owned(),
                port: port.unwrap_or(MEMCACHED_PORT),
            }),
            Err(error) => {
                let message = format!("{text:?} is not a node: it {error}");
                self.report(at, message, "write host and port, such as \"10.0.0.5:11211\"");
                None
            }
        }
    }
}
