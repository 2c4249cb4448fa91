//! From a file, a text or flags to a checked configuration.

use std::path::Path;

use serde::Deserialize;
use serde_json::json;

use crate::check::{Checker, Environment};
use crate::document::{Document, KeyPath};
use crate::problem::{Place, Problem, Problems};
use crate::raw::Raw;
use crate::shape::{self, Fault};
use crate::{Config, Overrides, schema};

/// Largest file that is read, in bytes.
const FILE_BYTES_MAX: usize = 1 << 20;

/// Name of the region of a proxy that runs without a file and is not told one.
const LOCAL_REGION: &str = "local";

/// The configuration of a file. Relative paths in it start at its folder.
///
/// # Errors
/// Every problem, or that the file cannot be read.
pub fn load(path: &Path, overrides: &Overrides) -> Result<Config, Problems> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        let message = format!("cannot be read: {error}");
        let remedy = "name a readable file with `-c FILE`, or start without one by `--upstream`";
        whole_problem(&name, message, remedy)
    })?;
    parse(&text, &name, path.parent().unwrap_or(Path::new("")), overrides)
}

/// The configuration of a text, named `name` in messages; its relative paths are joined to `base_dir`.
///
/// # Errors
/// Every problem.
pub fn parse(text: &str, name: &str, base_dir: &Path, overrides: &Overrides) -> Result<Config, Problems> {
    parse_in(text, name, base_dir, overrides, &|variable| {
        std::env::var(variable).ok()
    })
}

/// [`parse`] with its environment.
pub(crate) fn parse_in(
    text: &str,
    name: &str,
    base_dir: &Path,
    overrides: &Overrides,
    environment: Environment<'_>,
) -> Result<Config, Problems> {
    if text.len() > FILE_BYTES_MAX {
        let message = format!("is larger than {FILE_BYTES_MAX} bytes");
        return Err(whole_problem(name, message, "name a configuration file"));
    }
    let (mut document, mut problems) = Document::parse(text);
    let faults = overrides.apply(&mut document);
    let checked = check(&document, faults, base_dir, environment);
    match checked {
        Ok(config) if problems.is_empty() => Ok(config),
        Ok(_) => Err(Problems::new(name, text, problems)),
        Err(more) => {
            problems.extend(more);
            Err(Problems::new(name, text, problems))
        }
    }
}

/// The configuration of flags alone: one region with the given origins, and one route that obeys their
/// header fields.
///
/// # Errors
/// Every problem.
pub fn from_flags(overrides: &Overrides) -> Result<Config, Problems> {
    let name = "command line";
    let mut document = Document::empty();
    let region = overrides.region.as_deref().unwrap_or(LOCAL_REGION);
    let table = json!([{ "name": region, "coordinates": ["0", "0"] }]);
    document.set(&KeyPath::of("region"), table, "--upstream");
    document.set(&KeyPath::of("server.region"), json!(region), "--region");
    let mut faults = overrides.apply(&mut document);
    if overrides.upstream.is_empty() {
        let remedy = "give `--upstream http://127.0.0.1:9000`, or a file with `-c FILE`".to_owned();
        faults.push(Fault::of_value(
            &KeyPath::of("region"),
            "no origin is given".to_owned(),
            remedy,
        ));
    }
    check(&document, faults, Path::new(""), &|_| None).map_err(|problems| Problems::new(name, "", problems))
}

fn check(
    document: &Document,
    mut faults: Vec<Fault>,
    base_dir: &Path,
    environment: Environment<'_>,
) -> Result<Config, Vec<Problem>> {
    let clean = shape::fit(&schema(), &document.value, &KeyPath::default(), &mut faults).unwrap_or_default();
    let mut checker = Checker::new(document, base_dir, environment);
    checker.report_faults(faults);
    match Raw::deserialize(clean) {
        Ok(raw) => checker.config(&raw),
        Err(error) => Err(checker.unreadable(&error)),
    }
}

fn whole_problem(name: &str, message: String, remedy: &str) -> Problems {
    let problem = Problem {
        message,
        key: String::new(),
        place: Place::Whole,
        remedy: remedy.to_owned(),
    };
    Problems::new(name, "", vec![problem])
}
