//! The summary at the end of a test, laid out as k6 does
//! (<https://grafana.com/docs/k6/latest/results-output/end-of-test/>).

mod breakdown;
mod checks;
mod columns;
mod rows;
mod thresholds;

#[cfg(test)]
mod tests;

use crate::options::{SummaryMode, TimeUnit, TrendStat};

use super::report::Report;

/// How a summary is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// With ANSI colours.
    pub color: bool,
}

/// What a piece of text is, and so in which colour it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ink {
    Title,
    Faint,
    Value,
    FaintValue,
    Good,
    Bad,
    Warning,
}

impl Style {
    fn paint(self, ink: Ink, text: &str) -> String {
        let code = match ink {
            Ink::Title => "1",
            Ink::Faint => "2",
            Ink::Value => "36",
            Ink::FaintValue => "36;2",
            Ink::Good => "32",
            Ink::Bad => "31",
            Ink::Warning => "33",
        };
        if self.color && !text.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    fn mark(self, ok: bool) -> String {
        if ok {
            self.paint(Ink::Good, "✓")
        } else {
            self.paint(Ink::Bad, "✗")
        }
    }
}

/// What every part of a summary needs to know.
#[derive(Clone, Copy)]
struct Form<'a> {
    style: Style,
    stats: &'a [TrendStat],
    unit: Option<TimeUnit>,
    /// How long the test took, in seconds.
    seconds: f64,
}

/// The summary of a test, with a line feed before and after it; empty for [`SummaryMode::Disabled`].
#[must_use]
pub fn text(report: &Report, style: Style) -> String {
    let options = &report.options;
    if options.summary_mode == SummaryMode::Disabled {
        return String::new();
    }
    let full = options.summary_mode == SummaryMode::Full;
    let form = Form {
        style,
        stats: &options.summary_trend_stats,
        unit: options.summary_time_unit,
        seconds: report.duration.as_secs_f64(),
    };
    let mut sections = Vec::new();
    if let Some(thresholds) = thresholds::section(report, form) {
        sections.push(thresholds);
    }
    let total = rows::of_test(report, full);
    let parts = if full {
        breakdown::parts(report)
    } else {
        Vec::new()
    };
    let name_width = parts
        .iter()
        .map(breakdown::Part::name_width)
        .chain([total.name_width()])
        .max()
        .unwrap_or(0);
    sections.push(total_section(report, &total, name_width, form));
    sections.extend(parts.iter().map(|part| part.section(name_width, form)));
    let mut text = format!("\n{}", sections.join("\n"));
    for warning in &report.warnings {
        text.push_str("  ");
        text.push_str(&style.paint(Ink::Warning, &format!("! {warning}")));
        text.push('\n');
    }
    if !report.warnings.is_empty() {
        text.push('\n');
    }
    text
}

fn total_section(report: &Report, total: &rows::Table<'_>, name_width: usize, form: Form<'_>) -> String {
    let mut section = title("TOTAL RESULTS", form.style);
    let mut all = Vec::new();
    checks::flatten(&report.root_group, &mut all);
    let passes = all.iter().map(|check| check.passes).sum();
    let fails = all.iter().map(|check| check.fails).sum();
    section.push_str(&checks::block((passes, fails), &all, 4, form));
    section.push_str(&columns::block(total, name_width, 4, form));
    section
}

fn title(name: &str, style: Style) -> String {
    format!("  █ {} \n\n", style.paint(Ink::Title, name))
}

/// As wide as it is on a terminal, for the signs that occur in names and numbers.
fn width(text: &str) -> usize {
    text.chars().count()
}
