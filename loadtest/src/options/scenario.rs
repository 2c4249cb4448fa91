//! Scenarios: those of `scenarios`, or the one that the shortcuts `vus`, `duration`, `iterations` and `stages` mean.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::checked::Scenario;
use super::executor::{EXECUTORS, Read};
use super::precedence::{Execution, Load};
use super::problem::Problems;
use super::section::{Entry, Section};
use super::value::{text, text_map, time};

const GRACEFUL_STOP: Duration = Duration::from_secs(30);
/// Name of the one scenario of a script that names none, and of the function that scenarios call.
const DEFAULT: &str = "default";
const COMMON: [&str; 6] = ["executor", "startTime", "gracefulStop", "exec", "env", "tags"];
const REMOVED: &str = "externally-controlled";

/// All scenarios by name; `exports` are the functions that the script has.
pub(super) fn read(execution: &Execution, exports: &[String], problems: &mut Problems) -> Vec<Scenario> {
    if let Load::Scenarios(entry) = &execution.load {
        return named(entry, exports, problems);
    }
    let mut section = Section::of_entries(DEFAULT, shortcut(execution), problems);
    scenario(DEFAULT, &mut section, exports).into_iter().collect()
}

/// What the shortcuts mean, as a scenario would write it; paths remain those of the shortcuts.
fn shortcut(execution: &Execution) -> BTreeMap<String, Entry> {
    let vus = execution.vus.as_ref();
    let (executor, keys): (_, [(&str, Option<&Entry>); 3]) = match &execution.load {
        Load::Duration(duration) => (
            "constant-vus",
            [("vus", vus), ("duration", Some(duration)), ("", None)],
        ),
        Load::Stages(stages) => (
            "ramping-vus",
            [("startVUs", vus), ("stages", Some(stages)), ("", None)],
        ),
        Load::Iterations { iterations, duration } => (
            "shared-iterations",
            [
                ("vus", vus),
                ("iterations", Some(iterations)),
                ("maxDuration", duration.as_ref()),
            ],
        ),
        // As many iterations as VUs.
        Load::Unset | Load::Scenarios(_) => (
            "shared-iterations",
            [("vus", vus), ("iterations", vus), ("", None)],
        ),
    };
    let mut entries: BTreeMap<String, Entry> = keys
        .into_iter()
        .filter_map(|(key, entry)| Some((key.to_owned(), entry?.clone())))
        .collect();
    let (value, path) = (json!(executor), "executor".to_owned());
    entries.insert("executor".to_owned(), Entry { value, path });
    entries
}

fn named(entry: &Entry, exports: &[String], problems: &mut Problems) -> Vec<Scenario> {
    const EXAMPLE: &str = "{ read: { executor: \"constant-vus\", vus: 10, duration: \"30s\" } }";
    let Some(object) = entry.value.as_object().filter(|object| !object.is_empty()) else {
        let message = format!(
            "expected at least one scenario such as {EXAMPLE}, not {}",
            entry.value
        );
        problems.push(entry.path.clone(), message);
        return Vec::new();
    };
    let mut scenarios = Vec::with_capacity(object.len());
    for (name, value) in object {
        let path = format!("{}.{name}", entry.path);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if name.is_empty() || !name.bytes().all(plain) {
            problems.push(
                path.clone(),
                "a scenario's name has only letters, digits, _ and -: give it another name",
            );
        }
        let Value::Object(object) = value else {
            problems.push(path, format!("expected a scenario as in {EXAMPLE}, not {value}"));
            continue;
        };
        scenarios.extend(scenario(
            name,
            &mut Section::new(&path, object, problems),
            exports,
        ));
    }
    scenarios.sort_by(|a, b| a.name.cmp(&b.name));
    scenarios
}

fn scenario(name: &str, section: &mut Section<'_>, exports: &[String]) -> Option<Scenario> {
    let executor = executor(section);
    let start_time = section.get("startTime", time).unwrap_or_default();
    let graceful_stop = section.get("gracefulStop", time).unwrap_or(GRACEFUL_STOP);
    let env = section.get("env", text_map).unwrap_or_default();
    let tags = section.get("tags", text_map).unwrap_or_default();
    let exec = section.get("exec", text).unwrap_or_else(|| DEFAULT.to_owned());
    if !exports.contains(&exec) {
        let there = if exports.is_empty() {
            "it exports none".to_owned()
        } else {
            format!("it exports {}", exports.join(", "))
        };
        section.refuse(
            "exec",
            format!("the script exports no function {exec:?}: {there}"),
        );
    }
    let read = executor?;
    Some(Scenario {
        name: name.to_owned(),
        exec,
        start_time,
        graceful_stop,
        env,
        tags,
        executor: read(section)?,
    })
}

/// How the scenario's executor is read; its keys are checked.
fn executor(section: &mut Section<'_>) -> Option<Read> {
    let names = EXECUTORS.map(|(name, ..)| name);
    let name = section.require("executor", "\"constant-vus\"", text)?;
    let Some((name, own, read)) = EXECUTORS.into_iter().find(|(known, ..)| **known == *name) else {
        if name == REMOVED {
            section.refuse(
                "executor",
                format!("{REMOVED} was removed in k6 2.0: use one of {}", names.join(", ")),
            );
        } else if let Some((entry, problems)) = section.raw("executor") {
            problems.unknown(&entry.path, "executor", &name, &names);
        }
        return None;
    };
    let mut known = [&COMMON[..], own].concat();
    if section.has("options") {
        // Known here, so that it is refused once.
        known.push("options");
        section.refuse(
            "options",
            "scenarios of browsers are not supported by proxima-load: remove it",
        );
    }
    section.allow(&format!("key of {name}"), &known);
    Some(read)
}
