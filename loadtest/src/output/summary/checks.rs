//! How the checks went.

use std::fmt::Write as _;

use crate::metrics::{Check, Group};
use crate::output::number::{per_second, percent, plain};
use crate::output::values::float;

use super::{Form, Ink, width};

/// `checks_succeeded`, and three dots.
const NAME_WIDTH: usize = 19;

/// All checks of a group and of the groups in it, in the order of their first use.
pub(super) fn flatten<'a>(group: &'a Group, into: &mut Vec<&'a Check>) {
    into.extend(&group.checks);
    for group in &group.groups {
        flatten(group, into);
    }
}

/// Totals, and a line for each check; empty if there was none.
pub(super) fn block((passes, fails): (u64, u64), checks: &[&Check], indent: usize, form: Form<'_>) -> String {
    let total = passes + fails;
    if total == 0 {
        return String::new();
    }
    let rate = plain(per_second(float(total), form.seconds));
    let totals = [
        ("checks_total", plain(float(total)), format!("{rate}/s")),
        (
            "checks_succeeded",
            percent(passes, total),
            format!("{passes} out of {total}"),
        ),
        (
            "checks_failed",
            percent(fails, total),
            format!("{fails} out of {total}"),
        ),
    ];
    let column = totals.iter().map(|(_, first, _)| width(first)).max().unwrap_or(0);
    let mut text = String::new();
    for (name, first, second) in &totals {
        let dots = form
            .style
            .paint(Ink::Faint, &format!("{}:", ".".repeat(NAME_WIDTH - name.len())));
        let first = form.style.paint(Ink::Value, &format!("{first:column$}"));
        let second = form.style.paint(Ink::FaintValue, second);
        line(&mut text, indent, &format!("{name}{dots} {first} {second}"));
    }
    text.push('\n');
    for check in checks {
        outcome(&mut text, check, indent, form);
    }
    if !checks.is_empty() {
        text.push('\n');
    }
    text
}

fn outcome(text: &mut String, check: &Check, indent: usize, form: Form<'_>) {
    let (passes, fails) = (check.passes, check.fails);
    line(
        text,
        indent,
        &format!("{} {}", form.style.mark(fails == 0), check.name),
    );
    if fails > 0 {
        let share = u128::from(passes) * 100 / u128::from(passes + fails);
        let passes = form.style.paint(Ink::Good, &format!("✓ {passes}"));
        let fails = form.style.paint(Ink::Bad, &format!("✗ {fails}"));
        line(text, indent + 2, &format!("↳  {share}% — {passes} / {fails}"));
    }
}

fn line(text: &mut String, indent: usize, content: &str) {
    writeln!(text, "{:indent$}{content}", "").expect("a string takes everything");
}
