//! What was demanded of the metrics, and whether it held.

use std::fmt::Write as _;

use crate::metrics::Metric;
use crate::output::report::{Report, Verdict};
use crate::output::verdict::{aggregate, value};

use super::rows::by_name;
use super::{Form, Ink, title};

/// `None` if nothing was demanded.
pub(super) fn section(report: &Report, form: Form<'_>) -> Option<String> {
    let mut blocks = Vec::new();
    for of in by_name(report) {
        let parts: Vec<_> = of
            .submetrics
            .iter()
            .filter(|part| !part.thresholds.is_empty())
            .collect();
        if of.thresholds.is_empty() && parts.is_empty() {
            continue;
        }
        blocks.push(block(&of.metric.name, &of.metric, &of.thresholds, 4, form));
        for part in parts {
            let name = format!("{{{}}}", part.selector.conditions());
            blocks.push(block(&name, &of.metric, &part.thresholds, 6, form));
        }
    }
    (!blocks.is_empty()).then(|| format!("{}{}\n", title("THRESHOLDS", form.style), blocks.join("\n")))
}

fn block(name: &str, metric: &Metric, verdicts: &[Verdict], indent: usize, form: Form<'_>) -> String {
    let mut text = format!("{:indent$}{name}\n", "");
    for verdict in verdicts {
        let aggregate = aggregate(&verdict.source);
        let value = form.style.paint(Ink::Value, &value(verdict, metric, form.unit));
        let mark = form.style.mark(verdict.ok);
        writeln!(
            text,
            "{:indent$}{mark} '{}' {aggregate}={value}",
            "", verdict.source
        )
        .expect("a string takes everything");
    }
    text
}
