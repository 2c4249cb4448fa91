//! What is shown.

use std::fmt::{self, Display};

use crate::budget::{Budget, BuildProfile, Verdict};
use crate::measure::Measured;

/// How many functions of a case are shown.
const FUNCTIONS: usize = 10;

/// All cases beside their budgets; shown as a table.
pub(crate) struct Comparison<'m> {
    pub(crate) measured: &'m [Measured],
    pub(crate) budget: &'m Budget,
    pub(crate) build: BuildProfile,
}

impl Comparison<'_> {
    /// The names of the cases with this verdict.
    pub(crate) fn names(&self, verdict: Verdict) -> Vec<&'static str> {
        let of = |measured: &Measured| self.budget.judge(measured.case, self.build, measured.instructions);
        let cases = self.measured.iter().filter(|measured| of(measured) == verdict);
        cases.map(|measured| measured.case.name).collect()
    }
}

impl Display for Comparison<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = format!("instructions/request, {}", self.build.as_str());
        writeln!(
            f,
            "{title:<30}  {:>9}  {:>9}  {:>10}  {:>7}",
            "measured", "budget", "difference", "spread"
        )?;
        for Measured {
            case,
            instructions,
            spread,
            ..
        } in self.measured
        {
            let budget = self.budget.of(case, self.build);
            let difference = budget.map_or_else(String::new, |budget| {
                format!("{:+.1} %", (instructions / budget as f64 - 1.0) * 100.0)
            });
            let budget = budget.map_or_else(|| "none".to_owned(), |budget| budget.to_string());
            let spread = format!("{:.2} %", spread * 100.0);
            let verdict = match self.budget.judge(case, self.build, *instructions) {
                Verdict::Exceeded => "  EXCEEDED",
                Verdict::Outdated => "  less than recorded",
                Verdict::Kept | Verdict::Missing => "",
            };
            writeln!(
                f,
                "  {:<28}  {instructions:>9.0}  {budget:>9}  {difference:>10}  {spread:>7}{verdict}",
                case.name
            )?;
        }
        Ok(())
    }
}

/// The dearest functions of a case; shown as a table in Markdown.
pub(crate) struct TopFunctions<'m>(pub(crate) &'m Measured);

impl Display for TopFunctions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Measured {
            case,
            instructions,
            functions,
            ..
        } = self.0;
        writeln!(f, "| {} | own | share | with callees |", case.name)?;
        writeln!(f, "|---|---:|---:|---:|")?;
        for function in functions.iter().take(FUNCTIONS) {
            let share = function.own / instructions * 100.0;
            writeln!(
                f,
                "| `{}` | {:.0} | {share:.1} % | {:.0} |",
                function.name, function.own, function.with_callees
            )?;
        }
        Ok(())
    }
}
