//! `--summary-export`: the summary as JSON, for programs.

use serde_json::{Map, Value, json};

use crate::metrics::{Check, Group, id};

use super::report::Report;
use super::values::{all, entries};

/// `{"root_group": {…}, "metrics": {name: {stat: number, "thresholds": {source: failed}}}}`: groups and checks are
/// objects by name, and a threshold's value is true if it did **not** hold, as k6 has it.
#[must_use]
pub fn summary_export(report: &Report) -> Value {
    let metrics = entries(report, |_, sink, verdicts| {
        let mut entry = all(sink, report, "value");
        if !verdicts.is_empty() {
            let failed = verdicts
                .iter()
                .map(|verdict| (verdict.source.clone(), Value::Bool(!verdict.ok)));
            entry.insert("thresholds".to_owned(), Value::Object(failed.collect()));
        }
        Value::Object(entry)
    });
    json!({"root_group": group(&report.root_group), "metrics": metrics})
}

fn group(of: &Group) -> Value {
    let groups: Map<String, Value> = of
        .groups
        .iter()
        .map(|inner| (inner.name.clone(), group(inner)))
        .collect();
    let checks: Map<String, Value> = of.checks.iter().map(|of| (of.name.clone(), check(of))).collect();
    json!({"name": of.name, "path": of.path, "id": id(&of.path), "groups": groups, "checks": checks})
}

/// A check, as both exports have it.
pub(super) fn check(of: &Check) -> Value {
    json!({"name": of.name, "path": of.path, "id": id(&of.path), "passes": of.passes, "fails": of.fails})
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::metrics::Contains;
    use crate::options::TrendStat;
    use crate::output::fixture::{Fixture, counter, gauge, rate, trend};

    #[test]
    fn every_kind_of_metric_is_exported_with_its_own_numbers() {
        let mut test = Fixture::new(Duration::from_secs(4));
        test.option(|options| {
            options.summary_trend_stats = vec![
                TrendStat::Avg,
                TrendStat::Count,
                TrendStat::Percentile("p(95)".to_owned(), 95.0),
            ];
        });
        test.metric("http_req_duration", Contains::Time, trend(&[(1.5, 2)]));
        test.threshold("avg<1", false, 1.5);
        test.part(&[("region", "eu")], trend(&[(1.5, 1)]));
        test.threshold("avg<2", true, 1.5);
        test.part(&[("region", "nowhere")], trend(&[]));
        test.metric("http_req_failed", Contains::Default, rate(1, 4));
        test.metric("http_reqs", Contains::Default, counter(2.0));
        test.metric("vus", Contains::Default, gauge(1.0, 0.0, 2.0));
        assert_eq!(
            summary_export(&test.report)["metrics"],
            json!({
                "http_req_duration":
                    {"avg": 1.5, "count": 2, "p(95)": 1.5, "thresholds": {"avg<1": true}},
                "http_req_duration{region:eu}":
                    {"avg": 1.5, "count": 1, "p(95)": 1.5, "thresholds": {"avg<2": false}},
                "http_req_failed": {"value": 0.25, "passes": 1, "fails": 3},
                "http_reqs": {"count": 2, "rate": 0.5},
                "vus": {"value": 1, "min": 0, "max": 2},
            })
        );
    }

    #[test]
    fn groups_and_checks_are_found_by_name() {
        let mut test = Fixture::new(Duration::from_secs(1));
        test.check("::shop", "is open", 3, 1);
        assert_eq!(
            summary_export(&test.report)["root_group"],
            json!({
                "name": "", "path": "", "id": "d41d8cd98f00b204e9800998ecf8427e", "checks": {},
                "groups": {"shop": {
                    "name": "shop", "path": "::shop", "id": id("::shop"), "groups": {},
                    "checks": {"is open": {
                        "name": "is open", "path": "::shop::is open", "id": id("::shop::is open"),
                        "passes": 3, "fails": 1,
                    }},
                }},
            })
        );
    }
}
