//! How a test went over time, in memory that does not grow with its length.

use crate::metrics::Aggregate;

/// What happened in one slot of time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Slot {
    /// Its end, in seconds since the start of the test.
    pub end_s: f64,
    /// Requests per second.
    pub requests_per_s: f64,
    /// Requests that failed, per second.
    pub failed_per_s: f64,
    /// Iterations per second.
    pub iterations_per_s: f64,
    /// Iterations that were dropped, per second.
    pub dropped_per_s: f64,
    /// Median of `http_req_duration` in milliseconds; NaN if there was no request, as for the others.
    pub p50_ms: f64,
    /// 95th percentile.
    pub p95_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
    /// VUs that there were.
    pub vus: u32,
}

/// Slots of equal length: a second at first, and longer ones when there would be too many.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    slots: Vec<Slot>,
}

impl Timeline {
    /// Slots at most.
    pub const SLOTS_MAX: usize = 1_200;

    /// Adds what was measured since the last call, `length_s` seconds up to `end_s`.
    pub fn push(&mut self, _end_s: f64, _length_s: f64, _delta: &Aggregate, _vus: u32) {}

    /// Oldest first.
    #[must_use]
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }
}
