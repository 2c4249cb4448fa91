//! What a script, its environment and the command line ask for: read from each place ([`Layers`]), laid over each
//! other, and checked ([`Options`]).
//!
//! Names, defaults and precedence are k6's (<https://grafana.com/docs/k6/latest/using-k6/k6-options/>). An option that
//! k6 does not know, or that there is not here, is refused: it would silently change nothing.

mod checked;
mod consolidated;
pub mod duration;
mod executor;
mod hosts;
pub(crate) mod known;
mod layer;
pub(crate) mod nearest;
mod precedence;
mod problem;
mod requirements;
mod scenario;
mod section;
mod settings;
#[cfg(test)]
mod tests;
mod thresholds;
mod value;

pub use checked::{Executor, Host, Options, RampingStage, Scenario, SummaryMode, TimeUnit, TrendStat};
pub use layer::{Layers, stages};
pub use problem::{OptionErrors, Problem};
pub use requirements::requirements;
pub use settings::{SYSTEM_TAGS, USER_AGENT};

use problem::Problems;

/// What all layers together ask for.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// What the test runs with.
    pub options: Options,
    /// The same as a script would write it, as `inspect` prints it and scripts see it.
    pub json: serde_json::Value,
    /// Sentences for the user: variables without effect, scenarios that are not run.
    pub warnings: Vec<String>,
}

/// Lays `layers` over each other and checks what comes of it. `exports` are the names of the functions that the script
/// exports: what scenarios can run.
///
/// # Errors
/// With everything that is wrong, each with its place and what to write instead.
pub fn resolve(layers: &Layers<'_>, exports: &[String]) -> Result<Resolved, OptionErrors> {
    let (mut problems, mut warnings) = (Problems::default(), Vec::new());
    let read = layer::read(layers, &mut problems, &mut warnings);
    let merged = precedence::merge(read, &mut problems, &mut warnings);
    let scenarios = scenario::read(&merged.execution, exports, &mut problems);
    let options = settings::read(merged.settings, scenarios, &mut problems);
    problems.into_result()?;
    let json = consolidated::consolidated(&options, &merged.execution);
    Ok(Resolved {
        options,
        json,
        warnings,
    })
}
