//! Which metrics a section shows, and in which order.

use crate::metrics::builtin::BUILTIN;
use crate::metrics::{Metric, Sink};
use crate::output::report::{MetricReport, Report, SubmetricReport};

use super::width;

/// What only the full summary shows.
const FULL_ONLY: [&str; 7] = [
    "group_duration",
    "http_req_blocked",
    "http_req_connecting",
    "http_req_receiving",
    "http_req_sending",
    "http_req_tls_handshaking",
    "http_req_waiting",
];

/// Tags that the full summary has sections for.
pub(super) const SECTION_TAGS: [&str; 2] = ["scenario", "group"];

/// What a metric is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Category {
    Custom,
    Http,
    Execution,
    Network,
}

impl Category {
    pub(super) const ALL: [Self; 4] = [Self::Custom, Self::Http, Self::Execution, Self::Network];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Custom => "CUSTOM",
            Self::Http => "HTTP",
            Self::Execution => "EXECUTION",
            Self::Network => "NETWORK",
        }
    }

    fn of(metric: &Metric) -> Self {
        if metric.id.index() >= BUILTIN.len() {
            Self::Custom
        } else if metric.name.starts_with("http_req") {
            Self::Http
        } else if metric.name.starts_with("data_") {
            Self::Network
        } else {
            Self::Execution
        }
    }
}

/// One line of a section.
pub(super) struct Row<'a> {
    /// The metric's name, or its sub-metric's conditions.
    pub(super) name: String,
    pub(super) metric: &'a Metric,
    pub(super) sink: &'a Sink,
    category: Category,
}

impl<'a> Row<'a> {
    pub(super) fn of_metric(metric: &'a Metric, sink: &'a Sink) -> Self {
        Self {
            name: metric.name.to_string(),
            metric,
            sink,
            category: Category::of(metric),
        }
    }

    fn of_part(metric: &'a Metric, part: &'a SubmetricReport) -> Self {
        Self {
            name: format!("  {{ {} }}", part.selector.conditions()),
            metric,
            sink: &part.sink,
            category: Category::of(metric),
        }
    }
}

/// The lines of a section, in their order.
pub(super) struct Table<'a> {
    rows: Vec<Row<'a>>,
}

impl<'a> Table<'a> {
    pub(super) fn new(rows: Vec<Row<'a>>) -> Self {
        Self { rows }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &Row<'a>> {
        self.rows.iter()
    }

    pub(super) fn category(&self, category: Category) -> Vec<&Row<'a>> {
        self.rows().filter(|row| row.category == category).collect()
    }

    /// Of the longest name.
    pub(super) fn name_width(&self) -> usize {
        self.rows().map(|row| width(&row.name)).max().unwrap_or(0)
    }
}

/// The metrics of the whole test.
pub(super) fn of_test(report: &Report, full: bool) -> Table<'_> {
    let mut rows = Vec::new();
    for of in by_name(report) {
        let name = &*of.metric.name;
        // Checks have a block of their own.
        if name == "checks" || (!full && FULL_ONLY.contains(&name)) {
            continue;
        }
        rows.push(Row::of_metric(&of.metric, &of.sink));
        let shown = of.submetrics.iter().filter(|part| is_shown(part, full));
        rows.extend(shown.map(|part| Row::of_part(&of.metric, part)));
    }
    Table::new(rows)
}

/// The contract says by name; a summary that is out of order would be worse than a sort.
pub(super) fn by_name(report: &Report) -> Vec<&MetricReport> {
    let mut metrics: Vec<_> = report.metrics.iter().collect();
    metrics.sort_by(|one, other| one.metric.name.cmp(&other.metric.name));
    metrics
}

fn is_shown(part: &SubmetricReport, full: bool) -> bool {
    if !part.thresholds.is_empty() {
        return true;
    }
    let has_section =
        full && matches!(part.selector.tags.as_slice(), [(tag, _)] if SECTION_TAGS.contains(&tag.as_str()));
    !part.sink.is_empty() && !has_section
}
