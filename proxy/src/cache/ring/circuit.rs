//! Whether a node is asked: out after repeated failures, in again when a probe finds it well.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use crate::clock::UnixMillis;

/// A node's standing as this proxy sees it.
#[derive(Debug, Default)]
pub(crate) struct Circuit {
    out: AtomicBool,
    /// Failures since the last success.
    failures: AtomicU32,
    /// Times that it was taken out.
    openings: AtomicU64,
    /// When it last came back, Unix ms; 0 when it was never away.
    back_at_ms: AtomicU64,
}

impl Circuit {
    pub(crate) fn is_in(&self) -> bool {
        !self.out.load(Ordering::Relaxed)
    }

    pub(crate) fn failures(&self) -> u32 {
        self.failures.load(Ordering::Relaxed)
    }

    pub(crate) fn openings(&self) -> u64 {
        self.openings.load(Ordering::Relaxed)
    }

    /// When it last came back; `None` when it was never away.
    pub(crate) fn back_at(&self) -> Option<UnixMillis> {
        let ms = self.back_at_ms.load(Ordering::Relaxed);
        (ms > 0).then_some(UnixMillis(ms))
    }

    pub(crate) fn succeeded(&self) {
        // a store that is not needed would have all threads fight for the cache line
        if self.failures.load(Ordering::Relaxed) > 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    /// Notes a failure; `true` when this one, as the `limit`th in a row, takes the node out.
    pub(crate) fn failed(&self, limit: u32) -> bool {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        failures >= limit && self.open()
    }

    /// Takes it out; `false` when it is already.
    pub(crate) fn open(&self) -> bool {
        let opened = !self.out.swap(true, Ordering::Relaxed);
        if opened {
            self.openings.fetch_add(1, Ordering::Relaxed);
        }
        opened
    }

    /// Takes it in again; `false` when it is already.
    pub(crate) fn close(&self, now: UnixMillis) -> bool {
        self.failures.store(0, Ordering::Relaxed);
        if self.is_in() {
            return false;
        }
        // first, so that whoever finds it in finds out since when, too
        self.back_at_ms.store(now.0, Ordering::Relaxed);
        self.out.store(false, Ordering::Release);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_failures_in_a_row_take_a_node_out() {
        let circuit = Circuit::default();
        assert!(!circuit.failed(3) && !circuit.failed(3));
        circuit.succeeded();
        assert!(!circuit.failed(3) && !circuit.failed(3));
        assert!(circuit.is_in());
        assert!(circuit.failed(3));
        assert!(!circuit.is_in());
        assert!(!circuit.failed(3), "it is out already");
        assert_eq!((circuit.openings(), circuit.back_at()), (1, None));
    }

    #[test]
    fn a_node_that_comes_back_starts_anew() {
        let circuit = Circuit::default();
        assert!(!circuit.close(UnixMillis(5)), "it was never out");
        assert!(circuit.failed(1));
        assert!(circuit.close(UnixMillis(7)));
        assert!(circuit.is_in());
        assert_eq!((circuit.failures(), circuit.back_at()), (0, Some(UnixMillis(7))));
    }
}
