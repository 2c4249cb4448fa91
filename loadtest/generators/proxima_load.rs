//! What `proxima-load` is told and what it exports.

use anyhow::{Context, bail};
use serde_json::Value;
use tokio::process::Command;

use crate::generator::Task;
use crate::side_by_side::tool::Load;

/// Its summary, in the task's folder.
const SUMMARY: &str = "summary.json";

/// Adds its arguments and writes its script.
pub(crate) fn arguments(command: &mut Command, task: &Task<'_>) -> anyhow::Result<()> {
    let script = task.dir.join("get.js");
    std::fs::write(&script, include_str!("get.js"))?;
    let summary = task.dir.join(SUMMARY);
    let _ = std::fs::remove_file(&summary);
    command
        .args([
            "run",
            "--quiet",
            "--threads",
            "1",
            "--include-system-env-vars=false",
            "--summary-export",
        ])
        .arg(summary);
    let mut set = |name: &str, value: &dyn std::fmt::Display| {
        command.arg("--env").arg(format!("{name}={value}"));
    };
    set("URL", &task.url);
    set("CONNECTIONS", &task.demand.connections);
    set("SECONDS", &task.seconds);
    if let Some(per_second) = task.demand.per_second {
        set("PER_SECOND", &per_second);
    }
    command.arg(script);
    Ok(())
}

/// The summary that it exported.
pub(crate) fn summary(task: &Task<'_>) -> anyhow::Result<String> {
    std::fs::read_to_string(task.dir.join(SUMMARY)).context("proxima-load's summary")
}

/// Reads the file of `--summary-export`. A failed check or request makes it an error, and so does an iteration that
/// was not started in time: the load was not what it should have been.
pub(crate) fn parse(summary: &str) -> anyhow::Result<Load> {
    let summary: Value = serde_json::from_str(summary).context("proxima-load's summary")?;
    let metrics = &summary["metrics"];
    let of = |metric: &str, statistic: &str| {
        let value = metrics[metric][statistic].as_f64();
        value.with_context(|| format!("proxima-load exports no {statistic} of {metric}"))
    };
    let count = |metric: &str, statistic: &str| metrics[metric][statistic].as_u64().unwrap_or_default();
    let requests = count("http_reqs", "count");
    // The rate of failures counts those as passes.
    let (failed, refused) = (count("http_req_failed", "passes"), count("checks", "fails"));
    let checked = count("checks", "passes");
    if requests == 0 || checked < requests {
        bail!(
            "proxima-load: of {requests} requests {failed} failed, {checked} passed the check and {refused} did not"
        );
    }
    let dropped = count("dropped_iterations", "count");
    if dropped > 0 {
        bail!("proxima-load dropped {dropped} iterations");
    }
    Ok(Load {
        requests,
        seconds: requests as f64 / of("http_reqs", "rate")?,
        p50_us: of("http_req_duration", "p(50)")? * 1000.0,
        p99_us: of("http_req_duration", "p(99)")? * 1000.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUMMARY: &str = r#"{"metrics": {
        "checks": {"passes": 10000, "fails": 0, "value": 1},
        "http_reqs": {"count": 10000, "rate": 2000.0},
        "http_req_duration": {"p(50)": 0.25, "p(99)": 1.5}
    }}"#;

    #[test]
    fn reads_counts_and_percentiles() {
        let expected = Load {
            requests: 10_000,
            seconds: 5.0,
            p50_us: 250.0,
            p99_us: 1500.0,
        };
        assert_eq!(parse(SUMMARY).unwrap(), expected);
    }

    #[test]
    fn a_load_that_is_not_what_it_should_be_is_an_error() {
        let cases = [
            ("10000, \"fails\": 0", "9999, \"fails\": 1"),
            ("\"count\": 10000", "\"count\": 0"),
            ("\"p(99)\": 1.5", "\"p(90)\": 1.5"),
            (
                "\"metrics\": {",
                "\"metrics\": {\"dropped_iterations\": {\"count\": 3}, ",
            ),
        ];
        for (from, to) in cases {
            assert!(SUMMARY.contains(from), "{from}");
            assert!(parse(&SUMMARY.replace(from, to)).is_err(), "{to}");
        }
        assert!(parse("").is_err());
    }
}
