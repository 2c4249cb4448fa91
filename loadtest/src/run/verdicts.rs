//! From what a test measured to what its outputs are made of.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::metrics::{Aggregate, MetricId, SeriesId, Sink, Submetric};
use crate::output::report::{MetricReport, SubmetricReport, Verdict};
use crate::threshold::Threshold;

/// Every metric that has a value or a threshold, by name, with its verdicts.
pub(super) fn metrics(whole: &Aggregate, thresholds: &[Threshold], elapsed: Duration) -> Vec<MetricReport> {
    let registry = whole.registry();
    let all = registry.submetrics();
    let mut reports: Vec<MetricReport> = registry
        .metrics()
        .into_iter()
        .map(|metric| {
            let submetrics = all.iter().filter(|submetric| submetric.metric == metric.id);
            let submetrics = submetrics.map(|submetric| of_submetric(whole, submetric, thresholds, elapsed));
            MetricReport {
                sink: sink(whole, metric.id, None),
                thresholds: verdicts(whole, (metric.id, None), thresholds, elapsed),
                submetrics: submetrics.collect(),
                metric,
            }
        })
        .filter(|report| {
            let judged = !report.thresholds.is_empty()
                || report.submetrics.iter().any(|sub| !sub.thresholds.is_empty());
            judged || !report.sink.is_empty()
        })
        .collect();
    reports.sort_by(|a, b| a.metric.name.cmp(&b.metric.name));
    reports
}

/// The thresholds that do not hold.
pub(super) fn broken(reports: &[MetricReport]) -> Vec<String> {
    let of = |name: &str, verdicts: &[Verdict]| -> Vec<String> {
        verdicts
            .iter()
            .filter(|verdict| !verdict.ok)
            .map(|verdict| format!("{name}: {}", verdict.source))
            .collect()
    };
    let names = reports.iter().flat_map(|report| {
        let parts = report
            .submetrics
            .iter()
            .flat_map(|part| of(&part.selector.to_string(), &part.thresholds));
        of(&report.metric.name, &report.thresholds)
            .into_iter()
            .chain(parts)
    });
    names.collect::<BTreeSet<String>>().into_iter().collect()
}

fn of_submetric(
    whole: &Aggregate,
    submetric: &Arc<Submetric>,
    thresholds: &[Threshold],
    elapsed: Duration,
) -> SubmetricReport {
    let key = (submetric.metric, Some(submetric.id));
    SubmetricReport {
        selector: submetric.selector.clone(),
        sink: sink(whole, key.0, key.1),
        thresholds: verdicts(whole, key, thresholds, elapsed),
    }
}

fn sink(whole: &Aggregate, metric: MetricId, series: Option<SeriesId>) -> Sink {
    let measured = match series {
        Some(series) => whole.submetric(series),
        None => whole.metric(metric),
    };
    measured
        .cloned()
        .unwrap_or_else(|| Sink::new(whole.registry().metric(metric).kind))
}

fn verdicts(
    whole: &Aggregate,
    (metric, series): (MetricId, Option<SeriesId>),
    thresholds: &[Threshold],
    elapsed: Duration,
) -> Vec<Verdict> {
    let registry = whole.registry();
    let of_this = thresholds
        .iter()
        .filter(|threshold| registry.select(&threshold.selector) == Ok((metric, series)));
    of_this
        .map(|threshold| {
            let sink = sink(whole, metric, series);
            let (ok, value) = threshold.judge(Some(&sink), elapsed);
            Verdict {
                source: threshold.source.clone(),
                ok,
                value,
            }
        })
        .collect()
}
