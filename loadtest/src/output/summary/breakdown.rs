//! The full summary's sections: what each scenario and each group measured.
//!
//! Their metrics are the sub-metrics with just the tag `scenario` or just the tag `group`; a part of which nothing was
//! counted apart, and that has no checks, has no section.

use crate::metrics::{Check, Group, Sink};
use crate::output::report::Report;

use super::rows::{Row, SECTION_TAGS, Table, by_name};
use super::{Form, Ink, checks, columns, title};

/// A scenario or a group.
pub(super) struct Part<'a> {
    title: String,
    /// How many checks passed, and how many failed.
    counts: (u64, u64),
    checks: Vec<&'a Check>,
    table: Table<'a>,
    /// Groups within.
    parts: Vec<Part<'a>>,
    /// How deep it is in other parts.
    depth: usize,
}

/// Groups first, then scenarios, each in the order of the script.
pub(super) fn parts(report: &Report) -> Vec<Part<'_>> {
    let [scenario_tag, _] = SECTION_TAGS;
    let groups = report
        .root_group
        .groups
        .iter()
        .filter_map(|group| of_group(report, group, 0));
    let scenarios = report.options.scenarios.iter().filter_map(|scenario| {
        let part = Part {
            title: format!("SCENARIO: {}", scenario.name),
            counts: counted(report, scenario_tag, &scenario.name),
            checks: Vec::new(),
            table: table(report, scenario_tag, &scenario.name),
            parts: Vec::new(),
            depth: 0,
        };
        part.is_worth_showing().then_some(part)
    });
    groups.chain(scenarios).collect()
}

fn of_group<'a>(report: &'a Report, group: &'a Group, depth: usize) -> Option<Part<'a>> {
    let [_, group_tag] = SECTION_TAGS;
    let part = Part {
        title: format!("GROUP: {}", group.name),
        counts: (
            group.checks.iter().map(|check| check.passes).sum(),
            group.checks.iter().map(|check| check.fails).sum(),
        ),
        checks: group.checks.iter().collect(),
        table: table(report, group_tag, &group.path),
        parts: group
            .groups
            .iter()
            .filter_map(|inner| of_group(report, inner, depth + 1))
            .collect(),
        depth,
    };
    part.is_worth_showing().then_some(part)
}

fn table<'a>(report: &'a Report, tag: &str, value: &str) -> Table<'a> {
    let mut rows = Vec::new();
    for of in by_name(report) {
        let part = of
            .submetrics
            .iter()
            .find(|part| matches!(part.selector.tags.as_slice(), [(name, is)] if name == tag && is == value));
        if let Some(part) = part
            && !part.sink.is_empty()
            && &*of.metric.name != "checks"
        {
            rows.push(Row::of_metric(&of.metric, &part.sink));
        }
    }
    Table::new(rows)
}

fn counted(report: &Report, tag: &str, value: &str) -> (u64, u64) {
    let sink = report
        .metrics
        .iter()
        .filter(|of| &*of.metric.name == "checks")
        .flat_map(|of| &of.submetrics)
        .find(|part| matches!(part.selector.tags.as_slice(), [(name, is)] if name == tag && is == value))
        .map(|part| &part.sink);
    match sink {
        Some(Sink::Rate(rate)) => (rate.trues, rate.total - rate.trues),
        _ => (0, 0),
    }
}

impl Part<'_> {
    fn is_worth_showing(&self) -> bool {
        !self.table.is_empty() || !self.checks.is_empty() || !self.parts.is_empty() || self.counts != (0, 0)
    }

    /// Of the longest name, as it would be at depth 0.
    pub(super) fn name_width(&self) -> usize {
        let inner = self.parts.iter().map(Self::name_width).max().unwrap_or(0);
        (self.table.name_width() + 2 * self.depth).max(inner)
    }

    /// With its title, and with the parts in it.
    pub(super) fn section(&self, name_width: usize, form: Form<'_>) -> String {
        let indent = 4 + 2 * self.depth;
        let mut text = if self.depth == 0 {
            title(&self.title, form.style)
        } else {
            let title = form.style.paint(Ink::Title, &self.title);
            format!("{:1$}↳ {title} \n\n", "", indent - 2)
        };
        text.push_str(&checks::block(self.counts, &self.checks, indent, form));
        text.push_str(&columns::block(&self.table, name_width, indent, form));
        for part in &self.parts {
            text.push_str(&part.section(name_width, form));
        }
        text
    }
}
