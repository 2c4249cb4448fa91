//! How many VUs there are in the course of a ramp.

use std::time::Duration;

use crate::options::RampingStage;

/// The VUs of a `ramping-vus` scenario over time.
///
/// A stage leads in a straight line from where the last one ended to its target. A VU starts when the line reaches its
/// number, and stops when the line reaches the number below; so a stage gets to its target at its very end. A stage of
/// no duration jumps.
#[derive(Debug, Clone)]
pub struct Ramp {
    /// None without duration; each starts where the one before ends.
    legs: Vec<Leg>,
    end: Change,
}

/// From `start.vus` to `to` in a straight line.
#[derive(Debug, Clone, Copy)]
struct Leg {
    start: Change,
    duration_ns: u128,
    to: u32,
}

/// A new number of VUs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// From when on, since the scenario's start.
    pub at: Duration,
    /// How many there are then.
    pub vus: u32,
}

impl Leg {
    /// How many VUs it adds or takes away.
    fn steps(&self) -> u32 {
        self.start.vus.abs_diff(self.to)
    }

    fn vus_after(&self, steps: u32) -> u32 {
        if self.to > self.start.vus {
            self.start.vus + steps
        } else {
            self.start.vus - steps
        }
    }

    /// The first nanosecond at which `step`, from 1, is done.
    fn time_of(&self, step: u32) -> Duration {
        let offset = (u128::from(step) * self.duration_ns).div_ceil(u128::from(self.steps().max(1)));
        self.start.at.saturating_add(Duration::from_nanos_u128(offset))
    }

    fn vus_at(&self, elapsed: Duration) -> u32 {
        let since = elapsed.saturating_sub(self.start.at).as_nanos();
        let steps = since.saturating_mul(u128::from(self.steps())) / self.duration_ns;
        self.vus_after(u32::try_from(steps).map_or(self.steps(), |steps| steps.min(self.steps())))
    }
}

impl Ramp {
    /// From `start_vus` along `stages`.
    #[must_use]
    pub fn new(start_vus: u32, stages: &[RampingStage]) -> Self {
        let mut legs = Vec::with_capacity(stages.len());
        let mut end = Change {
            at: Duration::ZERO,
            vus: start_vus,
        };
        for stage in stages {
            if !stage.duration.is_zero() {
                legs.push(Leg {
                    start: end,
                    duration_ns: stage.duration.as_nanos(),
                    to: stage.target,
                });
            }
            end = Change {
                at: end.at.saturating_add(stage.duration),
                vus: stage.target,
            };
        }
        Self { legs, end }
    }

    /// When the last stage is over.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.end.at
    }

    /// How many VUs there are; after the end, as many as the last stage aims at.
    #[must_use]
    pub fn vus_at(&self, elapsed: Duration) -> u32 {
        if elapsed >= self.end.at {
            return self.end.vus;
        }
        let after = self.legs.partition_point(|leg| leg.start.at <= elapsed);
        after
            .checked_sub(1)
            .map_or(self.end.vus, |leg| self.legs[leg].vus_at(elapsed))
    }

    /// All changes in the order of their times, starting from no VUs: one VU at a time along a line, as many as it
    /// takes in a jump. Two changes have the same time only on a line with more VUs than nanoseconds.
    #[must_use]
    pub fn changes(&self) -> Changes<'_> {
        Changes {
            ramp: self,
            leg: 0,
            step: 0,
            vus: 0,
        }
    }
}

/// Iterates over [`Ramp::changes`] without keeping them.
#[derive(Debug, Clone)]
pub struct Changes<'a> {
    ramp: &'a Ramp,
    leg: usize,
    /// Of the leg, the next one; 0 is its start.
    step: u32,
    vus: u32,
}

impl Changes<'_> {
    /// The next change along the legs or at the end, which may turn out to be none.
    fn advance(&mut self) -> Option<Change> {
        let Some(leg) = self.ramp.legs.get(self.leg) else {
            let first = self.leg == self.ramp.legs.len();
            self.leg = self.ramp.legs.len() + 1;
            return first.then_some(self.ramp.end);
        };
        let step = self.step;
        // The last step is at the next leg's start: that one says what there is then, after jumps.
        if step + 1 < leg.steps() {
            self.step += 1;
        } else {
            (self.leg, self.step) = (self.leg + 1, 0);
        }
        Some(if step == 0 {
            leg.start
        } else {
            Change {
                at: leg.time_of(step),
                vus: leg.vus_after(step),
            }
        })
    }
}

impl Iterator for Changes<'_> {
    type Item = Change;

    fn next(&mut self) -> Option<Change> {
        loop {
            let change = self.advance()?;
            if change.vus != self.vus {
                self.vus = change.vus;
                return Some(change);
            }
        }
    }
}

#[cfg(test)]
mod tests;
