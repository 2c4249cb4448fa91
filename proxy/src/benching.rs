//! What `benches/` measures and nobody else may see.

use bytes::Bytes;

use crate::cache::ring::bench::SharedConnections as Shared;

/// Look-ups that share connections to one node, as the proxy makes them.
pub struct SharedConnections(Shared);

impl SharedConnections {
    /// `connections` to the memcached at `address`.
    pub fn new(address: &str, connections: usize) -> Self {
        Self(Shared::new(address, connections))
    }

    /// Looks a key up; `None` for what is not there, or not in time.
    pub async fn get(&self, key: &[u8]) -> Option<Bytes> {
        self.0.get(key).await
    }

    /// Stores a value.
    pub async fn set(&self, key: &[u8], value: Bytes) -> bool {
        self.0.set(key, value).await
    }
}
