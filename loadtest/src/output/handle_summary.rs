//! What a script's `handleSummary` is called with.

use serde_json::{Value, json};

use crate::metrics::{Group, id};

use super::export::check;
use super::report::Report;
use super::values::{all, entries};

/// The `data` argument (<https://grafana.com/docs/k6/latest/results-output/end-of-test/custom-summary/>); the two
/// flags say whether standard output and standard error are terminals.
#[must_use]
pub fn data(report: &Report, stdout_tty: bool, stderr_tty: bool) -> Value {
    let metrics = entries(report, |metric, sink, verdicts| {
        let mut entry = json!({
            "type": metric.kind.as_str(),
            "contains": metric.contains.as_str(),
            "values": all(sink, report, "rate"),
        });
        if !verdicts.is_empty() {
            entry["thresholds"] = verdicts
                .iter()
                .map(|verdict| (verdict.source.clone(), json!({"ok": verdict.ok})))
                .collect();
        }
        entry
    });
    json!({
        "root_group": group(&report.root_group),
        "options": report.options_json,
        "state": {
            "isStdOutTTY": stdout_tty,
            "isStdErrTTY": stderr_tty,
            "testRunDurationMs": report.duration.as_secs_f64() * 1e3,
        },
        "metrics": metrics,
        "setup_data": report.setup_data,
    })
}

fn group(of: &Group) -> Value {
    let groups: Vec<Value> = of.groups.iter().map(group).collect();
    let checks: Vec<Value> = of.checks.iter().map(check).collect();
    json!({"name": of.name, "path": of.path, "id": id(&of.path), "groups": groups, "checks": checks})
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::metrics::Contains;
    use crate::output::fixture::{Fixture, counter, rate};

    #[test]
    fn a_script_gets_what_it_would_get_from_k6() {
        let mut test = Fixture::new(Duration::from_millis(2_500));
        test.check("", "up", 1, 0);
        test.metric("http_req_failed", Contains::Default, rate(1, 4));
        test.threshold("rate<0.1", false, 0.25);
        test.metric("data_sent", Contains::Data, counter(10.0));
        test.part(&[("a", "b"), ("c", "d")], counter(5.0));
        let up = json!({"name": "up", "path": "::up", "id": id("::up"), "passes": 1, "fails": 0});
        let counted = |count: u64, rate: u64| json!({"type": "counter", "contains": "data", "values": {"count": count, "rate": rate}});
        assert_eq!(
            data(&test.report, true, false),
            json!({
                "root_group": {"name": "", "path": "", "id": id(""), "groups": [], "checks": [up]},
                "options": {"summaryTrendStats": ["avg", "p(95)"]},
                "state": {"isStdOutTTY": true, "isStdErrTTY": false, "testRunDurationMs": 2_500.0},
                "metrics": {
                    "http_req_failed": {
                        "type": "rate", "contains": "default",
                        "values": {"rate": 0.25, "passes": 1, "fails": 3},
                        "thresholds": {"rate<0.1": {"ok": false}},
                    },
                    "data_sent": counted(10, 4),
                    "data_sent{a:b,c:d}": counted(5, 2),
                },
                "setup_data": {"token": "abc"},
            })
        );
    }
}
