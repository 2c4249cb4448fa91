//! Leases: one filler per key and region.
//!
//! Whoever finds nothing under a key leaves a mark on it (`mg … N`) and fills it; whoever comes later sees the mark and waits. A
//! stored entry that is no longer good is marked in place (`mg … R`). The mark's version (CAS) makes the fill harmless once
//! somebody else has taken over.

use std::sync::Arc;

use memcache::exp::ReturnCode;

use super::command::{Code, Command, Condition, ttl_s};
use super::item::Item;
use super::node::{Node, OnLane};
use super::{Held, Put, Ring, RingError, item_of, node_key_text};
use crate::key::KeyHash;

/// A key that is this proxy's to fill.
pub(crate) struct Lease {
    pub(super) key: String,
    pub(super) node: Arc<Node>,
    pub(super) stands_in: bool,
    pub(super) on: OnLane,
    pub(super) version: u64,
    /// What stands under the key meanwhile, and for how many more seconds.
    stands: Option<(Item, u32)>,
}

/// Somebody else's mark.
pub(crate) struct Mark(Lease);

impl Mark {
    /// Tells one holder's mark from the next one's.
    pub(crate) fn version(&self) -> u64 {
        self.0.version
    }
}

/// An entry that is there, and nobody's to fill.
pub(crate) struct Standing(Lease);

/// Whose turn it is to fill a key.
pub(crate) enum Turn {
    /// This proxy's.
    Mine(Lease),
    /// Somebody else's. An entry that is there is what they mean to replace.
    Taken(Mark, Option<Held>),
    /// Nobody's: there is an entry.
    Stands(Standing, Held),
    /// No node can say.
    Unknown,
}

impl Ring {
    /// Asks for a key, and for the right to fill it if it is missing.
    ///
    /// # Errors
    /// [`RingError`] when its node fails or does not answer within the look-up deadline.
    pub(crate) async fn turn(&self, hash: KeyHash) -> Result<Turn, RingError> {
        let key = node_key_text(hash);
        let Some(place) = self.placement.locate(key.as_bytes()) else {
            return Ok(Turn::Unknown);
        };
        let lease_s = ttl_s(self.config.lease);
        let node = Arc::clone(place.node);
        let (reply, on) = node.ask(key.as_bytes(), Command::GetOrLease { lease_s }).await?;
        if reply.line.code != Code::Meta(ReturnCode::Va) {
            return Ok(Turn::Unknown); // no memory for the mark
        }
        let item = item_of(&reply);
        let held = match &item {
            Some(item) => self.entry_of(&key, item.clone()).await,
            None => None,
        };
        let held = held.map(|blob| self.held(blob, &node));
        let lease = Lease {
            key,
            node,
            stands_in: place.stands_in,
            on,
            version: reply.line.version,
            stands: item.map(|item| (item, reply.line.ttl_s.unwrap_or(1).max(1))),
        };
        Ok(if reply.line.won {
            Turn::Mine(lease)
        } else if reply.line.taken {
            Turn::Taken(Mark(lease), held)
        } else {
            match held {
                Some(held) => Turn::Stands(Standing(lease), held),
                None => self.renew(Standing(lease)).await?, // nothing that can be read
            }
        })
    }

    /// Asks for the right to replace an entry that is there.
    ///
    /// # Errors
    /// [`RingError`] as for [`Self::turn`].
    pub(crate) async fn renew(&self, Standing(lease): Standing) -> Result<Turn, RingError> {
        let reply = lease
            .node
            .ask_on(lease.on, lease.key.as_bytes(), Command::Renew)
            .await?;
        if reply.line.code != Code::Meta(ReturnCode::Hd) {
            return Ok(Turn::Unknown); // it has gone in between
        }
        let same = reply.line.version == lease.version;
        let lease = Lease {
            version: reply.line.version,
            // what was seen must not be put back over what has come since
            stands: lease.stands.filter(|_| same),
            ..lease
        };
        Ok(if reply.line.won {
            Turn::Mine(lease)
        } else {
            Turn::Taken(Mark(lease), None)
        })
    }

    /// Gives up a lease without a fill, so that the next who asks gets it.
    ///
    /// # Errors
    /// [`RingError`] when its node fails: the mark then goes by its own time.
    pub(crate) async fn release(&self, lease: Lease) -> Result<(), RingError> {
        self.unmark(&lease).await.map(drop)
    }

    /// Takes away the mark of a holder that has been too long about its fill: it may have crashed. `false` when somebody
    /// else was faster.
    ///
    /// # Errors
    /// [`RingError`] when its node fails.
    pub(crate) async fn replace_holder(&self, Mark(lease): &Mark) -> Result<bool, RingError> {
        Ok(self.unmark(lease).await? == Put::Stored)
    }

    pub(super) async fn unmark(&self, lease: &Lease) -> Result<Put, RingError> {
        let command = match &lease.stands {
            // memcached takes the mark off only with the value, or for one that somebody stores
            None => Command::Delete {
                version: Some(lease.version),
            },
            Some((item, ttl_s)) => Command::Set {
                value: item.value.clone(),
                flags: item.flags,
                ttl_s: *ttl_s,
                condition: Condition::Version(lease.version),
            },
        };
        let reply = lease.node.ask_on(lease.on, lease.key.as_bytes(), command).await?;
        Ok(Put::of(&reply))
    }
}

impl Lease {
    /// Whether it is for this key.
    pub(crate) fn is_for(&self, hash: KeyHash) -> bool {
        self.key == node_key_text(hash)
    }
}

#[cfg(test)]
mod tests;
