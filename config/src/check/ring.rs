//! `[cache.ring]`.

use std::path::PathBuf;
use std::time::Duration;

use super::{Checker, DAY, HOUR, MILLISECOND, SECOND};
use crate::checked::{Large, NodeAddress, Ring, RingNode, RingTls};
use crate::document::KeyPath;
use crate::geo::split_host_port;
use crate::raw;

/// memcached's own upper limit for `-I` is 1 GiB.
const ITEM_BYTES_MAX: u64 = 1 << 30;

/// memcached's port where none is written.
const MEMCACHED_PORT: u16 = 11_211;

/// Largest weight of a node.
const WEIGHT_MAX: u32 = 1000;

/// How often ketama hashes a node's name at equal weights.
const HASHES_PER_NODE: u32 = 40;

impl Checker<'_> {
    pub(super) fn ring(&mut self, raw: &raw::Ring) -> Option<Ring> {
        let at = KeyPath::of("cache.ring");
        let nodes = raw
            .nodes
            .as_ref()
            .and_then(|nodes| self.nodes(&at.key("nodes"), nodes));
        let tls = self.ring_tls(&at, raw, nodes.as_deref().unwrap_or_default());
        let max_item = self.memory_size(&at.key("max_item"), &raw.max_item, 1024..=ITEM_BYTES_MAX);
        let compress_from = raw
            .compress_from
            .as_ref()
            .map(|size| self.memory_size(&at.key("compress_from"), size, 256..=ITEM_BYTES_MAX));
        let compress_from_bytes = match compress_from {
            Some(bytes) => Some(bytes?),
            None => None,
        };
        let mut duration = |key, text, bounds| self.duration(&at.key(key), text, bounds);
        let lookup_timeout = duration("lookup_timeout", &raw.lookup_timeout, MILLISECOND..=HOUR);
        let connect_timeout = duration("connect_timeout", &raw.connect_timeout, MILLISECOND..=HOUR);
        let probe_interval = duration("probe_interval", &raw.probe_interval, MILLISECOND..=HOUR);
        let lease = duration("lease", &raw.lease, SECOND..=HOUR);
        let lease_wait = duration("lease_wait", &raw.lease_wait, Duration::ZERO..=HOUR);
        let gutter_ttl = duration("gutter_ttl", &raw.gutter_ttl, SECOND..=HOUR);
        let warm_up = duration("warm_up", &raw.warm_up, Duration::ZERO..=DAY);
        Some(Ring {
            nodes: nodes?,
            tls: tls?,
            connections: raw.connections,
            lookup_timeout: lookup_timeout?,
            connect_timeout: connect_timeout?,
            fail_after: raw.fail_after,
            probe_interval: probe_interval?,
            max_item_bytes: max_item?,
            large: match raw.large {
                raw::Large::Chunk => Large::Chunk,
                raw::Large::L1 => Large::L1,
            },
            compress_from_bytes,
            lease: lease?,
            lease_wait: lease_wait?,
            gutter_ttl: gutter_ttl?,
            warm_up: warm_up?,
        })
    }

    /// `Some(None)` where nodes are spoken to in plain text.
    fn ring_tls(&mut self, at: &KeyPath, raw: &raw::Ring, nodes: &[RingNode]) -> Option<Option<RingTls>> {
        let ca = match &raw.ca {
            Some(_) if !raw.tls => {
                self.report(
                    &at.key("ca"),
                    "is of no use without TLS to the nodes",
                    "write `tls = true` beside it, or remove it",
                );
                return None;
            }
            Some(ca) => Some(self.file(&at.key("ca"), ca)?),
            None => None,
        };
        let is_unix = |node: &RingNode| matches!(node.address, NodeAddress::Unix(_));
        match nodes.iter().position(is_unix) {
            Some(index) if raw.tls => {
                self.report(
                    &at.key("nodes").item(index),
                    "is a Unix socket, which memcached offers without TLS only",
                    "name its host and port, or remove `tls = true`",
                );
                None
            }
            _ => Some(raw.tls.then_some(RingTls { ca })),
        }
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
            let address = match &node.as_ref()?.address {
                NodeAddress::Tcp { host, port } => NodeAddress::Tcp {
                    host: host.to_ascii_lowercase(),
                    port: *port,
                },
                unix @ NodeAddress::Unix(_) => unix.clone(),
            };
            Some((at.item(index), address))
        });
        self.unique(placed.collect::<Vec<_>>(), "node", "name each node once");
        let nodes: Vec<RingNode> = parsed.into_iter().collect::<Option<_>>()?;
        self.light_nodes(at, &nodes);
        Some(nodes)
    }

    /// Nodes that ketama would give no point and with that no key.
    fn light_nodes(&mut self, at: &KeyPath, nodes: &[RingNode]) {
        let total: u32 = nodes.iter().map(|node| node.weight).sum();
        let hashes = HASHES_PER_NODE * u32::try_from(nodes.len()).unwrap_or(u32::MAX);
        for (index, node) in nodes.iter().enumerate() {
            if node.weight.saturating_mul(hashes) < total {
                let message = format!(
                    "its weight of {} beside {total} in all gets it no keys",
                    node.weight
                );
                let least = (total - node.weight).div_ceil(hashes - 1);
                let remedy = format!("give it a weight of at least {least}, or the others less");
                self.report(&at.item(index), message, remedy);
            }
        }
    }

    fn node(&mut self, at: &KeyPath, text: &str) -> Option<RingNode> {
        let node = parse_node(text);
        if let Err(why) = &node {
            let remedy = "write host and port, such as \"10.0.0.5:11211\", or \"unix:/run/memcached.sock\", and a weight \
                          after another colon where it is not 1";
            self.report(at, format!("{text:?} is not a node: it {why}"), remedy);
        }
        node.ok()
    }
}

