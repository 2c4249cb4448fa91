//! The region's memcached ring and its nodes.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// The port that ketama leaves out of a node's name.
const MEMCACHED_PORT: u16 = 11_211;

/// The region's memcached ring.
#[derive(Debug, Clone, PartialEq)]
pub struct Ring {
    /// Each node and its weight, in the order of the file.
    pub nodes: Vec<RingNode>,
    /// TLS to TCP nodes; `None` speaks to them in plain text.
    pub tls: Option<RingTls>,
    /// Connections to each node; requests share them.
    pub connections: usize,
    /// Deadline of one look-up.
    pub lookup_timeout: Duration,
    /// Limit for connecting to a node.
    pub connect_timeout: Duration,
    /// Consecutive failures that take a node out.
    pub fail_after: u32,
    /// How often a node that is out is probed.
    pub probe_interval: Duration,
    /// Largest item that a node accepts, in bytes.
    pub max_item_bytes: usize,
    /// What becomes of entries over `max_item_bytes`.
    pub large: Large,
    /// Entries of at least this many bytes are compressed by zstd before they are stored; `None` never.
    pub compress_from_bytes: Option<usize>,
    /// For how long the proxy that was first to miss a key fills it alone.
    pub lease: Duration,
    /// How long a fill waits for another proxy's of the same key before it fetches without storing in the ring.
    pub lease_wait: Duration,
    /// Lifetime of copies that the next node holds while a node is out.
    pub gutter_ttl: Duration,
    /// For how long after a change of nodes, or a node's return, what it lacks is looked for where it was before;
    /// zero never.
    pub warm_up: Duration,
}

/// How nodes prove who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RingTls {
    /// PEM file of certificate authorities; `None` trusts the system's.
    pub ca: Option<PathBuf>,
}

/// What becomes of entries over the item limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Large {
    /// Stored in pieces, each within the limit.
    Chunk,
    /// Kept in the first tier only.
    L1,
}

/// One memcached node.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RingNode {
    /// Where it listens.
    pub address: NodeAddress,
    /// Its share of the keys relative to the other nodes, 1 to 1000.
    pub weight: u32,
}

/// Where a node listens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum NodeAddress {
    /// Over the network.
    Tcp {
        /// Host name or address, as written, an IPv6 address without its brackets.
        host: String,
        /// Port.
        port: u16,
    },
    /// A socket of this machine: an absolute path.
    Unix(PathBuf),
}

impl RingNode {
    /// The text that people know the node by: `10.0.0.5:11211`, `[::1]:11211`, `unix:/run/memcached.sock`.
    pub fn label(&self) -> String {
        self.address.to_string()
    }

    /// What ketama hashes, as twemproxy does: `host:port`, at port 11211 the host alone, an IPv6 address without brackets;
    /// of a Unix socket the path and a colon, behind which twemproxy finds no port.
    pub fn ketama_name(&self) -> String {
        match &self.address {
            NodeAddress::Tcp {
                host,
                port: MEMCACHED_PORT,
            } => host.clone(),
            NodeAddress::Tcp { host, port } => format!("{host}:{port}"),
            NodeAddress::Unix(path) => format!("{}:", path.display()),
        }
    }
}

/// As a configuration writes it.
impl fmt::Display for NodeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// As a configuration writes it: the weight only where it is not 1.
impl fmt::Display for RingNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.weight {
            1 => write!(f, "{}", self.address),
            weight => write!(f, "{}:{weight}", self.address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_for_people_for_ketama_and_for_the_file() {
        let tcp = |host: &str, port| NodeAddress::Tcp {
            host: host.to_owned(),
            port,
        };
        let unix = NodeAddress::Unix("/run/m.sock".into());
        let rows = [
            (
                tcp("10.0.0.5", 11211),
                1,
                "10.0.0.5:11211",
                "10.0.0.5",
                "10.0.0.5:11211",
            ),
            (tcp("cache", 7), 3, "cache:7", "cache:7", "cache:7:3"),
            (tcp("::1", 11211), 2, "[::1]:11211", "::1", "[::1]:11211:2"),
            (tcp("::1", 7), 1, "[::1]:7", "::1:7", "[::1]:7"),
            (
                unix.clone(),
                1,
                "unix:/run/m.sock",
                "/run/m.sock:",
                "unix:/run/m.sock",
            ),
            (unix, 9, "unix:/run/m.sock", "/run/m.sock:", "unix:/run/m.sock:9"),
        ];
        for (address, weight, label, name, written) in rows {
            let node = RingNode { address, weight };
            assert_eq!(node.label(), label);
            assert_eq!(node.ketama_name(), name);
            assert_eq!(node.to_string(), written);
        }
    }
}
