//! What a threshold compared, as people read it.

use crate::metrics::{Kind, Metric};
use crate::options::TimeUnit;

use super::number;
use super::report::Verdict;

/// What of the values is compared: all of a threshold's source up to the operator.
pub(super) fn aggregate(source: &str) -> &str {
    source
        .split(['<', '>', '=', '!'])
        .next()
        .unwrap_or_default()
        .trim()
}

/// The number that was compared, in the unit of what it is.
pub(super) fn value(verdict: &Verdict, metric: &Metric, unit: Option<TimeUnit>) -> String {
    let as_metric = || number::value(verdict.value, metric.contains, unit);
    match (metric.kind, aggregate(&verdict.source)) {
        (Kind::Rate, _) => number::share(verdict.value),
        (Kind::Counter, "rate") => format!("{}/s", as_metric()),
        (Kind::Trend, "count") => number::plain(verdict.value),
        (Kind::Counter | Kind::Gauge | Kind::Trend, _) => as_metric(),
    }
}
