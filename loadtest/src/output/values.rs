//! The numbers that a metric is summed up in, by the names that k6 gives them.

use crate::metrics::Trend;
use crate::options::TrendStat;

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

/// A count among other numbers.
#[expect(clippy::cast_precision_loss, reason = "counts of a test stay far below 2^53")]
pub(super) fn float(count: u64) -> f64 {
    count as f64
}
