//! The command line.

pub mod args;
mod exit;
mod inspect;
mod load;
mod run;
mod summary;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;

use self::args::{Cli, Command};

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Inspect(args) => inspect::inspect(&args),
        Command::Version => {
            summary::print(concat!("proxima-load v", env!("CARGO_PKG_VERSION"), "\n"));
            Ok(())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(std::io::stderr().lock(), "proxima-load: {failure}");
            failure.code()
        }
    }
}
