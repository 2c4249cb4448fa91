//! `proxima-origin`: maps the outcome of the command line to an exit code.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    match proxima_origin::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("proxima-origin: {error:#}");
            ExitCode::FAILURE
        }
    }
}
