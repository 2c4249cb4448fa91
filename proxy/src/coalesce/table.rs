//! The fills that others may join.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Fill, FillReader, start};
use crate::cache::entry::Entry;
use crate::clock::UnixMillis;
use crate::key::KeyHash;

/// Locks of the table: enough that threads rarely meet.
const SHARDS: usize = 64;

/// A request's place in a fill.
pub(crate) enum Joined {
    /// Nobody was filling: the caller starts the fill and reads from it.
    Leader(Arc<Fill>, FillReader),
    /// Somebody is filling.
    Waiter(FillReader),
    /// The fill had just ended.
    Ended(Arc<Entry>),
}

/// The fills that others may join, by key.
#[derive(Debug)]
pub(crate) struct Fills {
    shards: Vec<Mutex<HashMap<KeyHash, Arc<Fill>>>>,
}

impl Default for Fills {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }
}

impl Fills {
    fn shard(&self, hash: KeyHash) -> &Mutex<HashMap<KeyHash, Arc<Fill>>> {
        let low = (hash % SHARDS as u128) as usize;
        &self.shards[low]
    }

    /// Joins the fill of a key, or becomes the one to start it. `current` says whether a fill that started at some time may
    /// know of every change heard of since; `ended` looks for what a fill that ended a moment ago has stored, so that no
    /// two fills of one key follow on each other.
    pub(crate) fn join(
        &self,
        hash: KeyHash,
        current: impl FnOnce(UnixMillis) -> bool,
        ended: impl FnOnce() -> Option<Arc<Entry>>,
    ) -> Joined {
        let mut fills = self.shard(hash).lock();
        match fills.entry(hash) {
            Slot::Occupied(mut slot) => {
                let reader = current(slot.get().started_at)
                    .then(|| slot.get().reader())
                    .flatten();
                if let Some(reader) = reader {
                    return Joined::Waiter(reader);
                }
                let (fill, reader) = start();
                slot.insert(Arc::clone(&fill));
                Joined::Leader(fill, reader)
            }
            Slot::Vacant(slot) => {
                if let Some(entry) = ended() {
                    return Joined::Ended(entry);
                }
                let (fill, reader) = start();
                slot.insert(Arc::clone(&fill));
                Joined::Leader(fill, reader)
            }
        }
    }

    /// Takes a fill off the table, so that the next request starts another.
    pub(crate) fn remove(&self, hash: KeyHash, fill: &Arc<Fill>) {
        let mut fills = self.shard(hash).lock();
        if fills.get(&hash).is_some_and(|current| Arc::ptr_eq(current, fill)) {
            fills.remove(&hash);
        }
    }

    /// How many fills may be joined.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }
}
