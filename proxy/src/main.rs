//! The `proxima` binary.

#![forbid(unsafe_code)]

use std::process::ExitCode;

/// Measured on the hit path: as fast as the best of the others, and the smallest.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    proxima::cli::main()
}
