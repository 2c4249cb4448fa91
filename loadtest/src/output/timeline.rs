//! How a test went over time, in memory that does not grow with its length.

use crate::metrics::{Aggregate, MetricId, Sink, builtin};

use super::number;
use super::values::float;

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
    /// Median of `http_req_duration` in milliseconds; NaN if there was no request, as for the others. In a slot that is
    /// longer than a second, percentiles are those of its worst second.
    pub p50_ms: f64,
    /// 95th percentile.
    pub p95_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
    /// VUs that there were.
    pub vus: u32,
}

/// Slots of equal length: a second at first, and twice as long whenever there would be too many. Then each two slots
/// that stand side by side become one: its rates are their means, weighted by length, its percentiles and VUs the
/// greater ones. So a percentile of a longer slot is the worst of its seconds, not that of all its requests.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    slots: Vec<Slot>,
    /// Of each slot, in seconds.
    lengths_s: Vec<f64>,
    /// How many times a slot has been doubled.
    doublings: u32,
    /// Pushes that the last slot has taken in.
    gathered: u64,
}

impl Timeline {
    /// Slots at most.
    pub const SLOTS_MAX: usize = 1_200;

    /// Adds what was measured since the last call, `length_s` seconds up to `end_s`.
    pub fn push(&mut self, end_s: f64, length_s: f64, delta: &Aggregate, vus: u32) {
        let slot = measure(end_s, length_s, delta, vus);
        if self.gathered < 1 << self.doublings
            && let (Some(last), Some(last_s)) = (self.slots.last_mut(), self.lengths_s.last_mut())
        {
            *last = join((*last, *last_s), (slot, length_s));
            *last_s += length_s;
            self.gathered += 1;
            return;
        }
        if self.slots.len() == Self::SLOTS_MAX {
            self.halve();
        }
        self.slots.push(slot);
        self.lengths_s.push(length_s);
        self.gathered = 1;
    }

    /// Oldest first.
    #[must_use]
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// [`Self::SLOTS_MAX`] is even, so that every slot has a neighbour to be joined with.
    fn halve(&mut self) {
        let joined = self
            .slots
            .chunks_exact(2)
            .zip(self.lengths_s.chunks_exact(2))
            .map(|(slots, lengths)| join((slots[0], lengths[0]), (slots[1], lengths[1])))
            .collect();
        self.slots = joined;
        self.lengths_s = self
            .lengths_s
            .chunks_exact(2)
            .map(|pair| pair[0] + pair[1])
            .collect();
        self.doublings += 1;
    }
}

fn measure(end_s: f64, length_s: f64, delta: &Aggregate, vus: u32) -> Slot {
    let per_second = |count: f64| number::per_second(count, length_s);
    let sum = |metric: MetricId| match delta.metric(metric) {
        Some(Sink::Counter(counter)) => counter.sum,
        _ => 0.0,
    };
    let failed = match delta.metric(builtin::HTTP_REQ_FAILED) {
        Some(Sink::Rate(rate)) => float(rate.trues),
        _ => 0.0,
    };
    let percentile = |percent: f64| match delta.metric(builtin::HTTP_REQ_DURATION) {
        Some(Sink::Trend(trend)) => trend.percentile(percent),
        _ => f64::NAN,
    };
    Slot {
        end_s,
        requests_per_s: per_second(sum(builtin::HTTP_REQS)),
        failed_per_s: per_second(failed),
        iterations_per_s: per_second(sum(builtin::ITERATIONS)),
        dropped_per_s: per_second(sum(builtin::DROPPED_ITERATIONS)),
        p50_ms: percentile(50.0),
        p95_ms: percentile(95.0),
        p99_ms: percentile(99.0),
        vus,
    }
}

