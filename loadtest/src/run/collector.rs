//! What all threads measured, taken from them every second.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::log::Level;
use crate::metrics::{Aggregate, Sample, Sink, TagSet, Tags, builtin};
use crate::output::progress::LiveStats;
use crate::output::raw::Output;
use crate::output::timeline::Timeline;
use crate::threshold::Threshold;

use super::{StopReason, Test, unix_ns};

/// How often thresholds are judged while a test runs: at every second collection, and those are never quite on time.
const JUDGE_EVERY: Duration = Duration::from_millis(1_500);
/// A shorter time says nothing of how fast a test was.
const TIMELINE_SLOT_MIN_S: f64 = 0.25;

/// The measurements of a test.
pub(super) struct Collector {
    test: Arc<Test>,
    sources: Vec<Arc<Mutex<Aggregate>>>,
    /// Swapped with each source in turn.
    spare: Aggregate,
    /// Of the last second.
    delta: Aggregate,
    whole: Aggregate,
    outputs: Vec<Box<dyn Output>>,
    /// How many there were at first: those that cannot be written to are given up.
    outputs_wanted: usize,
    timeline: Timeline,
    tags: Tags,
    /// All scenarios have ended: who is there does not say anything of the test any more.
    over: bool,
    last: Instant,
    judged: Instant,
}

/// All that a test measured.
pub(super) struct Collected {
    /// Sums of everything.
    pub(super) whole: Aggregate,
    /// Second by second.
    pub(super) timeline: Timeline,
    /// An output lacks samples.
    pub(super) lost_samples: bool,
}

impl Collector {
    /// Of a test that starts now.
    #[must_use]
    pub(super) fn new(
        test: Arc<Test>,
        sources: Vec<Arc<Mutex<Aggregate>>>,
        outputs: Vec<Box<dyn Output>>,
    ) -> Self {
        let registry = &test.script.registry;
        let keep_samples = !outputs.is_empty();
        let tags = test
            .options
            .tags
            .iter()
            .map(|(name, value)| (name.as_str().into(), value.as_str().into()));
        Self {
            spare: Aggregate::new(registry.clone(), keep_samples),
            delta: Aggregate::new(registry.clone(), keep_samples),
            whole: Aggregate::new(registry.clone(), false),
            timeline: Timeline::default(),
            tags: TagSet::new(tags.collect(), registry),
            over: false,
            last: Instant::now(),
            judged: Instant::now(),
            sources,
            outputs_wanted: outputs.len(),
            outputs,
            test,
        }
    }

    /// Takes what was measured since the last call, and says how fast the test is now.
    pub(super) fn collect(&mut self) -> LiveStats {
        let (now, test) = (Instant::now(), self.test.clone());
        self.delta.clear();
        // A test of less than a second was never looked at while it ran.
        if !self.over || self.whole.metric(builtin::VUS).is_none() {
            self.gauge();
        }
        write(&mut self.outputs, &test, self.delta.samples());
        for source in self.sources.clone() {
            self.spare.clear();
            std::mem::swap(&mut *source.lock(), &mut self.spare);
            self.delta.merge(&self.spare);
            write(&mut self.outputs, &test, self.spare.samples());
        }
        self.whole.merge(&self.delta);
        let length = now.duration_since(self.last).as_secs_f64();
        self.last = now;
        // What comes in after the last second would look like a stand-still.
        let tells = length >= TIMELINE_SLOT_MIN_S || self.timeline.slots().is_empty();
        if let Some(started) = test.started().filter(|_| tells) {
            let end = now.saturating_duration_since(started).as_secs_f64();
            self.timeline.push(end, length, &self.delta, self.active());
        }
        self.live(length)
    }

    /// Ends the test if a threshold with `abortOnFail` does not hold any more.
    pub(super) fn judge(&mut self) {
        let (now, test) = (Instant::now(), self.test.clone());
        if test.options.no_thresholds || now.duration_since(self.judged) < JUDGE_EVERY {
            return;
        }
        self.judged = now;
        let elapsed = test
            .started()
            .map_or(Duration::ZERO, |started| now.saturating_duration_since(started));
        for threshold in test
            .options
            .thresholds
            .iter()
            .filter(|threshold| threshold.abort_on_fail)
        {
            if elapsed < threshold.delay_abort_eval {
                continue;
            }
            let Some(sink) = self.sink(threshold) else {
                continue;
            }; // nothing was measured yet
            if !threshold.judge(Some(sink), elapsed).0 {
                test.stop(StopReason::Threshold(format!(
                    "{}: {}",
                    threshold.selector, threshold.source
                )));
            }
        }
    }

    /// What a threshold looks at; `None` if nothing of it was measured.
    fn sink(&self, threshold: &Threshold) -> Option<&Sink> {
        let (metric, series) = self.test.script.registry.select(&threshold.selector).ok()?;
        match series {
            Some(series) => self.whole.submetric(series),
            None => self.whole.metric(metric),
        }
    }

    /// Takes the last measurements, and closes the outputs.
    #[must_use]
    pub(super) fn finish(mut self) -> Collected {
        self.over = true;
        self.collect();
        let mut lost_samples = self.outputs.len() < self.outputs_wanted;
        for output in self.outputs {
            if let Err(error) = output.finish() {
                self.test.script.log.line(Level::Error, &error.to_string());
                lost_samples = true;
            }
        }
        Collected {
            lost_samples,
            whole: self.whole,
            timeline: self.timeline,
        }
    }

    fn active(&self) -> u32 {
        self.test
            .scenarios
            .iter()
            .map(|scenario| scenario.active.load(Ordering::Relaxed))
            .sum()
    }

    fn gauge(&mut self) {
        let there: u32 = self
            .test
            .scenarios
            .iter()
            .map(|scenario| scenario.vus.load(Ordering::Relaxed))
            .sum();
        let now = unix_ns();
        let active = if self.over { there } else { self.active() };
        self.delta.record(builtin::VUS, active.into(), now, &self.tags);
        self.delta.record(builtin::VUS_MAX, there.into(), now, &self.tags);
    }

    fn live(&self, length: f64) -> LiveStats {
        let per_s = |count: f64| if length > 0.0 { count / length } else { 0.0 };
        let count = |sink: Option<&Sink>| match sink {
            Some(Sink::Counter(counter)) => counter.sum,
            #[expect(clippy::cast_precision_loss, reason = "of one second")]
            Some(Sink::Rate(rate)) => rate.trues as f64,
            _ => 0.0,
        };
        let p95_ms = match self.delta.metric(builtin::HTTP_REQ_DURATION) {
            Some(Sink::Trend(trend)) => trend.percentile(95.0),
            _ => 0.0,
        };
        LiveStats {
            requests_per_s: per_s(count(self.delta.metric(builtin::HTTP_REQS))),
            failed_per_s: per_s(count(self.delta.metric(builtin::HTTP_REQ_FAILED))),
            p95_ms,
        }
    }
}

/// Hands samples to all outputs. One that cannot be written to is given up: the test goes on without it.
fn write(outputs: &mut Vec<Box<dyn Output>>, test: &Test, samples: &[Sample]) {
    let (registry, thresholds) = (&test.script.registry, &test.options.thresholds);
    outputs.retain_mut(|output| match output.write(samples, registry, thresholds) {
        Ok(()) => true,
        Err(error) => {
            test.script
                .log
                .line(Level::Error, &format!("{error}; nothing more is written there"));
            false
        }
    });
}
