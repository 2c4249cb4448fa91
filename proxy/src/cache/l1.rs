//! L1: stored responses in this process's memory, bounded in bytes.

use std::sync::Arc;

use moka::ops::compute::Op;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use super::entry::Entry;
use crate::key::KeyHash;

/// The in-process tier. Cheap to read from every thread.
#[derive(Debug)]
pub(crate) struct L1 {
    entries: Option<Cache<KeyHash, Arc<Entry>>>,
}

impl L1 {
    /// Keeps at most `capacity_bytes` of entries, weighed by what they really cost; 0 keeps none.
    pub(crate) fn new(capacity_bytes: u64) -> Self {
        let weigh = |_: &KeyHash, entry: &Arc<Entry>| u32::try_from(entry.weight()).unwrap_or(u32::MAX);
        let entries = (capacity_bytes > 0).then(|| {
            Cache::builder()
                .max_capacity(capacity_bytes)
                .weigher(weigh)
                .eviction_policy(EvictionPolicy::tiny_lfu())
                .build()
        });
        Self { entries }
    }

    pub(crate) fn get(&self, hash: KeyHash) -> Option<Arc<Entry>> {
        self.entries.as_ref()?.get(&hash)
    }

    /// Stores an entry, unless the one in its place reflects more of the data's history and is `still_good`.
    pub(crate) fn put(&self, hash: KeyHash, entry: &Arc<Entry>, still_good: impl FnOnce(&Entry) -> bool) {
        let Some(entries) = &self.entries else { return };
        entries.entry(hash).and_compute_with(|current| {
            let newer = current.filter(|current| reflects_more(current.value(), entry));
            match newer {
                Some(current) if still_good(current.value()) => Op::Nop,
                _ => Op::Put(Arc::clone(entry)),
            }
        });
    }

    pub(crate) fn remove(&self, hash: KeyHash) {
        if let Some(entries) = &self.entries {
            entries.invalidate(&hash);
        }
    }

    /// Number of entries and their bytes, as last counted.
    pub(crate) fn usage(&self) -> (u64, u64) {
        self.entries
            .as_ref()
            .map_or((0, 0), |entries| (entries.entry_count(), entries.weighted_size()))
    }
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