/// Each slot comes with its length in seconds.
fn join((one, one_s): (Slot, f64), (other, other_s): (Slot, f64)) -> Slot {
    let whole_s = one_s + other_s;
    let mean = |a: f64, b: f64| {
        if whole_s > 0.0 {
            (a * one_s + b * other_s) / whole_s
        } else {
            b
        }
    };
    Slot {
        end_s: other.end_s,
        requests_per_s: mean(one.requests_per_s, other.requests_per_s),
        failed_per_s: mean(one.failed_per_s, other.failed_per_s),
        iterations_per_s: mean(one.iterations_per_s, other.iterations_per_s),
        dropped_per_s: mean(one.dropped_per_s, other.dropped_per_s),
        p50_ms: one.p50_ms.max(other.p50_ms), // of a number and NaN, the number
        p95_ms: one.p95_ms.max(other.p95_ms),
        p99_ms: one.p99_ms.max(other.p99_ms),
        vus: one.vus.max(other.vus),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::metrics::{Registry, TagSet};

    /// So many requests that took so long each, and as many iterations; one of the requests failed.
    fn second(requests: u32, ms: f64) -> Aggregate {
        let registry = Arc::new(Registry::default());
        let tags = TagSet::new(Vec::new(), &registry);
        let mut delta = Aggregate::new(registry, false);
        for place in 0..requests {
            let failed = f64::from(u8::from(place == 0));
            delta.record(builtin::HTTP_REQS, 1.0, 1, &tags);
            delta.record(builtin::HTTP_REQ_FAILED, failed, 1, &tags);
            delta.record(builtin::HTTP_REQ_DURATION, ms, 1, &tags);
            delta.record(builtin::ITERATIONS, 1.0, 1, &tags);
            delta.record(builtin::DROPPED_ITERATIONS, 2.0, 1, &tags);
        }
        delta
    }

    #[test]
    fn a_slot_has_what_happened_in_it_per_second() {
        let mut timeline = Timeline::default();
        timeline.push(0.5, 0.5, &second(10, 4.0), 3);
        let slot = Slot {
            end_s: 0.5,
            requests_per_s: 20.0,
            failed_per_s: 2.0,
            iterations_per_s: 20.0,
            dropped_per_s: 40.0,
            p50_ms: 4.0,
            p95_ms: 4.0,
            p99_ms: 4.0,
            vus: 3,
        };
        assert_eq!(timeline.slots(), [slot]);
    }

    #[test]
    fn without_requests_there_are_no_percentiles() {
        let mut timeline = Timeline::default();
        timeline.push(1.0, 1.0, &second(0, 0.0), 1);
        assert!(timeline.slots()[0].p99_ms.is_nan());
        assert_eq!(timeline.slots()[0].requests_per_s, 0.0);
    }

    #[test]
    fn a_joined_slot_has_the_mean_of_rates_and_the_worst_of_percentiles() {
        let slot = |end_s, requests_per_s, p95_ms, vus| Slot {
            end_s,
            requests_per_s,
            p95_ms,
            vus,
            ..Slot::default()
        };
        let joined = join(
            (slot(1.0, 10.0, 9.0, 5), 1.0),
            (slot(4.0, 50.0, f64::NAN, 2), 3.0),
        );
        assert_eq!(joined, slot(4.0, 40.0, 9.0, 5));
    }

    #[test]
    fn a_long_test_has_longer_slots_and_never_too_many() {
        let (quiet, busy) = (second(1, 1.0), second(3, 8.0));
        let mut timeline = Timeline::default();
        let seconds = u32::try_from(Timeline::SLOTS_MAX).unwrap() * 5 + 1;
        for second in 0..seconds {
            let delta = if second % 2 == 0 { &quiet } else { &busy };
            timeline.push(f64::from(second + 1), 1.0, delta, 1 + second % 2);
            assert!(timeline.slots().len() <= Timeline::SLOTS_MAX);
        }
        // Three doublings made slots of eight seconds.
        let slots = timeline.slots();
        assert_eq!(slots.len(), seconds.div_ceil(8) as usize);
        assert_eq!((slots[0].end_s, slots[1].end_s), (8.0, 16.0));
        let last = slots[slots.len() - 1];
        assert_eq!(
            (last.end_s, last.requests_per_s, last.p95_ms),
            (f64::from(seconds), 1.0, 1.0)
        );
        for slot in &slots[..slots.len() - 1] {
            assert_eq!((slot.requests_per_s, slot.p95_ms, slot.vus), (2.0, 8.0, 2));
        }
    }
}
