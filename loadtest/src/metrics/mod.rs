//! What a test measures: metrics of four kinds, their samples, and the sinks that samples end up in.
//!
//! Names, kinds and tags are k6's, so that its users find what they know
//! (<https://grafana.com/docs/k6/latest/using-k6/metrics/>).

mod aggregate;
pub mod builtin;
mod checks;
mod registry;
mod sink;
mod tags;
mod trend;

pub use aggregate::Aggregate;
pub use checks::{Check, Group, GroupTree, NAMES_MAX, SEPARATOR, id};
pub use registry::{Contains, Kind, Metric, MetricError, MetricId, Registry, Selector, SeriesId, Submetric};
pub use sink::{Counter, Gauge, Rate, Sink};
pub use tags::{TagSet, Tags};
pub use trend::Trend;

/// One measured value, as the raw outputs write it.
#[derive(Debug, Clone)]
pub struct Sample {
    /// What was measured.
    pub metric: MetricId,
    /// When, in nanoseconds since the Unix epoch.
    pub unix_ns: u64,
    /// How much: milliseconds for times, bytes for data, 0 or 1 for rates.
    pub value: f64,
    /// Under which circumstances.
    pub tags: Tags,
}
