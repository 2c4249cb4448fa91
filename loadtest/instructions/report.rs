//! What is shown.

use std::fmt::{self, Display};

use crate::budget::{Budget, BuildProfile, Verdict};
use crate::measure::Measured;

/// How many functions of a case are shown.
const FUNCTIONS: usize = 10;

/// All cases beside their budgets; shown as a table.
pub(crate) struct Comparison<'m> {
    /// What was measured.
    pub(crate) measured: &'m [Measured],
    /// The budget of all builds.
    pub(crate) budget: &'m Budget,
    /// The build that was measured.
    pub(crate) build: BuildProfile,
}

impl Comparison<'_> {
    /// The names of the cases with this verdict.
    pub(crate) fn names(&self, verdict: Verdict) -> Vec<&'static str> {
        let of = |measured: &Measured| {
            self.budget
                .judge(measured.case, self.build, measured.instructions)
        };
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
                format!("{:+.1} %", (*instructions as f64 / budget as f64 - 1.0) * 100.0)
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
                "  {:<28}  {instructions:>9}  {budget:>9}  {difference:>10}  {spread:>7}{verdict}",
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
            let share = function.own / *instructions as f64 * 100.0;
            writeln!(
                f,
                "| `{}` | {:.0} | {share:.1} % | {:.0} |",
                function.name, function.own, function.with_callees
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Case;
    use crate::profile::FunctionCost;

    fn measured(name: &str, instructions: u64) -> Measured {
        let function = |number: u32| FunctionCost {
            name: format!("proxima::f{number}"),
            own: 250.0 - f64::from(number),
            with_callees: 1000.0,
        };
        Measured {
            case: Case::parse(name).unwrap(),
            instructions,
            spread: 0.0025,
            functions: (0..20).map(function).collect(),
        }
    }

    #[test]
    fn cases_stand_beside_their_budgets() {
        let mut budget = Budget::default();
        for (name, instructions) in [("h1-hit", 1000), ("h2-hit", 1000), ("h1-304", 1000)] {
            budget.record(Case::parse(name).unwrap(), BuildProfile::Dev, instructions);
        }
        let measured = [
            measured("h1-hit", 1000),
            measured("h2-hit", 1234),
            measured("h1-304", 800),
            measured("h1-miss", 9000),
        ];
        let comparison = Comparison {
            measured: &measured,
            budget: &budget,
            build: BuildProfile::Dev,
        };
        assert_eq!(
            comparison.to_string(),
            "\
instructions/request, dev        measured     budget  difference   spread
  h1-hit                             1000       1000      +0.0 %   0.25 %
  h2-hit                             1234       1000     +23.4 %   0.25 %  EXCEEDED
  h1-304                              800       1000     -20.0 %   0.25 %  less than recorded
  h1-miss                            9000       none               0.25 %
"
        );
        let names = [
            (Verdict::Kept, "h1-hit"),
            (Verdict::Exceeded, "h2-hit"),
            (Verdict::Outdated, "h1-304"),
            (Verdict::Missing, "h1-miss"),
        ];
        for (verdict, name) in names {
            assert_eq!(comparison.names(verdict), [name]);
        }
    }

    #[test]
    fn the_ten_dearest_functions_are_shown() {
        let text = TopFunctions(&measured("h1-hit", 1000)).to_string();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 2 + FUNCTIONS);
        assert_eq!(lines[2], "| `proxima::f0` | 250 | 25.0 % | 1000 |");
        assert_eq!(lines[11], "| `proxima::f9` | 241 | 24.1 % | 1000 |");
    }
}
