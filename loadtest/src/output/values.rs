//! The numbers that a metric is summed up in, by the names that k6 gives them.

use serde_json::{Map, Value};

use crate::metrics::{Metric, Sink, Trend};
use crate::options::TrendStat;

use super::number::per_second;
use super::report::{Report, Verdict};

/// Name and value of one column.
pub(super) fn stat<'a>(trend: &Trend, stat: &'a TrendStat) -> (&'a str, f64) {
    match stat {
        TrendStat::Avg => ("avg", trend.avg()),
        TrendStat::Min => ("min", trend.min()),
        TrendStat::Med => ("med", trend.percentile(50.0)),
        TrendStat::Max => ("max", trend.max()),
        TrendStat::Count => ("count", float(trend.count())),
        TrendStat::Percentile(name, percent) => (name, trend.percentile(*percent)),
    }
}

/// All of a metric's numbers: a trend's are the columns of the summary, a rate's share is called `rate_name`.
pub(super) fn all(sink: &Sink, report: &Report, rate_name: &str) -> Map<String, Value> {
    let numbers: Vec<(&str, f64)> = match sink {
        Sink::Counter(counter) => vec![
            ("count", counter.sum),
            ("rate", per_second(counter.sum, report.duration.as_secs_f64())),
        ],
        Sink::Gauge(gauge) => vec![("value", gauge.value), ("min", gauge.min), ("max", gauge.max)],
        Sink::Rate(rate) => vec![
            (rate_name, rate.share()),
            ("passes", float(rate.trues)),
            ("fails", float(rate.total - rate.trues)),
        ],
        Sink::Trend(trend) => report
            .options
            .summary_trend_stats
            .iter()
            .map(|wanted| stat(trend, wanted))
            .collect(),
    };
    numbers
        .into_iter()
        .map(|(name, value)| (name.to_owned(), json(value)))
        .collect()
}

/// An entry for each metric, and one named `metric{tag:value}` for each sub-metric that has values or thresholds.
pub(super) fn entries(
    report: &Report,
    entry: impl Fn(&Metric, &Sink, &[Verdict]) -> Value,
) -> Map<String, Value> {
    let mut entries = Map::new();
    for of in &report.metrics {
        entries.insert(
            of.metric.name.to_string(),
            entry(&of.metric, &of.sink, &of.thresholds),
        );
        for part in &of.submetrics {
            if !part.sink.is_empty() || !part.thresholds.is_empty() {
                entries.insert(
                    part.selector.to_string(),
                    entry(&of.metric, &part.sink, &part.thresholds),
                );
            }
        }
    }
    entries
}

/// A count among other numbers.
#[expect(clippy::cast_precision_loss, reason = "counts of a test stay far below 2^53")]
pub(super) fn float(count: u64) -> f64 {
    count as f64
}

/// Whole numbers without a decimal point, as JavaScript writes them; null for what is no number.
#[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
fn json(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 9e15 {
        Value::from(value as i64)
    } else {
        Value::from(value)
    }
}
