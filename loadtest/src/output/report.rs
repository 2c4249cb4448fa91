//! Everything that the outputs at the end of a test are made of.

use std::sync::Arc;
use std::time::Duration;

use crate::metrics::{Group, Metric, Selector, Sink};
use crate::options::{Options, Scenario};

use super::timeline::Timeline;

/// A test that is over.
#[derive(Debug)]
pub struct Report {
    /// The script's file name, for titles.
    pub script: String,
    /// From the first scenario's start to the end of the last iteration.
    pub duration: Duration,
    /// When the test started, in nanoseconds since the Unix epoch.
    pub started_unix_ns: u64,
    /// Every metric that has a value or a threshold, by name.
    pub metrics: Vec<MetricReport>,
    /// Groups and checks.
    pub root_group: Group,
    /// Options as the test ran with them.
    pub options: Arc<Options>,
    /// The same, as `handleSummary` gets them.
    pub options_json: serde_json::Value,
    /// What `setup` returned.
    pub setup_data: serde_json::Value,
    /// How the test went, second by second.
    pub timeline: Timeline,
    /// Sentences for the operator: the generator was the bottleneck, iterations were dropped, ...
    pub warnings: Vec<String>,
}

/// A metric and its sub-metrics.
#[derive(Debug)]
pub struct MetricReport {
    /// Its name and kind.
    pub metric: Arc<Metric>,
    /// All its values; empty if there were none.
    pub sink: Sink,
    /// What was demanded of it.
    pub thresholds: Vec<Verdict>,
    /// By the order in which they were asked for.
    pub submetrics: Vec<SubmetricReport>,
}

/// Some of a metric's samples.
#[derive(Debug)]
pub struct SubmetricReport {
    /// Which ones.
    pub selector: Selector,
    /// Their values; empty if there were none.
    pub sink: Sink,
    /// What was demanded of them.
    pub thresholds: Vec<Verdict>,
}

/// Whether a threshold held.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// As the script has it.
    pub source: String,
    /// It held.
    pub ok: bool,
    /// What was compared, in the metric's unit.
    pub value: f64,
}

/// How far a scenario has come.
#[derive(Debug, Clone)]
pub struct Progress {
    /// Which one.
    pub scenario: Arc<Scenario>,
    /// VUs in an iteration, and VUs there are.
    pub vus: (u32, u32),
    /// Iterations that ended.
    pub iterations: u64,
    /// Iterations that were not started for want of a VU.
    pub dropped: u64,
    /// Iterations per second that are wanted now; `None` for executors without a rate.
    pub rate: Option<f64>,
    /// Time since its start; `None` before.
    pub elapsed: Option<Duration>,
    /// Nothing of it is under way any more.
    pub ended: bool,
}
