//! The `proxima-load` binary.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    proxima_load::cli::main()
}
