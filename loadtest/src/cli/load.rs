//! From the command line to a test with options: what `run` and `inspect` have in common.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::task::LocalSet;

use crate::js::{Exports, Script, ScriptError, Vu};
use crate::log::{Level, Log};
use crate::metrics::Selector;
use crate::options::{self, Layers, Resolved, SummaryMode};
use crate::threshold::check_kinds;

use super::args::ScriptArgs;
use super::exit::Failure;

/// A script whose init code has run once.
pub(super) struct Loaded {
    pub(super) script: Arc<Script>,
    pub(super) exports: Exports,
    pub(super) resolved: Resolved,
}

/// Reads a script and everything that decides how it runs.
pub(super) fn load(args: &ScriptArgs, with_system_env: bool) -> Result<Loaded, Failure> {
    let system: BTreeMap<String, String> = std::env::vars().collect();
    let mut env = if args.include_system_env_vars.unwrap_or(with_system_env) {
        system.clone()
    } else {
        BTreeMap::new()
    };
    env.extend(args.env.iter().cloned());
    let config = args.config.as_ref().map(|path| {
        std::fs::read_to_string(path).map_err(|error| Failure::Config(format!("{}: {error}", path.display())))
    });
    let config = config.transpose()?;
    let script = Script::read(&args.path, env, Arc::new(Log::default()));
    let script = script
        .map_err(|error| Failure::Config(format!("{}: {error}; is the path right?", args.path.display())))?;
    let script = Arc::new(script);
    let exports = exports_of(&script)?;
    let declared = exports.options.as_ref();
    let declared = declared.map_err(|problem| Failure::Config(format!("options: {problem}")))?;
    let flags = args.options.layer();
    let layers = Layers {
        config: config.as_deref(),
        script: declared,
        env: &system,
        flags: &flags,
    };
    let resolved = options::resolve(&layers, &exports.functions);
    let resolved = resolved.map_err(|problems| Failure::Config(problems.to_string()))?;
    for warning in &resolved.warnings {
        script.log.line(Level::Warning, warning);
    }
    select_submetrics(&script, &resolved)?;
    Ok(Loaded {
        script,
        exports,
        resolved,
    })
}

/// Runs the init code once, for the options and the names of functions and metrics.
fn exports_of(script: &Arc<Script>) -> Result<Exports, Failure> {
    let broken = |error: std::io::Error| Failure::Broken(format!("cannot start: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(broken)?;
    LocalSet::new().block_on(&runtime, async {
        let (_vu, ready) = Vu::spawn(script.clone(), None, 0, std::rc::Rc::default()).map_err(broken)?;
        let died = || ScriptError {
            text: "the script's init code ended this program's fiber".to_owned(),
        };
        ready
            .await
            .unwrap_or_else(|_| Err(died()))
            .map_err(|error| match script.aborted() {
                Some(reason) => Failure::Aborted(reason.to_owned()),
                None => Failure::Script(error.to_string()),
            })
    })
}

/// Has what thresholds look at counted apart.
fn select_submetrics(script: &Script, resolved: &Resolved) -> Result<(), Failure> {
    let (thresholds, apart) = (&resolved.options.thresholds, &resolved.options.apart);
    let kinds = check_kinds(thresholds, &script.registry).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Failure::Config(format!("thresholds cannot be judged:\n  {}", lines.join("\n  ")))
    });
    kinds?;
    let always = Selector {
        metric: "http_req_duration".to_owned(),
        tags: vec![("expected_response".to_owned(), "true".to_owned())],
    };
    let judged = thresholds.iter().map(|threshold| &threshold.selector);
    for selector in std::iter::once(&always).chain(judged).chain(apart) {
        script
            .registry
            .select(selector)
            .map_err(|problem| Failure::Config(problem.to_string()))?;
    }
    if resolved.options.summary_mode == SummaryMode::Full {
        for scenario in &resolved.options.scenarios {
            script.registry.select_all("scenario", &scenario.name);
        }
    }
    Ok(())
}
