//! Places that threads share out among themselves, for what every request writes to: in one place for all, each request would
//! wait for the cache line, or the lock, of the last.

use std::cell::Cell;
use std::num::NonZero;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many places there are at most to share out. With more threads than places, some share one.
const PLACES_MAX: usize = 64;

/// How many places there are: one for each processor.
pub(crate) fn places() -> usize {
    static PLACES: OnceLock<usize> = OnceLock::new();
    *PLACES.get_or_init(|| {
        std::thread::available_parallelism()
            .map_or(1, NonZero::get)
            .min(PLACES_MAX)
    })
}

thread_local! {
    static OWN: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Something for each place, two cache lines apart from the next: processors fetch them in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Apart<T>(T);

/// One of something for each place.
#[derive(Debug)]
pub(crate) struct PerThread<T>(Box<[Apart<T>]>);

impl<T: Default> PerThread<T> {
    pub(crate) fn new() -> Self {
        Self((0..places()).map(|_| Apart::default()).collect())
    }

    /// The one of the thread that asks.
    pub(crate) fn own(&self) -> &T {
        &self.0[own_place() % self.0.len()].0
    }

    /// All of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|apart| &apart.0)
    }
}

/// This thread's number; threads get theirs in the order in which they first ask.
fn own_place() -> usize {
    static TAKEN: AtomicUsize = AtomicUsize::new(0);
    OWN.get().unwrap_or_else(|| {
        let place = TAKEN.fetch_add(1, Ordering::Relaxed);
        OWN.set(Some(place));
        place
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_share_the_places_out_and_nothing_is_lost() {
        let counts: PerThread<AtomicUsize> = PerThread::new();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    (0..1000).for_each(|_| {
                        counts.own().fetch_add(1, Ordering::Relaxed);
                    });
                });
            }
        });
        let counted: Vec<usize> = counts.all().map(|count| count.load(Ordering::Relaxed)).collect();
        assert_eq!(counted.iter().sum::<usize>(), 4000);
        let used = counted.iter().filter(|&&count| count > 0).count();
        assert_eq!(used, places().min(4), "{counted:?}");
    }
}
