//! A report to look at: one HTML file that needs nothing else.

mod chart;
mod figures;
mod plots;
mod scale;
mod tables;

#[cfg(test)]
mod tests;

use super::number::duration;
use super::report::Report;
use super::rfc3339::Rfc3339;

const STYLE: &str = include_str!("page.css");
const READ_OUT: &str = include_str!("read_out.js");

/// The whole page: verdict, key figures, plots over time and by percentile, and tables of all that was measured. It
/// loads nothing, and follows the reader's choice of light or dark.
#[must_use]
pub fn page(report: &Report) -> String {
    let title = escape(&report.script);
    let plots: String = plots::of(report)
        .iter()
        .enumerate()
        .map(|(place, chart)| chart.html(place))
        .collect();
    [
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
        &format!("<title>{title}: load test</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n"),
        &header(report),
        &warnings(report),
        &key_figures(report),
        &tables::thresholds(report),
        &plots,
        &tables::checks(report),
        &tables::metrics(report),
        "</main>\n<script>\n",
        READ_OUT,
        "</script>\n</body>\n</html>\n",
    ]
    .concat()
}

fn header(report: &Report) -> String {
    let mut started = String::new();
    Rfc3339::default().append(report.started_unix_ns, &mut started);
    let started = started.split('.').next().unwrap_or_default().replace('T', " ");
    let took = duration(report.duration.as_secs_f64() * 1e3, None);
    let verdicts = || {
        report.metrics.iter().flat_map(|of| {
            let parts = of.submetrics.iter().flat_map(|part| &part.thresholds);
            of.thresholds.iter().chain(parts)
        })
    };
    let (all, failed) = (
        verdicts().count(),
        verdicts().filter(|verdict| !verdict.ok).count(),
    );
    let (class, verdict) = match (all, failed) {
        (0, _) => ("none", "No thresholds".to_owned()),
        (1, 0) => ("good", "✓ The threshold held".to_owned()),
        (_, 0) => ("good", format!("✓ All {all} thresholds held")),
        _ => ("bad", format!("✗ {failed} of {all} thresholds failed")),
    };
    format!(
        "<header><h1>{}</h1><p class=\"verdict {class}\">{verdict}</p>\
         <p class=\"when\">{started} UTC, {took}</p></header>\n",
        escape(&report.script)
    )
}

fn warnings(report: &Report) -> String {
    if report.warnings.is_empty() {
        return String::new();
    }
    let items: String = report
        .warnings
        .iter()
        .map(|warning| format!("<li>{}</li>", escape(warning)))
        .collect();
    format!("<ul class=\"warnings\">{items}</ul>\n")
}

fn key_figures(report: &Report) -> String {
    let figures: String = figures::of(report)
        .into_iter()
        .map(|(name, number, remark)| {
            format!(
                "<div><dt>{name}</dt><dd>{}</dd><dd class=\"remark\">{}</dd></div>",
                escape(&number),
                escape(&remark)
            )
        })
        .collect();
    if figures.is_empty() {
        return String::new();
    }
    format!("<dl class=\"figures\">{figures}</dl>\n")
}

/// Text that is safe in HTML, in attributes too.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(sign),
        }
    }
    safe
}
