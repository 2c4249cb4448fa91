//! When the iterations of an arrival-rate scenario start.

use std::time::Duration;

use crate::options::{Executor, RampingStage};

/// The start times of an arrival-rate scenario's iterations.
///
/// The rate over time is a line of straight pieces, and its integral is how many iterations are due. Iteration `i`,
/// from 0, starts where the integral leaves `i`: at 0 for the first one unless the rate is 0 there, and every
/// `time unit / rate` where the rate is constant. What would start at the very end does not start.
///
/// Whole pieces are counted in integers, and so are times in flat ones, rounded down to nanoseconds; within a slope
/// the error is a few parts in 10¹⁶ of its duration. So nothing drifts, however long a test is.
#[derive(Debug, Clone)]
pub struct Arrivals {
    /// Each has iterations or at least time, and starts where the one before ends.
    legs: Vec<Leg>,
    time_unit_ns: u128,
    duration: Duration,
    total: u64,
}

/// A time in which the rate changes evenly, if at all.
#[derive(Debug, Clone, Copy)]
struct Leg {
    start: Duration,
    duration_ns: u128,
    /// Iterations per time unit at the start and at the end.
    from: u32,
    to: u32,
    /// Iterations due when it starts, times `2 × time unit` in nanoseconds: a whole number, whatever the stages.
    due: u128,
}

impl Leg {
    /// Iterations that become due in it, in the measure of `due`.
    fn area(&self) -> u128 {
        (u128::from(self.from) + u128::from(self.to)).saturating_mul(self.duration_ns)
    }

    /// When the integral over the leg reaches `area`, in nanoseconds from its start.
    ///
    /// With the slope `a = (to − from) / duration` that is where `2·from·t + a·t² = area`. Of the two ways to write
    /// the root this one subtracts nothing, nor does what is under it: the discriminant of a falling rate is counted
    /// from the leg's end.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "only slopes get there, whose error is told; the result is between 0 and the duration"
    )]
    fn time_of(&self, area: u128) -> u128 {
        if self.from == self.to {
            return area / (2 * u128::from(self.from)).max(1);
        }
        let (from, to) = (f64::from(self.from), f64::from(self.to));
        let slope = (to - from).abs() / self.duration_ns as f64;
        let (slow, since_slow) = if from < to {
            (from, area)
        } else {
            (to, self.area().saturating_sub(area))
        };
        let root = (slow * slow + slope * since_slow as f64).sqrt();
        let time = if area == 0 {
            0.0
        } else {
            area as f64 / (from + root)
        };
        (time as u128).min(self.duration_ns)
    }

    fn rate_at(&self, elapsed: Duration) -> f64 {
        let since = elapsed.saturating_sub(self.start).as_secs_f64();
        let share = since / Duration::from_nanos_u128(self.duration_ns).as_secs_f64();
        f64::from(self.from) + (f64::from(self.to) - f64::from(self.from)) * share
    }
}

/// The start of an iteration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Its number in the scenario, from 0.
    pub iteration: u64,
    /// Since the scenario's start.
    pub at: Duration,
}

impl Arrivals {
    /// `rate` per `time_unit` for `duration`.
    #[must_use]
    pub fn constant(rate: u32, time_unit: Duration, duration: Duration) -> Self {
        let stage = RampingStage {
            duration,
            target: rate,
        };
        Self::ramping(rate, time_unit, &[stage])
    }

    /// From `start_rate` per `time_unit` along `stages`; one of no duration jumps.
    #[must_use]
    pub fn ramping(start_rate: u32, time_unit: Duration, stages: &[RampingStage]) -> Self {
        let time_unit_ns = time_unit.as_nanos().max(1);
        let mut legs = Vec::with_capacity(stages.len());
        let (mut duration, mut due, mut rate) = (Duration::ZERO, 0_u128, start_rate);
        for stage in stages {
            if !stage.duration.is_zero() {
                let leg = Leg {
                    start: duration,
                    duration_ns: stage.duration.as_nanos(),
                    from: rate,
                    to: stage.target,
                    due,
                };
                due = due.saturating_add(leg.area());
                duration = duration.saturating_add(stage.duration);
                legs.push(leg);
            }
            rate = stage.target;
        }
        Self {
            legs,
            time_unit_ns,
            duration,
            total: u64::try_from(due.div_ceil(2 * time_unit_ns)).unwrap_or(u64::MAX),
        }
    }

    /// Those of a scenario whose executor has arrivals.
    #[must_use]
    pub fn of(executor: &Executor) -> Option<Self> {
        match executor {
            Executor::ConstantArrivalRate {
                rate,
                time_unit,
                duration,
                ..
            } => Some(Self::constant(*rate, *time_unit, *duration)),
            Executor::RampingArrivalRate {
                start_rate,
                time_unit,
                stages,
                ..
            } => Some(Self::ramping(*start_rate, *time_unit, stages)),
            _ => None,
        }
    }

    /// How many iterations start in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// When the last stage is over; no iteration starts then or later.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// When iteration `i`, from 0, starts, since the scenario's start; `None` if the scenario ends before.
    #[must_use]
    pub fn nth(&self, i: u64) -> Option<Duration> {
        let due = self.due(i)?;
        let after = self.legs.partition_point(|leg| leg.due <= due);
        self.start_in(after.checked_sub(1)?, due)
    }

    /// Iterations per second; of a jump, what it leads to, and 0 when the scenario is over.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "it is shown to people")]
    pub fn rate_at(&self, elapsed: Duration) -> f64 {
        if elapsed >= self.duration {
            return 0.0;
        }
        let after = self.legs.partition_point(|leg| leg.start <= elapsed);
        let per_unit = after
            .checked_sub(1)
            .map_or(0.0, |leg| self.legs[leg].rate_at(elapsed));
        per_unit * 1e9 / self.time_unit_ns as f64
    }

    /// Iterations `i ≡ index (mod shards)` in order, the part of shard `index`; none, if there is no such shard.
    #[must_use]
    pub fn shard(self, index: u64, shards: u64) -> ShardArrivals {
        ShardArrivals {
            arrivals: self,
            next: (index < shards).then_some(index),
            step: shards,
            leg: 0,
        }
    }

    /// Iteration `i` in the measure of [`Leg::due`], if it is to start.
    fn due(&self, i: u64) -> Option<u128> {
        (i < self.total).then(|| u128::from(i) * 2 * self.time_unit_ns)
    }

    fn start_in(&self, leg: usize, due: u128) -> Option<Duration> {
        let leg = self.legs.get(leg)?;
        let offset = Duration::from_nanos_u128(leg.time_of(due - leg.due));
        // A slope that falls to 0 can round up to its end.
        let last = self.duration.saturating_sub(Duration::from_nanos(1));
        Some(leg.start.saturating_add(offset).min(last))
    }
}

/// The arrivals of one shard, in constant time each.
#[derive(Debug, Clone)]
pub struct ShardArrivals {
    arrivals: Arrivals,
    next: Option<u64>,
    step: u64,
    /// Where the last one was.
    leg: usize,
}

impl Iterator for ShardArrivals {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let iteration = self.next?;
        let due = self.arrivals.due(iteration)?;
        while self
            .arrivals
            .legs
            .get(self.leg + 1)
            .is_some_and(|leg| leg.due <= due)
        {
            self.leg += 1;
        }
        let at = self.arrivals.start_in(self.leg, due)?;
        self.next = iteration.checked_add(self.step);
        Some(Arrival { iteration, at })
    }
}

#[cfg(test)]
mod tests;
