//! Which fills have not ended, whether or not others may join them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::clock::UnixMillis;

/// Locks of the register: enough that threads rarely meet.
const SHARDS: usize = 16;

/// Fills from when they are asked for until all tiers have what they store.
#[derive(Debug, Default)]
pub(crate) struct Register {
    entered: AtomicUsize,
    shards: [Mutex<HashMap<usize, UnixMillis>>; SHARDS],
}

/// A fill's name in the register, for as long as this lives.
#[derive(Debug)]
pub(crate) struct UnderWay {
    register: Arc<Register>,
    id: usize,
}

impl Register {
    pub(crate) fn enter(self: &Arc<Self>) -> UnderWay {
        let id = self.entered.fetch_add(1, Ordering::Relaxed);
        self.shard(id).lock().insert(id, UnixMillis::now());
        UnderWay {
            register: Arc::clone(self),
            id,
        }
    }

    /// When each fill that is under way began.
    pub(crate) fn started_at(&self) -> Vec<UnixMillis> {
        let of_shard =
            |shard: &Mutex<HashMap<usize, UnixMillis>>| shard.lock().values().copied().collect::<Vec<_>>();
        self.shards.iter().flat_map(of_shard).collect()
    }

    fn shard(&self, id: usize) -> &Mutex<HashMap<usize, UnixMillis>> {
        &self.shards[id % SHARDS]
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.register.shard(self.id).lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fill_is_under_way_until_it_ends() {
        let register = Arc::new(Register::default());
        let before = UnixMillis::now();
        let first = register.enter();
        let others: Vec<_> = (0..3 * SHARDS).map(|_| register.enter()).collect();
        drop(first);
        let started = register.started_at();
        assert_eq!(started.len(), 3 * SHARDS);
        assert!(started.iter().all(|at| *at >= before && *at <= UnixMillis::now()));
        drop(others);
        assert_eq!(register.started_at(), []);
    }
}
