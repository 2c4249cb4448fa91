//! L1: stored responses in this process's memory, bounded in bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use moka::ops::compute::Op;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use super::entry::Entry;
use crate::key::KeyHash;

/// Memory for entries whose keys are hot: apart, since neither a small capacity nor a crowd of others may turn them out.
const HOT_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The in-process tier. Cheap to read from every thread.
#[derive(Debug)]
pub(crate) struct L1 {
    entries: Option<Cache<KeyHash, Arc<Entry>>>,
    hot: Cache<KeyHash, Arc<Entry>>,
    /// Whether any key has ever been hot: most proxies are spared the second look.
    any_hot: AtomicBool,
}

impl L1 {
    /// Keeps at most `capacity_bytes` of entries, weighed by what they really cost; 0 keeps none.
    pub(crate) fn new(capacity_bytes: u64) -> Self {
        let weigh = |_: &KeyHash, entry: &Arc<Entry>| {
            entry.is_weighed();
            u32::try_from(entry.weight()).unwrap_or(u32::MAX)
        };
        let cache = |capacity_bytes, policy| {
            Cache::builder()
                .max_capacity(capacity_bytes)
                .weigher(weigh)
                .eviction_policy(policy)
                .build()
        };
        // a newcomer has to be read more often than what it would turn out: a scan washes nothing away
        let entries = (capacity_bytes > 0).then(|| cache(capacity_bytes, EvictionPolicy::tiny_lfu()));
        Self {
            entries,
            hot: cache(HOT_BYTES_MAX, EvictionPolicy::lru()),
            any_hot: AtomicBool::new(false),
        }
    }

    pub(crate) fn get(&self, hash: KeyHash) -> Option<Arc<Entry>> {
        let entry = self.entries.as_ref().and_then(|entries| entries.get(&hash));
        if let Some(entry) = &entry {
            self.weigh_again(hash, entry);
        }
        if entry.is_some() || !self.any_hot.load(Ordering::Relaxed) {
            return entry;
        }
        self.hot.get(&hash)
    }

    /// Counts what an entry has grown by since it was stored; nothing is done for one that has not, or that is stored under another
    /// hash.
    pub(crate) fn weigh_again(&self, hash: KeyHash, entry: &Arc<Entry>) {
        let Some(entries) = self.entries.as_ref().filter(|_| entry.has_grown()) else {
            return;
        };
        entries.entry(hash).and_compute_with(|current| match current {
            Some(current) if Arc::ptr_eq(current.value(), entry) => Op::Put(Arc::clone(entry)),
            _ => Op::Nop,
        });
    }

    /// Keeps an entry whose key is hot, whatever the capacity.
    pub(crate) fn put_hot(&self, hash: KeyHash, entry: &Arc<Entry>) {
        self.any_hot.store(true, Ordering::Relaxed);
        put(&self.hot, hash, entry, |_| true);
    }

    /// Stores an entry, unless the one in its place reflects more of the data's history and is `still_good`.
    pub(crate) fn put(&self, hash: KeyHash, entry: &Arc<Entry>, still_good: impl Fn(&Entry) -> bool) {
        if let Some(entries) = &self.entries {
            put(entries, hash, entry, &still_good);
        }
        if self.any_hot.load(Ordering::Relaxed) && self.hot.contains_key(&hash) {
            put(&self.hot, hash, entry, &still_good);
        }
    }

    pub(crate) fn remove(&self, hash: KeyHash) {
        if let Some(entries) = &self.entries {
            entries.invalidate(&hash);
        }
        self.hot.invalidate(&hash);
    }

    /// Number of entries and their bytes, as last counted.
    pub(crate) fn usage(&self) -> (u64, u64) {
        let tiers = self.entries.iter().chain([&self.hot]);
        tiers.fold((0, 0), |(entries, bytes), tier| {
            (entries + tier.entry_count(), bytes + tier.weighted_size())
        })
    }
}

fn put(
    tier: &Cache<KeyHash, Arc<Entry>>,
    hash: KeyHash,
    entry: &Arc<Entry>,
    still_good: impl Fn(&Entry) -> bool,
) {
    tier.entry(hash).and_compute_with(|current| {
        let newer = current.filter(|current| reflects_more(current.value(), entry));
        match newer {
            Some(current) if still_good(current.value()) => Op::Nop,
            _ => Op::Put(Arc::clone(entry)),
        }
    });
}

/// Whether one entry was made from newer data than another, as far as that can be told: by position where both have one, else
/// by when they were asked for where neither has.
fn reflects_more(one: &Entry, other: &Entry) -> bool {
    match (one.position(), other.position()) {
        (Some(one), Some(other)) => one > other,
        (None, None) => one.requested_at() > other.requested_at(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::entry::{Kind, Parts, encode};
    use crate::clock::UnixMillis;

    fn entry() -> Arc<Entry> {
        let parts = Parts {
            kind: Kind::Response,
            status: 200,
            requested_at: UnixMillis(1),
            received_at: UnixMillis(2),
            position: None,
            facts: Default::default(),
            key: "https://h/1",
            vary: vec![],
            tags: vec![],
            head: b"HTTP/1.1 200 OK\r\netag: \"1\"\r\n",
            body: &[],
        };
        Arc::new(Entry::decode(encode(&parts).unwrap()).unwrap())
    }

    #[test]
    fn an_entry_that_has_grown_is_weighed_again() {
        let l1 = L1::new(1 << 20);
        let stored = entry();
        l1.put(1, &stored, |_| true);
        let weight = |l1: &L1| {
            l1.entries.as_ref().unwrap().run_pending_tasks();
            l1.usage().1
        };
        let before = weight(&l1);
        assert_eq!(before, stored.weight() as u64);
        assert!(!stored.headers().is_empty() && stored.weight() as u64 > before);
        l1.weigh_again(2, &stored);
        assert_eq!(weight(&l1), before, "it is not stored there");
        l1.get(1).unwrap();
        assert_eq!(weight(&l1), stored.weight() as u64);
        let grown = entry();
        assert_eq!(grown.headers().len(), 1);
        l1.remove(1);
        l1.weigh_again(1, &grown);
        assert!(l1.get(1).is_none(), "what has been removed stays removed");
    }
}
