//! Whether a condition holds.

use std::time::Duration;

use crate::metrics::Sink;

use super::{AggregateOf, Operator, Threshold};

impl Threshold {
    /// Whether it holds, and the number that it compared: of the values in `sink`, `elapsed` after the test's start.
    ///
    /// Nothing counts as 0, as k6 has it: without samples `p(95)<200` and `count==0` hold, `count>0` does not. The one
    /// difference is a [`Rate`](crate::metrics::Rate): k6 lets any condition on one without samples hold, so that
    /// `checks: ['rate==1']` passes a test whose iterations all failed before their first check
    /// (<https://github.com/grafana/k6/issues/4283>). Here it does not hold.
    ///
    /// While a test runs, k6 does not judge metrics without samples, or `abortOnFail` would end a test that has hardly
    /// begun. That is up to the caller.
    #[must_use]
    pub fn judge(&self, sink: Option<&Sink>, elapsed: Duration) -> (bool, f64) {
        let value = sink.map_or(0.0, |sink| self.aggregate.of(sink, elapsed));
        (self.operator.holds(value, self.bound), value)
    }
}

impl AggregateOf {
    /// The number, in the unit of the values; 0 for what the kind of metric does not have, which
    /// [`check_kinds`](super::check_kinds) refuses.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "nobody bounds a count of more than 53 bits"
    )]
    pub fn of(self, sink: &Sink, elapsed: Duration) -> f64 {
        match (sink, self) {
            (Sink::Counter(counter), Self::Count) => counter.sum,
            (Sink::Counter(_), Self::Rate) if elapsed.is_zero() => 0.0,
            (Sink::Counter(counter), Self::Rate) => counter.sum / elapsed.as_secs_f64(),
            (Sink::Gauge(gauge), Self::Value) => gauge.value,
            (Sink::Rate(rate), Self::Rate) => rate.share(),
            (Sink::Trend(trend), Self::Count) => trend.count() as f64,
            (Sink::Trend(trend), Self::Avg) => trend.avg(),
            (Sink::Trend(trend), Self::Min) => trend.min(),
            (Sink::Trend(trend), Self::Max) => trend.max(),
            (Sink::Trend(trend), Self::Med) => trend.percentile(50.0),
            (Sink::Trend(trend), Self::Percentile(percent)) => trend.percentile(percent),
            _ => 0.0,
        }
    }
}

impl Operator {
    #[expect(clippy::float_cmp, reason = "`==` of a threshold means exactly that")]
    fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Self::Greater => value > bound,
            Self::GreaterOrEqual => value >= bound,
            Self::Less => value < bound,
            Self::LessOrEqual => value <= bound,
            Self::Equal => value == bound,
            Self::NotEqual => value != bound,
        }
    }
}
