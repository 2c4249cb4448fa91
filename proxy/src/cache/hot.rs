//! Which keys are looked up so often that one ring node would feel it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::key::KeyHash;

/// Counters of one row; a key has one in each.
const COUNTERS: usize = 4096;
const ROWS: usize = 2;

/// Counts look-ups by key and second in fixed space (a count-min sketch): it may count too many, never too few.
#[derive(Debug)]
pub(crate) struct HotKeys {
    /// Second in the upper half, look-ups in it in the lower.
    rows: [Box<[AtomicU64]>; ROWS],
    rate: u32,
}

impl HotKeys {
    /// `rate`: look-ups in one second from which on a key is hot; 0 never.
    pub(crate) fn new(rate: u32) -> Self {
        let counters = if rate == 0 { 0 } else { COUNTERS };
        Self {
            rows: std::array::from_fn(|_| (0..counters).map(|_| AtomicU64::new(0)).collect()),
            rate,
        }
    }

    /// Counts one look-up at `now`, by any clock that does not go back, and says whether the key is hot.
    pub(crate) fn is_hot(&self, hash: KeyHash, now: Duration) -> bool {
        if self.rate == 0 {
            return false;
        }
        let second = now.as_secs() << 32;
        let counts = self.rows.iter().enumerate().map(|(row, counters)| {
            let place = (hash >> (row * 64)) as usize % COUNTERS;
            let counter = &counters[place];
            if counter.load(Ordering::Relaxed) >> 32 == second >> 32 {
                return counter.fetch_add(1, Ordering::Relaxed) + 1;
            }
            counter.store(second + 1, Ordering::Relaxed);
            second + 1
        });
        let least = counts.map(|count| count & u64::from(u32::MAX)).min();
        least.is_some_and(|count| count >= u64::from(self.rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_key_is_hot_from_its_nth_look_up_within_a_second() {
        let keys = HotKeys::new(3);
        assert!(!keys.is_hot(7, at(0)) && !keys.is_hot(7, at(500)));
        assert!(keys.is_hot(7, at(999)));
        assert!(!keys.is_hot(7, at(1000)), "a new second counts anew");
    }

    #[test]
    fn many_keys_that_are_read_once_are_not_hot() {
        let keys = HotKeys::new(100);
        let spread = |n: u64| {
            let low = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            u128::from(low) | u128::from(low.rotate_left(29).wrapping_mul(31)) << 64
        };
        assert!(!(0..20_000).any(|n| keys.is_hot(spread(n), at(10))));
    }

    #[test]
    fn none_is_hot_where_that_is_switched_off() {
        let keys = HotKeys::new(0);
        assert!(!(0..1000).any(|_| keys.is_hot(7, at(0))));
    }
}
