//! Storing an entry: as it is, compressed, or in pieces.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use memcache::exp::ReturnCode;
use proxima_config::checked::Large;

use super::command::{Code, Command, Condition, ttl_s};
use super::item::{Index, Item};
use super::lane::{LaneError, Reply};
use super::lease::Lease;
use super::node::Node;
use super::{BLOCKING_BYTES, Ring, RingError, node_key_text};
use crate::key::KeyHash;

/// Entries outlive their present freshness by at least this, so that a raised TTL finds them.
const TTL_MIN: Duration = Duration::from_secs(10 * 60);
/// A little less than what memcached reads as a date: a lease on what is stored asks for less time left than that.
const TTL_MAX: Duration = Duration::from_secs(29 * 24 * 60 * 60);

/// What has come of storing an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    Stored,
    /// Somebody else has stored it, or removed it, since the lease was taken.
    Superseded,
    /// Too large, or the node has no room for it.
    Refused,
}

impl Put {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Superseded => "superseded",
            Self::Refused => "refused",
        }
    }

    pub(super) fn of(reply: &Reply) -> Self {
        match reply.line.code {
            Code::Meta(ReturnCode::Hd) => Self::Stored,
            Code::Meta(_) => Self::Superseded,
            Code::Refused => Self::Refused,
        }
    }
}

impl Ring {
    /// Stores an entry for `useful_for`, within the bounds that memcached and later TTL changes set; under a lease only as long
    /// as that is good.
    ///
    /// # Errors
    /// [`RingError`] when its node fails; nothing can be assumed of an earlier copy then.
    pub(crate) async fn put(
        &self,
        hash: KeyHash,
        entry: &Bytes,
        useful_for: Duration,
        lease: Option<&Lease>,
    ) -> Result<Put, RingError> {
        let key = node_key_text(hash);
        let Some(place) = self.placement.locate(key.as_bytes()) else {
            return Ok(Put::Refused);
        };
        let (node, stands_in) = match lease {
            Some(lease) => (&lease.node, lease.stands_in),
            None => (place.node, place.stands_in),
        };
        let ttl = if stands_in {
            self.config.gutter_ttl.min(useful_for.max(Duration::from_secs(1)))
        } else {
            useful_for.clamp(TTL_MIN, TTL_MAX)
        };
        let stored = match self.fit(&key, entry, ttl).await {
            Some(item) => self.put_item(&key, item, ttl, node, lease).await?,
            None => Put::Refused,
        };
        match (stored, lease) {
            (Put::Stored, _) => {
                node.tally.stores.fetch_add(1, Ordering::Relaxed);
            }
            // nobody is to wait for what does not come; a mark that stays goes by its own time
            (Put::Refused, Some(lease)) => drop(self.unmark(lease).await),
            _ => {}
        }
        Ok(stored)
    }

    async fn put_item(
        &self,
        key: &str,
        item: Item,
        ttl: Duration,
        node: &Arc<Node>,
        lease: Option<&Lease>,
    ) -> Result<Put, RingError> {
        let set = |condition| Command::Set {
            value: item.value.clone(),
            flags: item.flags,
            ttl_s: ttl_s(ttl),
            condition,
        };
        let reply = match lease {
            Some(lease) => {
                let set = set(Condition::Version(lease.version));
                node.ask_on(lease.on, key.as_bytes(), set).await
            }
            None => node
                .ask(key.as_bytes(), set(Condition::Always))
                .await
                .map(|(reply, _)| reply),
        };
        match reply {
            Ok(reply) => Ok(Put::of(&reply)),
            // the server may have been restarted in between, and count its versions anew
            Err(RingError::Node {
                source: LaneError::Gone,
                ..
            }) if lease.is_some() => Ok(Put::Superseded),
            Err(error) => Err(error),
        }
    }

    /// Makes an entry fit for its node; what is too large goes ahead in pieces.
    async fn fit(&self, key: &str, entry: &Bytes, ttl: Duration) -> Option<Item> {
        if entry.len() > self.surroundings.entry_bytes_max {
            return None;
        }
        let item = self.packed(entry).await;
        if item.value.len() <= self.config.max_item_bytes {
            return Some(item);
        }
        match self.config.large {
            Large::L1 => None,
            Large::Chunk => self.put_pieces(key, &item, ttl).await,
        }
    }

    async fn packed(&self, entry: &Bytes) -> Item {
        let plain = Item::plain(entry.clone());
        if self
            .config
            .compress_from_bytes
            .is_none_or(|from| entry.len() < from)
        {
            return plain;
        }
        let whole = entry.clone();
        let packed = if entry.len() < BLOCKING_BYTES {
            Item::compressed(&whole)
        } else {
            let packing = tokio::task::spawn_blocking(move || Item::compressed(&whole));
            packing.await.ok().flatten()
        };
        let Some(packed) = packed else { return plain };
        let saved = entry.len() - packed.value.len();
        self.surroundings.metrics.saved_bytes.inc_by(saved as u64);
        packed
    }

    /// Stores an item's pieces and returns their index, which goes last: whoever finds it finds them.
    async fn put_pieces(&self, key: &str, item: &Item, ttl: Duration) -> Option<Item> {
        let index = Index::of(item, self.config.max_item_bytes, store_number())?;
        let mut sent = Vec::new();
        for (key, value) in index.keys(key).iter().zip(index.pieces(item)) {
            let place = self.placement.locate(key.as_bytes())?;
            let set = Command::Set {
                value,
                flags: item.flags,
                ttl_s: ttl_s(ttl),
                condition: Condition::Always,
            };
            sent.push((
                place.node,
                place.node.send(place.node.next_lane(), key.as_bytes(), set),
            ));
        }
        let mut all = true;
        for (node, sent) in sent {
            let reply = node.reply_of_piece(sent).await;
            all &= reply.is_ok_and(|reply| Put::of(&reply) == Put::Stored);
        }
        self.surroundings.metrics.split.inc();
        all.then(|| index.item())
    }
}

/// A number that no other store has had, as far as chance goes.
fn store_number() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::time::Instant::now())
}
