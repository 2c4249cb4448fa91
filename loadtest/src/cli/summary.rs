//! What is written when a test is over.

use std::io::{IsTerminal, Write};
use std::path::Path;

use crate::output::{export, html, summary};
use crate::run::Outcome;

use super::args::RunArgs;

/// Writes the summary (the script's own, if it made one), the export and the report. Returns what could not be written,
/// and why: one bad path must not cost the rest.
pub(super) fn write(args: &RunArgs, outcome: &Outcome) -> Vec<String> {
    let mut written = Vec::new();
    match outcome.summary.as_ref().and_then(serde_json::Value::as_object) {
        Some(files) => written.extend(files.iter().map(|(name, content)| write_one(name, content))),
        None => {
            let color =
                !args.no_color && std::env::var_os("NO_COLOR").is_none() && std::io::stdout().is_terminal();
            print(&summary::text(&outcome.report, summary::Style { color }));
        }
    }
    if let Some(path) = &args.summary_export {
        let json = serde_json::to_string_pretty(&export::summary_export(&outcome.report));
        let json = json.map_err(|error| error.to_string());
        written.push(json.and_then(|json| save(path, &json)));
    }
    if let Some(path) = &args.report {
        written.push(save(path, &html::page(&outcome.report)));
    }
    written.into_iter().filter_map(Result::err).collect()
}

/// One of what `handleSummary` returned: to a stream or a file, by its name.
fn write_one(name: &str, content: &serde_json::Value) -> Result<(), String> {
    let Some(text) = content.as_str() else {
        return Err(format!(
            "{name}: handleSummary() did not return a text for it: write JSON.stringify(…) for anything else"
        ));
    };
    match name {
        "stdout" => print(text),
        "stderr" => drop(std::io::stderr().write_all(text.as_bytes())),
        path => save(Path::new(path), text)?,
    }
    Ok(())
}

/// Writes to standard output.
pub(super) fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes()); // whoever closed it does not want it
}

fn save(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
