//! What one place says: the config file, the script, the environment or the command line.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::known::{Form, NAMES, NOT_IN_SCRIPTS, UNSUPPORTED, flag_of};
use super::nearest::nearest;
use super::problem::Problems;
use super::section::Entry;

/// Everything that decides how a test runs, lowest precedence first.
#[derive(Debug, Clone, Copy)]
pub struct Layers<'a> {
    /// Text of the JSON config file, if there is one.
    pub config: Option<&'a str>,
    /// The script's exported `options`, `null` if it has none.
    pub script: &'a Value,
    /// Environment variables; all but `K6_*` are left alone.
    pub env: &'a BTreeMap<String, String>,
    /// What the command line sets, by the names that scripts use.
    pub flags: &'a Map<String, Value>,
}

/// Values that one place sets, by the names that scripts use.
#[derive(Debug)]
pub(super) struct Layer {
    /// As warnings call it.
    pub(super) name: &'static str,
    pub(super) entries: BTreeMap<String, Entry>,
}

/// The four layers, lowest precedence first.
pub(super) fn read(layers: &Layers<'_>, problems: &mut Problems, warnings: &mut Vec<String>) -> [Layer; 4] {
    [
        Layer {
            name: "the config file",
            entries: config(layers.config, problems),
        },
        Layer {
            name: "the script",
            entries: object("", layers.script, problems),
        },
        Layer {
            name: "the environment",
            entries: environment(layers.env, problems, warnings),
        },
        Layer {
            name: "the command line",
            entries: flags(layers.flags),
        },
    ]
}

fn config(text: Option<&str>, problems: &mut Problems) -> BTreeMap<String, Entry> {
    let Some(text) = text else {
        return BTreeMap::new();
    };
    match serde_json::from_str(text) {
        Ok(value) => object("config file: ", &value, problems),
        Err(error) => {
            problems.push("config file", format!("it is no JSON: {error}"));
            BTreeMap::new()
        }
    }
}

fn object(prefix: &str, value: &Value, problems: &mut Problems) -> BTreeMap<String, Entry> {
    let mut entries = BTreeMap::new();
    let object = match value {
        Value::Null => return entries,
        Value::Object(object) => object,
        other => {
            let message = format!("expected an object such as {{ vus: 10, duration: \"30s\" }}, not {other}");
            problems.push(format!("{prefix}options"), message);
            return entries;
        }
    };
    let known = NAMES.iter().map(|name| name.key);
    let known: Vec<&str> = known.filter(|key| !NOT_IN_SCRIPTS.contains(key)).collect();
    for (key, value) in object {
        let path = format!("{prefix}{key}");
        if UNSUPPORTED.contains(&key.as_str()) {
            if !value.is_null() {
                problems.push(path, "not supported by proxima-load: remove it");
            }
        } else if !known.contains(&key.as_str()) {
            let guess = nearest(key, &known).map_or_else(
                || "remove it".to_owned(),
                |guess| format!("did you mean {guess:?}?"),
            );
            problems.push(path, format!("unknown option: {guess}"));
        } else if !value.is_null() {
            let value = value.clone();
            entries.insert(key.clone(), Entry { value, path });
        }
    }
    entries
}

fn environment(
    env: &BTreeMap<String, String>,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> BTreeMap<String, Entry> {
    let mut entries = BTreeMap::new();
    for (variable, text) in env {
        if !variable.starts_with("K6_") || text.is_empty() {
            continue;
        }
        let Some(name) = NAMES.iter().find(|name| name.env == Some(variable)) else {
            warnings.push(format!(
                "the environment variable {variable} has no effect: no option has that name"
            ));
            continue;
        };
        match from_text(name.form, text) {
            Ok(value) => {
                let path = variable.clone();
                entries.insert(name.key.to_owned(), Entry { value, path });
            }
            Err(message) => problems.push(variable, message),
        }
    }
    entries
}

fn flags(flags: &Map<String, Value>) -> BTreeMap<String, Entry> {
    let entry = |(key, value): (&String, &Value)| {
        let (path, value) = (flag_of(key).unwrap_or(key).to_owned(), value.clone());
        (key.clone(), Entry { value, path })
    };
    flags.iter().map(entry).collect()
}

fn from_text(form: Form, text: &str) -> Result<Value, String> {
    match form {
        Form::Text => Ok(json!(text)),
        Form::List => Ok(text.split(',').map(str::trim).collect()),
        Form::Boolean => match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "1" => Ok(json!(true)),
            "false" | "f" | "0" => Ok(json!(false)),
            _ => Err(format!("expected true or false, not {text:?}")),
        },
        Form::Stages => stages(text),
    }
}

/// Reads `5s:10,1m:20` into what a script's `stages` would be.
///
/// # Errors
/// For a stage without a colon; durations and targets are checked later.
pub fn stages(text: &str) -> Result<Value, String> {
    let stage = |stage: &str| {
        let (duration, target) = stage
            .split_once(':')
            .ok_or_else(|| format!("expected duration:target such as 30s:10, not {stage:?}"))?;
        Ok(json!({ "duration": duration.trim(), "target": target.trim() }))
    };
    let stages: Result<Vec<Value>, String> = text.split(',').map(stage).collect();
    stages.map(Value::Array)
}
