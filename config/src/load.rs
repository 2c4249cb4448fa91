//! From a file, a text or flags to a checked configuration.

use std::path::Path;

use crate::{Config, Overrides, Place, Problem, Problems};

fn not_yet(name: &str) -> Problems {
    let message = "reading is not built yet".to_owned();
    let remedy = "wait for the next revision".to_owned();
    Problems::new(
        name,
        "",
        vec![Problem {
            message,
            key: String::new(),
            place: Place::Whole,
            remedy,
        }],
    )
}

/// The configuration of a file.
///
/// # Errors
/// Every problem, or that the file cannot be read.
pub fn load(path: &Path, _overrides: &Overrides) -> Result<Config, Problems> {
    Err(not_yet(&path.display().to_string()))
}

/// The configuration of a text, named `name` in messages; its relative paths are joined to `base_dir`.
///
/// # Errors
/// Every problem.
pub fn parse(_text: &str, name: &str, _base_dir: &Path, _overrides: &Overrides) -> Result<Config, Problems> {
    Err(not_yet(name))
}

/// The configuration of flags alone.
///
/// # Errors
/// Every problem.
pub fn from_flags(_overrides: &Overrides) -> Result<Config, Problems> {
    Err(not_yet("command line"))
}

/// JSON Schema of the file.
pub fn schema() -> serde_json::Value {
    serde_json::Value::Null
}

/// Annotated TOML of every key with its default.
pub fn default_toml() -> String {
    String::new()
}

/// The effective configuration as TOML, secrets redacted.
pub fn to_toml(_config: &Config) -> String {
    String::new()
}
