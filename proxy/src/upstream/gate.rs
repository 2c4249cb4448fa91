//! How many reads are at origins at once, and how many may wait for their turn: a cold cache, a dead ring or a flood of keys
//! that nobody has asked for before must not become a stampede.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use proxima_config::checked::Upstream as UpstreamConfig;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

/// How much of the mean time that places are held is the latest one's: about the last sixteen count.
const LATEST_WEIGHT: f64 = 1.0 / 16.0;
/// What a refused client is told to wait at least and at most: a promise further ahead would be a guess.
const RETRY_AFTER_S_MIN: u32 = 1;
const RETRY_AFTER_S_MAX: u32 = 60;

const NANOS_PER_S: u128 = 1_000_000_000;

/// Lets `max_fetches` reads through at once; the others wait in the order they came, no more than `max_queued` of them and
/// none longer than `patience`.
#[derive(Debug)]
pub(crate) struct Gate {
    places: Arc<Semaphore>,
    max_fetches: usize,
    max_queued: usize,
    patience: Duration,
    waiting: AtomicUsize,
    /// Exponentially weighted; `None` until the first place was given back.
    mean_held: Mutex<Option<Duration>>,
}

/// A place among the reads that are at origins. Dropping it gives it to whoever has waited longest.
#[derive(Debug)]
pub(crate) struct Pass {
    gate: Arc<Gate>,
    since: Instant,
    /// Given back after [`Drop`] has noted how long it was held.
    _place: OwnedSemaphorePermit,
}

/// Why a read was not let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// As many wait as may.
    QueueFull,
    /// No place came free in time.
    Timeout,
}

impl Refusal {
    /// Value of the metric label `reason`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::Timeout => "timeout",
        }
    }
}

/// A read that was not let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Overload {
    pub(crate) reason: Refusal,
    /// When those who wait now should have had their turn.
    pub(crate) retry_after_s: u32,
}

/// One that waits, for as long as it does.
struct Waiting<'g>(&'g AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Gate {
    pub(crate) fn new(config: &UpstreamConfig) -> Arc<Self> {
        Arc::new(Self {
            places: Arc::new(Semaphore::new(config.max_fetches)),
            max_fetches: config.max_fetches,
            max_queued: config.max_queued_fetches,
            patience: config.fetch_queue_timeout,
            waiting: AtomicUsize::new(0),
            mean_held: Mutex::default(),
        })
    }

    /// Waits for a place.
    ///
    /// # Errors
    /// [`Overload`] at once when too many wait already, or when no place came free in time.
    pub(crate) async fn enter(self: &Arc<Self>) -> Result<Pass, Overload> {
        // nobody is overtaken: a place that is given back while others wait is theirs before it counts as free
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(self.pass(place));
        }
        let waiting = self.queue().ok_or_else(|| self.overload(Refusal::QueueFull))?;
        let place = timeout(self.patience, Arc::clone(&self.places).acquire_owned()).await;
        drop(waiting);
        match place {
            Ok(Ok(place)) => Ok(self.pass(place)),
            // the inner error would say that the semaphore is closed, which it never is
            Ok(Err(_)) | Err(_) => Err(self.overload(Refusal::Timeout)),
        }
    }

    /// Reads that hold a place.
    pub(crate) fn in_flight(&self) -> usize {
        self.max_fetches.saturating_sub(self.places.available_permits())
    }

    /// Reads that wait for one.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    fn queue(&self) -> Option<Waiting<'_>> {
        let room = |waiting| (waiting < self.max_queued).then_some(waiting + 1);
        self.waiting
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, room)
            .ok()?;
        Some(Waiting(&self.waiting))
    }

    fn pass(self: &Arc<Self>, place: OwnedSemaphorePermit) -> Pass {
        Pass {
            gate: Arc::clone(self),
            since: Instant::now(),
            _place: place,
        }
    }

    fn overload(&self, reason: Refusal) -> Overload {
        let mean_held = self.mean_held.lock().unwrap_or_default();
        Overload {
            reason,
            retry_after_s: retry_after_s(self.waiting(), mean_held, self.max_fetches),
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let held = self.since.elapsed();
        let mut mean = self.gate.mean_held.lock();
        *mean = Some(mean.map_or(held, |mean| averaged(mean, held)));
    }
}

/// The mean once one more place has been given back.
fn averaged(mean: Duration, held: Duration) -> Duration {
    mean.mul_f64(1.0 - LATEST_WEIGHT) + held.mul_f64(LATEST_WEIGHT)
}

/// Seconds until one more than `waiting` have had their turn, when `max_fetches` (at least 1) at a time take `mean_held` each.
fn retry_after_s(waiting: usize, mean_held: Duration, max_fetches: usize) -> u32 {
    let work_ns = mean_held.as_nanos().saturating_mul(waiting as u128 + 1);
    let seconds = work_ns.div_ceil(max_fetches as u128 * NANOS_PER_S);
    u32::try_from(seconds).map_or(RETRY_AFTER_S_MAX, |seconds| {
        seconds.clamp(RETRY_AFTER_S_MIN, RETRY_AFTER_S_MAX)
    })
}

#[cfg(test)]
mod tests;
