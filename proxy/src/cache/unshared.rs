//! Keys whose answers may not be shared: nobody waits for another's there (Varnish calls it hit-for-miss).

use std::time::Duration;

use moka::sync::Cache;

use crate::key::KeyHash;

/// How long a key is remembered. Then one fill is waited for again, and tells whether its answer may be shared by now.
const REMEMBERED_FOR: Duration = Duration::from_secs(120);
const KEYS_MAX: u64 = 65_536;

/// Keys whose answer was for one client alone when it was last waited for.
#[derive(Debug)]
pub(crate) struct Unshared(Cache<KeyHash, ()>);

impl Default for Unshared {
    fn default() -> Self {
        let cache = Cache::builder()
            .max_capacity(KEYS_MAX)
            .time_to_live(REMEMBERED_FOR);
        Self(cache.build())
    }
}

impl Unshared {
    pub(crate) fn note(&self, hash: KeyHash) {
        self.0.insert(hash, ());
    }

    /// An answer to it has been stored.
    pub(crate) fn forget(&self, hash: KeyHash) {
        self.0.invalidate(&hash);
    }

    pub(crate) fn has(&self, hash: KeyHash) -> bool {
        self.0.contains_key(&hash)
    }
}
