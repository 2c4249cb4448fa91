//! How a test is coming along, on the terminal that it was started from.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::options::{Executor, Scenario};

use super::number::{duration, plain};
use super::report::Progress;
use super::values::float;

/// Drawings per second at most.
const DRAWINGS_PER_S: u8 = 5;
/// Steps of a full bar.
const STEPS: u32 = 1_000;
/// Columns of a scenario's name at most.
const NAME_WIDTH_MAX: usize = 24;

/// What the last second was like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LiveStats {
    /// Requests per second.
    pub requests_per_s: f64,
    /// 95th percentile of `http_req_duration` in milliseconds; NaN if there was no request.
    pub p95_ms: f64,
    /// Requests that failed, per second.
    pub failed_per_s: f64,
}

/// A bar for each scenario, and a line for all of them. Threads may share it.
pub struct Display {
    all: MultiProgress,
    bars: Vec<(Arc<Scenario>, ProgressBar)>,
    live: ProgressBar,
    /// Something is drawn that other text could tear.
    drawn: AtomicBool,
}

impl Display {
    /// Draws on standard error. Nothing is drawn if it is not `enabled`, or if standard error is no terminal.
    #[must_use]
    pub fn new(enabled: bool, scenarios: &[Arc<Scenario>]) -> Self {
        Self::on(
            if enabled {
                ProgressDrawTarget::stderr_with_hz(DRAWINGS_PER_S)
            } else {
                ProgressDrawTarget::hidden()
            },
            scenarios,
        )
    }

    fn on(target: ProgressDrawTarget, scenarios: &[Arc<Scenario>]) -> Self {
        let drawn = AtomicBool::new(!target.is_hidden());
        let all = MultiProgress::with_draw_target(target);
        let longest = scenarios
            .iter()
            .map(|scenario| scenario.name.chars().count())
            .max();
        let width = longest.unwrap_or(0).min(NAME_WIDTH_MAX);
        let bars = scenarios
            .iter()
            .map(|scenario| {
                let bar = all.add(ProgressBar::new(STEPS.into()));
                bar.set_style(
                    ProgressStyle::with_template("{prefix} [{bar:28}] {wide_msg}")
                        .expect("the template is valid")
                        .progress_chars("=>-"),
                );
                let name: String = scenario.name.chars().take(width).collect();
                bar.set_prefix(format!("{name:width$}"));
                (scenario.clone(), bar)
            })
            .collect();
        let live = all.add(ProgressBar::no_length());
        live.set_style(ProgressStyle::with_template("{wide_msg}").expect("the template is valid"));
        Self {
            all,
            bars,
            live,
            drawn,
        }
    }

    /// Shows how far the scenarios have come.
    pub fn update(&self, scenarios: &[Progress], stats: LiveStats) {
        if !self.drawn.load(Ordering::Relaxed) {
            return;
        }
        for progress in scenarios {
            if let Some((_, bar)) = self.bars.iter().find(|(of, _)| of.name == progress.scenario.name) {
                bar.set_position(steps(progress));
                bar.set_message(message(progress));
            }
        }
        self.live.set_message(live(stats));
    }

    /// Writes a line to standard error, above whatever is drawn.
    pub fn println(&self, line: &str) {
        // A reader that has gone away, like that of a closed pipe, is no reason to end a test.
        let _ = if self.drawn.load(Ordering::Relaxed) {
            self.all.println(line)
        } else {
            writeln!(io::stderr().lock(), "{line}")
        };
    }

    /// Leaves the bars as they are, and draws nothing any more.
    pub fn finish(&self) {
        if self.drawn.swap(false, Ordering::Relaxed) {
            self.live.finish_and_clear();
            for (_, bar) in &self.bars {
                bar.abandon();
            }
        }
    }
}

/// Of [`STEPS`].
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of the steps, and not below 0"
)]
fn steps(progress: &Progress) -> u64 {
    let share = if progress.ended {
        1.0
    } else if let Some(wanted) = iterations_wanted(&progress.scenario.executor) {
        float(progress.iterations) / float(wanted.max(1))
    } else {
        let whole = progress.scenario.executor.duration().as_secs_f64();
        progress
            .elapsed
            .map_or(0.0, |elapsed| elapsed.as_secs_f64() / whole)
    };
    // A whole of no length gives no number, which `as` turns into 0.
    (share.clamp(0.0, 1.0) * f64::from(STEPS)) as u64
}

/// `None` for executors that end by the clock.
fn iterations_wanted(executor: &Executor) -> Option<u64> {
    match executor {
        Executor::PerVuIterations { vus, iterations, .. } => {
            Some(u64::from(*vus).saturating_mul(*iterations))
        }
        Executor::SharedIterations { iterations, .. } => Some(*iterations),
        _ => None,
    }
}

/// `3/10 VUs  12s/1m0s  240 iters`, with the rate that is wanted, and with dropped iterations if there are any.
fn message(progress: &Progress) -> String {
    let executor = &progress.scenario.executor;
    let Some(elapsed) = progress.elapsed else {
        let start = duration(progress.scenario.start_time.as_secs_f64() * 1e3, None);
        return format!("starts at {start}");
    };
    let (active, all) = progress.vus;
    let whole = executor.duration();
    let whole_seconds = float(elapsed.min(whole).as_secs());
    let mut parts = vec![
        format!("{active}/{all} VUs"),
        format!(
            "{}/{}",
            duration(whole_seconds * 1e3, None),
            duration(whole.as_secs_f64() * 1e3, None)
        ),
        iterations_wanted(executor).map_or_else(
            || format!("{} iters", progress.iterations),
            |wanted| format!("{}/{wanted} iters", progress.iterations),
        ),
    ];
    if let Some(rate) = progress.rate {
        parts.push(format!("{} iters/s", plain((rate * 100.0).round() / 100.0)));
    }
    if progress.dropped > 0 {
        parts.push(format!("{} dropped", progress.dropped));
    }
    if progress.ended {
        parts.push("ended".to_owned());
    }
    parts.join("  ")
}

/// `250 requests/s  p95 12.3ms  0 failed/s`
fn live(stats: LiveStats) -> String {
    let p95 = if stats.p95_ms.is_finite() {
        duration(stats.p95_ms, None)
    } else {
        "-".to_owned()
    };
    format!(
        "{:.0} requests/s  p95 {p95}  {:.0} failed/s",
        stats.requests_per_s, stats.failed_per_s
    )
}

#[cfg(test)]
mod tests;
