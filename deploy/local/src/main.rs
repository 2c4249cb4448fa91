//! `proxima-local`: maps the outcome of the command line to an exit code.

#![forbid(unsafe_code)]

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("proxima-local: {error:#}");
            ExitCode::FAILURE
        }
    }
}
