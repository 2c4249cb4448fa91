//! Flags: k6's, and a few more (<https://grafana.com/docs/k6/latest/using-k6/k6-options/reference/>).

mod options;

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand};

pub use options::OptionArgs;

/// Runs k6 scripts, and tells latencies as users felt them.
#[derive(Debug, Parser)]
#[command(name = "proxima-load", version, disable_version_flag = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a script and show what it measured
    Run(Box<RunArgs>),
    /// Print a script's options as JSON, and check them, its scenarios and its thresholds
    Inspect(Box<InspectArgs>),
    /// Print the version
    Version,
}

/// `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Write every sample to a file: json=FILE or csv=FILE, repeatable [default: none]
    #[arg(short, long, env = "K6_OUT", value_name = "KIND=FILE")]
    pub out: Vec<Output>,
    /// Write the summary to a JSON file [default: none]
    #[arg(long, env = "K6_SUMMARY_EXPORT", value_name = "FILE")]
    pub summary_export: Option<PathBuf>,
    /// Write a report for browsers, in one HTML file [default: none]
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Exit with an error if any iteration threw an exception [default: false]
    #[arg(long)]
    pub fail_on_exception: bool,
    /// Threads that VUs run on [default: one for each CPU]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Show no progress while the test runs [default: false]
    #[arg(short, long)]
    pub quiet: bool,
    /// Write without colours [default: false]
    #[arg(long)]
    pub no_color: bool,
    /// What `inspect` knows as well.
    #[command(flatten)]
    pub script: ScriptArgs,
}

/// `inspect`.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// Print the greatest number of VUs and the longest duration as well [default: false]
    #[arg(long)]
    pub execution_requirements: bool,
    /// What `run` knows as well.
    #[command(flatten)]
    pub script: ScriptArgs,
}

/// A script, and what it sees and obeys.
#[derive(Debug, Args)]
pub struct ScriptArgs {
    /// The script; `-` reads it from standard input
    #[arg(value_name = "SCRIPT")]
    pub path: PathBuf,
    /// Options from a JSON file; all other places override them [default: none]
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Set a variable of the script's __ENV, repeatable [default: none]
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = pair)]
    pub env: Vec<(String, String)>,
    /// Give the script this process's environment in __ENV [default: true for run, false for inspect]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "true", hide_possible_values = true)]
    pub include_system_env_vars: Option<bool>,
    /// What the script's own options can be overridden with.
    #[command(flatten)]
    pub options: OptionArgs,
}

/// Where samples go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Lines of JSON.
    Json(PathBuf),
    /// A table.
    Csv(PathBuf),
}

impl FromStr for Output {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some(("json", file)) if !file.is_empty() => Ok(Self::Json(file.into())),
            Some(("csv", file)) if !file.is_empty() => Ok(Self::Csv(file.into())),
            Some(("json" | "csv", _)) | None if matches!(text, "json" | "csv" | "json=" | "csv=") => {
                Err("the file is missing: write json=FILE or csv=FILE".to_owned())
            }
            _ => Err("there is no such output: write json=FILE or csv=FILE".to_owned()),
        }
    }
}

/// `KEY=VALUE`; the value may be empty and have further equals signs.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests;
