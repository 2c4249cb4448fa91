//! Conditions that a test's metrics have to meet: `p(95)<200`, `rate>0.99`.

mod expression;
mod judge;
mod kinds;
mod selector;
#[cfg(test)]
mod tests;

pub use expression::ThresholdError;
pub use kinds::{KindError, check_kinds};
pub use selector::{SelectorError, parse as parse_selector};

use std::time::Duration;

use crate::metrics::Selector;

/// One condition.
#[derive(Debug, Clone)]
pub struct Threshold {
    /// What it looks at.
    pub selector: Selector,
    /// As the script has it; its name in every output.
    pub source: String,
    /// What of the values is compared.
    pub aggregate: AggregateOf,
    /// How.
    pub operator: Operator,
    /// With what.
    pub bound: f64,
    /// Whether the test ends as soon as it does not hold.
    pub abort_on_fail: bool,
    /// How long it is not looked at for that.
    pub delay_abort_eval: Duration,
}

/// One number for all values of a metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AggregateOf {
    /// Of a counter: the sum. Of a trend: how many.
    Count,
    /// Of a counter: the sum per second. Of a rate: the share.
    Rate,
    /// Of a gauge: the last value.
    Value,
    /// Of a trend: the mean.
    Avg,
    /// Of a trend: the least.
    Min,
    /// Of a trend: the greatest.
    Max,
    /// Of a trend: the median.
    Med,
    /// Of a trend: p(N).
    Percentile(f64),
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `==` and `===`
    Equal,
    /// `!=`
    NotEqual,
}
