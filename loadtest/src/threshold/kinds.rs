//! Whether the metrics of thresholds exist, and have what is asked of them.

use crate::metrics::{Kind, Registry};
use crate::options::nearest::nearest;

use super::{AggregateOf, Threshold};

/// Why a threshold can never be judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KindError {
    /// There is no such metric.
    #[error("threshold {source_text:?} on {selector}: there is no metric {metric:?}: {remedy}")]
    Unknown {
        /// The condition.
        source_text: String,
        /// What it looks at.
        selector: String,
        /// The metric's name.
        metric: String,
        /// What to do.
        remedy: String,
    },
    /// A metric of that kind has no such aggregate.
    #[error(
        "threshold {source_text:?} on {selector}: a {kind} has no such aggregate; it has {possible}",
        kind = .kind.as_str()
    )]
    Aggregate {
        /// The condition.
        source_text: String,
        /// What it looks at.
        selector: String,
        /// Of what the metric is.
        kind: Kind,
        /// What a metric of that kind has.
        possible: &'static str,
    },
}

/// Checks each threshold against the metrics that the script has declared by the end of its init code.
///
/// # Errors
/// With everything that is wrong.
pub fn check_kinds(thresholds: &[Threshold], registry: &Registry) -> Result<(), Vec<KindError>> {
    let errors: Vec<KindError> = thresholds
        .iter()
        .filter_map(|threshold| check(threshold, registry).err())
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

fn check(threshold: &Threshold, registry: &Registry) -> Result<(), KindError> {
    let (source_text, selector) = (threshold.source.clone(), threshold.selector.to_string());
    let name = &threshold.selector.metric;
    let Some(metric) = registry.find(name) else {
        let known = registry.metrics();
        let known: Vec<&str> = known.iter().map(|metric| &*metric.name).collect();
        let remedy = nearest(name, &known).map_or_else(
            || "declare it in the script's init code, or correct the name".to_owned(),
            |guess| format!("did you mean {guess:?}?"),
        );
        return Err(KindError::Unknown {
            source_text,
            selector,
            metric: name.clone(),
            remedy,
        });
    };
    let (has, possible) = aggregates(metric.kind, threshold.aggregate);
    if has {
        return Ok(());
    }
    Err(KindError::Aggregate {
        source_text,
        selector,
        kind: metric.kind,
        possible,
    })
}

/// Whether metrics of a kind have an aggregate, and which ones they have.
fn aggregates(kind: Kind, aggregate: AggregateOf) -> (bool, &'static str) {
    use AggregateOf as A;
    match kind {
        Kind::Counter => (matches!(aggregate, A::Count | A::Rate), "count, rate"),
        Kind::Gauge => (aggregate == A::Value, "value"),
        Kind::Rate => (aggregate == A::Rate, "rate"),
        Kind::Trend => (
            !matches!(aggregate, A::Rate | A::Value),
            "count, avg, min, max, med, p(N)",
        ),
    }
}
