//! What is written when a test is over.

use std::io::{IsTerminal, Write};
use std::path::Path;

use crate::output::{export, html, summary};
use crate::run::Outcome;

use super::args::RunArgs;
use super::exit::Failure;

/// Writes the summary (the script's own, if it made one), the export and the report.
pub(super) fn write(args: &RunArgs, outcome: &Outcome) -> Result<(), Failure> {
    match outcome.summary.as_ref().and_then(serde_json::Value::as_object) {
        Some(files) => {
            for (name, content) in files {
                write_one(name, content)?;
            }
        }
        None => {
            let color =
                !args.no_color && std::env::var_os("NO_COLOR").is_none() && std::io::stdout().is_terminal();
            print(&summary::text(&outcome.report, summary::Style { color }));
        }
    }
    if let Some(path) = &args.summary_export {
        let json = serde_json::to_string_pretty(&export::summary_export(&outcome.report));
        save(path, &json.map_err(|error| Failure::Broken(error.to_string()))?)?;
    }
    match &args.report {
        Some(path) => save(path, &html::page(&outcome.report)),
        None => Ok(()),
    }
}

/// One of what `handleSummary` returned: to a stream or a file, by its name.
fn write_one(name: &str, content: &serde_json::Value) -> Result<(), Failure> {
    let text = content
        .as_str()
        .map_or_else(|| content.to_string(), str::to_owned);
    match name {
        "stdout" => print(&text),
        "stderr" => eprint!("{text}"),
        path => save(Path::new(path), &text)?,
    }
    Ok(())
}

fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes()); // whoever closed it does not want it
}

fn save(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| Failure::Broken(format!("{}: {error}", path.display())))
}
