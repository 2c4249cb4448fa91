//! A metric's numbers as people read them, in columns.

use crate::metrics::{Metric, Sink};
use crate::options::{TimeUnit, TrendStat};

use super::number::{self, per_second, percent, plain};
use super::values::stat;

/// What stands behind a metric's name.
pub(super) enum Cells {
    /// Label and value of each column.
    Trend(Vec<(String, String)>),
    /// Up to three, without labels.
    Others(Vec<String>),
}

/// `seconds` is how long the test took.
pub(super) fn cells(
    metric: &Metric,
    sink: &Sink,
    stats: &[TrendStat],
    unit: Option<TimeUnit>,
    seconds: f64,
) -> Cells {
    let value = |number: f64| number::value(number, metric.contains, unit);
    match sink {
        Sink::Counter(counter) => Cells::Others(vec![
            value(counter.sum),
            format!("{}/s", value(per_second(counter.sum, seconds))),
        ]),
        Sink::Gauge(gauge) => Cells::Others(vec![
            value(gauge.value),
            format!("min={}", value(gauge.min)),
            format!("max={}", value(gauge.max)),
        ]),
        Sink::Rate(rate) => Cells::Others(vec![
            percent(rate.trues, rate.total),
            format!("{} out of {}", rate.trues, rate.total),
        ]),
        Sink::Trend(trend) => Cells::Trend(
            stats
                .iter()
                .map(|wanted| {
                    let (name, number) = stat(trend, wanted);
                    let text = if *wanted == TrendStat::Count {
                        plain(number)
                    } else {
                        value(number)
                    };
                    (name.to_owned(), text)
                })
                .collect(),
        ),
    }
}