/// `host`, `host:port`, `host:port:weight` (IPv6 in brackets), `unix:/path` or `unix:/path:weight`; or why it is none.
fn parse_node(text: &str) -> Result<RingNode, String> {
    let (address, weight) = match text.strip_prefix("unix:") {
        Some(path) if path.starts_with('/') => {
            let is_weight = |tail: &str| !tail.is_empty() && tail.bytes().all(|byte| byte.is_ascii_digit());
            let (path, weight) = match path.rsplit_once(':') {
                Some((path, tail)) if is_weight(tail) => (path, Some(tail)),
                _ => (path, None),
            };
            if path.contains('\0') {
                return Err("has a path with a zero byte".to_owned());
            }
            (NodeAddress::Unix(PathBuf::from(path)), weight)
        }
        _ => tcp_address(text)?,
    };
    Ok(RingNode {
        address,
        weight: weight.map_or(Ok(1), parse_weight)?,
    })
}

fn tcp_address(text: &str) -> Result<(NodeAddress, Option<&str>), String> {
    let after_host = text.rfind(']').map_or(0, |bracket| bracket + 1);
    let mut colons = text[after_host..].match_indices(':');
    let (place, weight) = match colons.nth(1) {
        Some((colon, _)) => {
            let (place, weight) = text.split_at(after_host + colon);
            (place, Some(&weight[1..]))
        }
        None => (text, None),
    };
    let (host, port) = split_host_port(place).map_err(|error| error.to_string())?;
    let address = NodeAddress::Tcp {
        host: host.to_owned(),
        port: port.unwrap_or(MEMCACHED_PORT),
    };
    Ok((address, weight))
}

fn parse_weight(text: &str) -> Result<u32, String> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit()); // `parse` would take a leading plus sign
    text.parse()
        .ok()
        .filter(|weight| is_number && (1..=WEIGHT_MAX).contains(weight))
        .ok_or_else(|| format!("has a weight that is not a whole number from 1 to {WEIGHT_MAX}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tcp(host: &str, port: u16) -> NodeAddress {
        NodeAddress::Tcp {
            host: host.to_owned(),
            port,
        }
    }

    fn unix(path: &str) -> NodeAddress {
        NodeAddress::Unix(path.into())
    }

    #[test]
    fn nodes_as_written() {
        let rows = [
            ("10.0.0.5", tcp("10.0.0.5", 11211), 1),
            ("10.0.0.5:7", tcp("10.0.0.5", 7), 1),
            (
                "cache-1.internal:11211:1000",
                tcp("cache-1.internal", 11211),
                1000,
            ),
            ("[::1]", tcp("::1", 11211), 1),
            ("[::1]:7", tcp("::1", 7), 1),
            ("[::1]:11211:2", tcp("::1", 11211), 2),
            ("unix:7", tcp("unix", 7), 1),
            ("unix:7:2", tcp("unix", 7), 2),
            ("unix:/run/m.sock", unix("/run/m.sock"), 1),
            ("unix:/run/m.sock:3", unix("/run/m.sock"), 3),
            ("unix:/run/a:b.sock", unix("/run/a:b.sock"), 1),
            ("unix:/run/a:b.sock:3", unix("/run/a:b.sock"), 3),
        ];
        for (text, address, weight) in rows {
            assert_eq!(parse_node(text), Ok(RingNode { address, weight }), "{text}");
        }
    }

    #[test]
    fn texts_that_are_no_node() {
        let rows = [
            ("", "host"),
            ("a:", "port"),
            ("a:x", "port"),
            ("a:0", "port"),
            ("a:1:", "weight"),
            ("a:1:0", "weight"),
            ("a:1:+2", "weight"),
            ("a:1:1001", "weight"),
            ("a:1:2:3", "weight"),
            ("unix:/m.sock:0", "weight"),
            ("unix:/m.sock:99999999999", "weight"),
            ("unix:m.sock", "port"),
            ("::1", "port"),
            ("[::1]x:2", "host"),
        ];
        for (text, part) in rows {
            let why = parse_node(text).expect_err(text);
            assert!(why.contains(part), "{text}: {why}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_is_a_node_reads_back(text in "(unix:/?)?[\\[\\]a-c:0-9/é.]{0,14}") {
            if let Ok(node) = parse_node(&text) {
                prop_assert_eq!(parse_node(&node.to_string()), Ok(node));
            }
        }
    }
}
