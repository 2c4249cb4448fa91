//! Reports to test outputs with.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::metrics::{
    Contains, Counter, Gauge, Group, GroupTree, Kind, Rate, Registry, Selector, Sink, Trend,
};
use crate::options::{Executor, Options, Scenario, SummaryMode, TrendStat};

use super::report::{MetricReport, Report, SubmetricReport, Verdict};
use super::timeline::Timeline;

/// A report in the making.
pub(super) struct Fixture {
    pub(super) registry: Registry,
    pub(super) report: Report,
    groups: GroupTree,
}

impl Fixture {
    /// Of a test that lasted so long.
    pub(super) fn new(duration: Duration) -> Self {
        let options = options();
        Self {
            registry: Registry::default(),
            groups: GroupTree::default(),
            report: Report {
                script: "script.js".to_owned(),
                duration,
                started_unix_ns: 1_700_000_000_000_000_000,
                metrics: Vec::new(),
                root_group: Group::default(),
                options: Arc::new(options),
                options_json: serde_json::json!({"summaryTrendStats": ["avg", "p(95)"]}),
                setup_data: serde_json::json!({"token": "abc"}),
                timeline: Timeline::default(),
                warnings: Vec::new(),
            },
        }
    }

    pub(super) fn option(&mut self, change: impl FnOnce(&mut Options)) {
        let mut options = (*self.report.options).clone();
        change(&mut options);
        self.report.options = Arc::new(options);
    }

    /// A metric of a built-in name, or a new one.
    pub(super) fn metric(&mut self, name: &str, contains: Contains, sink: Sink) {
        let kind = match &sink {
            Sink::Counter(_) => Kind::Counter,
            Sink::Gauge(_) => Kind::Gauge,
            Sink::Rate(_) => Kind::Rate,
            Sink::Trend(_) => Kind::Trend,
        };
        let id = self.registry.declare(name, kind, contains).unwrap();
        self.report.metrics.push(MetricReport {
            metric: self.registry.metric(id),
            sink,
            thresholds: Vec::new(),
            submetrics: Vec::new(),
        });
    }

    /// A part of the metric added last.
    pub(super) fn part(&mut self, tags: &[(&str, &str)], sink: Sink) {
        let of = self.report.metrics.last_mut().unwrap();
        of.submetrics.push(SubmetricReport {
            selector: Selector {
                metric: of.metric.name.to_string(),
                tags: tags
                    .iter()
                    .map(|(tag, value)| ((*tag).to_owned(), (*value).to_owned()))
                    .collect(),
            },
            sink,
            thresholds: Vec::new(),
        });
    }

    /// A threshold of what was added last.
    pub(super) fn threshold(&mut self, source: &str, ok: bool, value: f64) {
        let of = self.report.metrics.last_mut().unwrap();
        let thresholds = of
            .submetrics
            .last_mut()
            .map_or(&mut of.thresholds, |part| &mut part.thresholds);
        thresholds.push(Verdict {
            source: source.to_owned(),
            ok,
            value,
        });
    }

    pub(super) fn check(&mut self, group: &str, name: &str, passes: u64, fails: u64) {
        self.groups.count(group, name, passes, fails);
        self.report.root_group = self.groups.root().clone();
    }
}

pub(super) fn counter(sum: f64) -> Sink {
    Sink::Counter(Counter { sum, count: 1 })
}

pub(super) fn gauge(value: f64, min: f64, max: f64) -> Sink {
    Sink::Gauge(Gauge {
        value,
        min,
        max,
        unix_ns: 1,
    })
}

pub(super) fn rate(trues: u64, total: u64) -> Sink {
    Sink::Rate(Rate { trues, total })
}

/// Each value as often as said.
pub(super) fn trend(values: &[(f64, usize)]) -> Sink {
    let mut trend = Trend::default();
    for (value, times) in values {
        (0..*times).for_each(|_| trend.record(*value));
    }
    Sink::Trend(Box::new(trend))
}

pub(super) fn scenario(name: &str, executor: Executor) -> Scenario {
    Scenario {
        name: name.to_owned(),
        exec: "default".to_owned(),
        start_time: Duration::ZERO,
        graceful_stop: Duration::from_secs(30),
        env: BTreeMap::new(),
        tags: BTreeMap::new(),
        executor,
    }
}

fn options() -> Options {
    Options {
        scenarios: vec![scenario(
            "default",
            Executor::ConstantVus {
                vus: 3,
                duration: Duration::from_secs(10),
            },
        )],
        thresholds: Vec::new(),
        apart: Vec::new(),
        hosts: BTreeMap::new(),
        tags: BTreeMap::new(),
        system_tags: Vec::new(),
        insecure_skip_tls_verify: false,
        no_connection_reuse: false,
        no_vu_connection_reuse: false,
        no_cookies_reset: false,
        discard_response_bodies: false,
        max_redirects: 10,
        batch: 20,
        batch_per_host: 6,
        rps: None,
        user_agent: "proxima-load".to_owned(),
        min_iteration_duration: Duration::ZERO,
        setup_timeout: Duration::from_secs(60),
        teardown_timeout: Duration::from_secs(60),
        no_setup: false,
        no_teardown: false,
        no_thresholds: false,
        throw: false,
        summary_trend_stats: vec![
            TrendStat::Avg,
            TrendStat::Min,
            TrendStat::Med,
            TrendStat::Max,
            TrendStat::Percentile("p(90)".to_owned(), 90.0),
            TrendStat::Percentile("p(95)".to_owned(), 95.0),
        ],
        summary_time_unit: None,
        summary_mode: SummaryMode::Compact,
    }
}
