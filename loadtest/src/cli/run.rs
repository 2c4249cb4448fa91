//! `run`: a test, and what it leaves behind.

use std::io::IsTerminal;
use std::num::NonZero;
use std::sync::Arc;

use tokio::task::LocalSet;

use crate::log::Level;
use crate::output::progress::Display;
use crate::output::raw::{CsvOutput, JsonOutput, Output};
use crate::run::{self, Outcome, RunError, Settings, StopReason, Test};

use super::args::{self, RunArgs};
use super::exit::Failure;
use super::load::{Loaded, load};
use super::summary;

pub(super) fn run(args: &RunArgs) -> Result<(), Failure> {
    let loaded = load(&args.script, true)?;
    let outputs = args.out.iter().map(open).collect::<Result<Vec<_>, _>>()?;
    let Loaded {
        script,
        exports,
        resolved,
    } = loaded;
    let test = Arc::new(Test::new(script, Arc::new(resolved.options), resolved.json));
    let display = display(args, &test);
    let settings = Settings {
        threads: threads(args, &test),
        exports: exports.functions,
        outputs,
        display: display.clone(),
        terminals: (std::io::stdout().is_terminal(), std::io::stderr().is_terminal()),
    };
    let broken = |error: std::io::Error| Failure::Broken(format!("cannot start: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(broken)?;
    let outcome = LocalSet::new().block_on(&runtime, run::run(&test, settings));
    display.finish();
    test.script.log.redirect(None);
    let outcome = outcome.map_err(|error| match test.stop_reason() {
        Some(StopReason::Aborted(reason)) => Failure::Aborted(reason), // in a virtual user's init code
        _ => error.into(),
    })?;
    let unwritten = summary::write(args, &outcome);
    for problem in &unwritten {
        test.script.log.line(Level::Error, problem);
    }
    let lost_samples = outcome.lost_samples;
    verdict(args, &test, outcome)?;
    let incomplete = match (unwritten.is_empty(), lost_samples) {
        (true, false) => return Ok(()),
        (false, _) => "the summary is incomplete; correct the paths above",
        (true, true) => "an output lacks samples; give it a place that can be written to",
    };
    Err(Failure::Broken(incomplete.to_owned()))
}

fn open(output: &args::Output) -> Result<Box<dyn Output>, Failure> {
    let opened: std::io::Result<Box<dyn Output>> = match output {
        args::Output::Json(path) => {
            JsonOutput::create(path).map(|output| Box::new(output) as Box<dyn Output>)
        }
        args::Output::Csv(path) => CsvOutput::create(path).map(|output| Box::new(output) as Box<dyn Output>),
    };
    opened.map_err(|error| Failure::Config(error.to_string()))
}

/// As many threads as cores, and not more than virtual users.
fn threads(args: &RunArgs, test: &Test) -> usize {
    let vus: u32 = test
        .options
        .scenarios
        .iter()
        .map(|scenario| scenario.executor.max_vus())
        .fold(0, u32::saturating_add);
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let wanted = args.threads.map_or(cores, usize::from);
    wanted.clamp(1, usize::try_from(vus).unwrap_or(cores).max(1))
}

/// The progress display, which takes the log's lines over if it is there.
fn display(args: &RunArgs, test: &Test) -> Arc<Display> {
    let enabled = !args.quiet && std::io::stderr().is_terminal();
    let scenarios: Vec<_> = test
        .scenarios
        .iter()
        .map(|state| state.scenario.clone())
        .collect();
    let display = Arc::new(Display::new(enabled, &scenarios));
    if enabled {
        let lines = display.clone();
        test.script
            .log
            .redirect(Some(Box::new(move |line| lines.println(line))));
    }
    display
}

/// What the exit code says of a test that is over.
fn verdict(args: &RunArgs, test: &Test, outcome: Outcome) -> Result<(), Failure> {
    if let Some(error) = outcome.error {
        return Err(error.into());
    }
    match test.stop_reason() {
        Some(StopReason::Signal) => return Err(Failure::Interrupted),
        Some(StopReason::Aborted(reason)) => return Err(Failure::Aborted(reason)),
        Some(StopReason::Died) => return Err(RunError::Died.into()),
        Some(StopReason::Threshold(_)) | None => {}
    }
    if !outcome.broken.is_empty() {
        return Err(Failure::Thresholds(outcome.broken));
    }
    if let Some(StopReason::Threshold(threshold)) = test.stop_reason() {
        return Err(Failure::Thresholds(vec![threshold]));
    }
    if test.is_failed() {
        return Err(Failure::MarkedFailed);
    }
    match test.exceptions() {
        exceptions if exceptions > 0 && args.fail_on_exception => Err(Failure::Script(format!(
            "exceptions ended {exceptions} iterations"
        ))),
        _ => Ok(()),
    }
}
