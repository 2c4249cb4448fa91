//! The guard from start to end.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::Flags;
use crate::budget::{Budget, BuildProfile, Verdict};
use crate::case::{CASES, Case, Setup};
use crate::load::Client;
use crate::measure::{Measured, measure};
use crate::report::{Comparison, TopFunctions};
use crate::side_by_side::program::require;
use crate::world::World;

/// Programs without which nothing can be measured.
const TOOLS: [&str; 5] = ["h2load", "memcached", "setpriv", "valgrind", "vgdb"];

/// What to do about a budget that does not fit.
const RECORD: &str = "`make instructions ARGS=--record` records them";

/// Measures what the flags ask for, prints it, and compares it with the budget or records it.
///
/// # Errors
/// When a case cannot be measured, or takes more than its budget.
pub(crate) async fn run(flags: &Flags) -> anyhow::Result<()> {
    require(&TOOLS)?;
    let proxima = program(flags)?;
    let build = flags.build_profile.or_else(|| BuildProfile::of(&proxima));
    let build = build.with_context(|| {
        let proxima = proxima.display();
        format!("{proxima} may be built with any profile: name it by `--build-profile`")
    })?;
    let mut budget = Budget::read(&flags.budget)?;
    let measured = measure_all(flags, &proxima).await?;
    let comparison = Comparison {
        measured: &measured,
        budget: &budget,
        build,
    };
    print!("{comparison}");
    for case in &flags.profile_of {
        let of = measured.iter().filter(|measured| measured.case == *case);
        of.for_each(|measured| print!("\n{}", TopFunctions(measured)));
    }
    if !flags.record {
        return conclude(&comparison);
    }
    for measured in &measured {
        budget.record(measured.case, build, measured.instructions);
    }
    std::fs::write(&flags.budget, budget.text()?).with_context(|| flags.budget.display().to_string())
}

/// Measures the cases that the flags name, or all.
async fn measure_all(flags: &Flags, proxima: &Path) -> anyhow::Result<Vec<Measured>> {
    let mut all = Vec::new();
    for setup in Setup::ALL {
        let cases = CASES.iter().filter(|case| case.setup == setup);
        let cases: Vec<_> = cases.filter(|case| wanted(case, flags)).collect();
        if cases.is_empty() {
            continue;
        }
        let mut world = World::start(setup, proxima).await?;
        let dir = world.files.path().to_owned();
        let mut client = Client::new(&dir);
        for case in cases {
            let measured = measure(case, flags.rounds, &mut world, &mut client).await;
            all.push(measured.with_context(|| case.name)?);
        }
    }
    Ok(all)
}

fn wanted(case: &Case, flags: &Flags) -> bool {
    flags.case.is_empty()
        || flags
            .case
            .iter()
            .chain(&flags.profile_of)
            .any(|wanted| *wanted == case)
}

/// An error if a budget is exceeded or missing.
fn conclude(comparison: &Comparison<'_>) -> anyhow::Result<()> {
    let missing = comparison.names(Verdict::Missing);
    if !missing.is_empty() {
        bail!("no budget is recorded for {}: {RECORD}", missing.join(", "));
    }
    let exceeded = comparison.names(Verdict::Exceeded);
    if !exceeded.is_empty() {
        bail!(
            "more than the budget allows: {}. `--profile-of {}` shows where they go; if they are worth it, {RECORD}",
            exceeded.join(", "),
            exceeded[0]
        );
    }
    let outdated = comparison.names(Verdict::Outdated);
    if !outdated.is_empty() {
        println!(
            "less than recorded: {}. So that it stays so, {RECORD}",
            outdated.join(", ")
        );
    }
    Ok(())
}

/// The program to measure.
fn program(flags: &Flags) -> anyhow::Result<PathBuf> {
    let beside = || anyhow::Ok(std::env::current_exe()?.with_file_name("proxima"));
    let program = flags.proxima.clone().map_or_else(beside, Ok)?;
    if !program.is_file() {
        bail!(
            "there is no {}: `make instructions` builds it, or give `--proxima FILE`",
            program.display()
        );
    }
    Ok(program)
}
