//! What is told in numbers: thresholds, checks, and all metrics.

use crate::metrics::{Check, Group, Metric, Sink};
use crate::output::cells::{Cells, cells};
use crate::output::number::percent;
use crate::output::report::{Report, Verdict};
use crate::output::verdict::value;

use super::escape;

/// Empty if there are no thresholds.
pub(super) fn thresholds(report: &Report) -> String {
    let mut rows = Vec::new();
    for of in &report.metrics {
        rows.extend(
            of.thresholds
                .iter()
                .map(|verdict| threshold(&of.metric.name, verdict, &of.metric, report)),
        );
        for part in &of.submetrics {
            let name = part.selector.to_string();
            rows.extend(
                part.thresholds
                    .iter()
                    .map(|verdict| threshold(&name, verdict, &of.metric, report)),
            );
        }
    }
    table("Thresholds", &["", "Metric", "Condition", "Value"], &rows)
}

fn threshold(name: &str, verdict: &Verdict, metric: &Metric, report: &Report) -> Vec<String> {
    vec![
        mark(verdict.ok),
        code(name),
        code(&verdict.source),
        value(verdict, metric, report.options.summary_time_unit),
    ]
}

/// Empty if there are no checks.
pub(super) fn checks(report: &Report) -> String {
    let mut rows = Vec::new();
    check_rows(&report.root_group, &mut rows);
    table(
        "Checks",
        &["", "Group", "Check", "Passed", "Failed", "Share"],
        &rows,
    )
}

fn check_rows(group: &Group, rows: &mut Vec<Vec<String>>) {
    rows.extend(group.checks.iter().map(|check| check_row(group, check)));
    for inner in &group.groups {
        check_rows(inner, rows);
    }
}

fn check_row(group: &Group, check: &Check) -> Vec<String> {
    vec![
        mark(check.fails == 0),
        escape(group.path.trim_start_matches("::")),
        escape(&check.name),
        check.passes.to_string(),
        check.fails.to_string(),
        percent(check.passes, check.passes + check.fails),
    ]
}

/// All metrics and sub-metrics that have values: trends in a table with the columns of the summary, the others in one
/// of their own.
pub(super) fn metrics(report: &Report) -> String {
    let (mut trends, mut others) = (Vec::new(), Vec::new());
    let mut columns: Vec<String> = Vec::new();
    for of in &report.metrics {
        let whole = (of.metric.name.to_string(), &of.sink);
        let parts = of
            .submetrics
            .iter()
            .map(|part| (part.selector.to_string(), &part.sink));
        for (name, sink) in std::iter::once(whole)
            .chain(parts)
            .filter(|(_, sink)| !sink.is_empty())
        {
            match numbers(&of.metric, sink, report) {
                Cells::Trend(cells) => {
                    columns = cells.iter().map(|(label, _)| label.clone()).collect();
                    let values = cells.into_iter().map(|(_, value)| value);
                    trends.push(std::iter::once(code(&name)).chain(values).collect());
                }
                Cells::Others(mut cells) => {
                    cells.resize(3, String::new());
                    others.push(std::iter::once(code(&name)).chain(cells).collect());
                }
            }
        }
    }
    let columns: Vec<&str> = std::iter::once("Metric")
        .chain(columns.iter().map(String::as_str))
        .collect();
    table("Distributions", &columns, &trends)
        + &table(
            "Counters, gauges and rates",
            &["Metric", "Value", "", ""],
            &others,
        )
}

fn numbers(metric: &Metric, sink: &Sink, report: &Report) -> Cells {
    let options = &report.options;
    cells(
        metric,
        sink,
        &options.summary_trend_stats,
        options.summary_time_unit,
        report.duration.as_secs_f64(),
    )
}

fn mark(ok: bool) -> String {
    if ok {
        "<span class=\"good\" title=\"held\">✓</span>"
    } else {
        "<span class=\"bad\" title=\"failed\">✗</span>"
    }
    .to_owned()
}

fn code(text: &str) -> String {
    format!("<code>{}</code>", escape(text))
}

/// Cells are HTML; a table without rows is left out.
fn table(title: &str, columns: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let head: String = columns
        .iter()
        .map(|name| format!("<th scope=\"col\">{}</th>", escape(name)))
        .collect();
    let body: String = rows
        .iter()
        .map(|row| {
            let cells: String = row.iter().map(|cell| format!("<td>{cell}</td>")).collect();
            format!("<tr>{cells}</tr>\n")
        })
        .collect();
    format!(
        "<section><h2>{title}</h2><div class=\"scroll\"><table><thead><tr>{head}</tr></thead>\
         <tbody>\n{body}</tbody></table></div></section>\n"
    )
}
