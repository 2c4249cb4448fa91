//! The recorded budget: what each kind of request may cost.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::case::{CASES, Case};

/// What the file begins with.
const REMARKS: &str = "\
# Instructions of Proxima per request, by profile of the build. `make instructions ARGS=--record` measures and writes them.
# A case may take tolerance_percent more than its budget. Another compiler, other versions of dependencies or a processor
# without the same vector instructions change figures, too: record again in a change of its own.
";

/// How the program that is measured was built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum BuildProfile {
    /// `cargo build`: what tests run.
    Dev,
    /// `cargo build --release`: what users run.
    Release,
}

/// The recorded budget.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Budget {
    /// By how much a case may exceed its budget.
    tolerance_percent: f64,
    instructions_per_request: HashMap<String, Row>,
}

/// The budget of one case in instructions per request, as far as it has been recorded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    dev: Option<u64>,
    release: Option<u64>,
}

/// How a measured cost compares with its budget.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Verdict {
    /// It is exceeded by more than the tolerance.
    Exceeded,
    /// It is kept.
    Kept,
    /// The cost is lower by more than the tolerance: the budget would let it rise again.
    Outdated,
    /// None is recorded.
    Missing,
}

impl BuildProfile {
    /// What Cargo's folder of that name holds.
    pub(crate) fn of(program: &Path) -> Option<Self> {
        match program.parent()?.file_name()?.to_str()? {
            "debug" => Some(Self::Dev),
            "release" => Some(Self::Release),
            _ => None,
        }
    }

    /// Its name, as Cargo has it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Release => "release",
        }
    }
}

impl Budget {
    /// Reads the file.
    pub(crate) fn read(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(file).map_err(anyhow::Error::from);
        text.and_then(|text| Self::parse(&text)).with_context(|| {
            format!(
                "the budget {} (another one is named by `--budget`)",
                file.display()
            )
        })
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let budget: Self = toml::from_str(text)?;
        for name in budget.instructions_per_request.keys() {
            if let Err(names) = Case::parse(name) {
                bail!("there is no case {name}: {names}");
            }
        }
        if !(0.0..=100.0).contains(&budget.tolerance_percent) {
            bail!("tolerance_percent is {}, not 0 to 100", budget.tolerance_percent);
        }
        Ok(budget)
    }

    /// The text of the file.
    pub(crate) fn text(&self) -> anyhow::Result<String> {
        let mut text = format!(
            "{REMARKS}tolerance_percent = {}\n\n[instructions_per_request]\n",
            self.tolerance_percent
        );
        for case in &CASES {
            let row = self.row(case);
            let columns = [("dev", row.dev), ("release", row.release)];
            let recorded = columns
                .iter()
                .filter_map(|(name, figure)| Some((name, (*figure)?)));
            let recorded: Vec<_> = recorded
                .map(|(name, figure)| format!("{name} = {figure}"))
                .collect();
            writeln!(text, "{} = {{ {} }}", case.name, recorded.join(", "))?;
        }
        Ok(text)
    }

    /// What `case` may cost.
    pub(crate) fn of(&self, case: &Case, build: BuildProfile) -> Option<u64> {
        let row = self.row(case);
        match build {
            BuildProfile::Dev => row.dev,
            BuildProfile::Release => row.release,
        }
    }

    /// Makes what was measured the budget.
    pub(crate) fn record(&mut self, case: &Case, build: BuildProfile, instructions: u64) {
        let row = self
            .instructions_per_request
            .entry(case.name.to_owned())
            .or_default();
        match build {
            BuildProfile::Dev => row.dev = Some(instructions),
            BuildProfile::Release => row.release = Some(instructions),
        }
    }

    /// Compares what was measured with it.
    pub(crate) fn judge(&self, case: &Case, build: BuildProfile, instructions: u64) -> Verdict {
        let Some(budget) = self.of(case, build) else {
            return Verdict::Missing;
        };
        let percent = (instructions as f64 / budget as f64 - 1.0) * 100.0;
        if percent > self.tolerance_percent {
            Verdict::Exceeded
        } else if percent < -self.tolerance_percent {
            Verdict::Outdated
        } else {
            Verdict::Kept
        }
    }

    fn row(&self, case: &Case) -> Row {
        let row = self.instructions_per_request.get(case.name);
        row.copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
tolerance_percent = 2.5

[instructions_per_request]
h1-hit = { dev = 1000, release = 400 }
h2-hit = { dev = 3000 }
";

    fn case(name: &str) -> &'static Case {
        Case::parse(name).unwrap()
    }

    #[test]
    fn a_cost_is_judged_by_the_budget_of_its_build() {
        let budget = Budget::parse(TEXT).unwrap();
        let cases = [
            ("h1-hit", BuildProfile::Dev, 1024, Verdict::Kept),
            ("h1-hit", BuildProfile::Dev, 1026, Verdict::Exceeded),
            ("h1-hit", BuildProfile::Dev, 976, Verdict::Kept),
            ("h1-hit", BuildProfile::Dev, 974, Verdict::Outdated),
            ("h1-hit", BuildProfile::Release, 411, Verdict::Exceeded),
            ("h2-hit", BuildProfile::Dev, 3000, Verdict::Kept),
            ("h2-hit", BuildProfile::Release, 3000, Verdict::Missing),
            ("h1-miss", BuildProfile::Dev, 1, Verdict::Missing),
        ];
        for (name, build, measured, expected) in cases {
            let verdict = budget.judge(case(name), build, measured);
            assert_eq!(verdict, expected, "{name} {build:?} {measured}");
        }
    }

    #[test]
    fn recording_changes_only_what_was_measured() {
        let mut budget = Budget::parse(TEXT).unwrap();
        budget.record(case("h2-hit"), BuildProfile::Release, 1200);
        budget.record(case("h1-miss"), BuildProfile::Dev, 9000);
        let read = Budget::parse(&budget.text().unwrap()).unwrap();
        assert_eq!(read.tolerance_percent.to_string(), "2.5");
        let figures = [
            ("h1-hit", Some(1000), Some(400)),
            ("h2-hit", Some(3000), Some(1200)),
            ("h1-miss", Some(9000), None),
            ("h1-304", None, None),
        ];
        for (name, dev, release) in figures {
            assert_eq!(read.row(case(name)), Row { dev, release }, "{name}");
        }
    }

    #[test]
    fn mistakes_in_the_file_are_named() {
        let cases = [
            ("h2-hit", "h3-hit", "there is no case h3-hit: there are h1-hit, "),
            ("release", "quick", "unknown field `quick`"),
            ("2.5", "-1", "tolerance_percent is -1, not 0 to 100"),
            ("1000", "\"few\"", "invalid type"),
        ];
        for (from, to, expected) in cases {
            let error = Budget::parse(&TEXT.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn the_file_in_the_tree_has_a_budget_for_every_case_and_build() {
        let budget = Budget::parse(include_str!("budget.toml")).unwrap();
        for case in &CASES {
            for build in [BuildProfile::Dev, BuildProfile::Release] {
                assert!(budget.of(case, build).is_some(), "{} {build:?}", case.name);
            }
        }
    }

    #[test]
    fn cargos_folders_tell_how_a_program_was_built() {
        let cases = [
            ("/t/debug/proxima", Some(BuildProfile::Dev)),
            ("/t/release/proxima", Some(BuildProfile::Release)),
            ("/t/quick/proxima", None),
            ("proxima", None),
        ];
        for (program, expected) in cases {
            assert_eq!(BuildProfile::of(Path::new(program)), expected, "{program}");
        }
    }
}
