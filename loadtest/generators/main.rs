//! `proxima-generators`: what a request costs `proxima-load`, side by side with wrk, hey and h2load.
//!
//! All ask the same server, nginx with one worker that answers a fixed object from memory. It is pinned to one core
//! and the generators to another, where they take turns, round after round, so that whatever else the machine does hits
//! all of them. Each has one thread, or a core's worth of them.
//!
//! The figure to trust is a generator's CPU time per request, from its start to its end: requests per second depend on
//! the server as soon as a generator is not busy all the time. The comparison is with tools that run no script, which
//! makes it hard on `proxima-load`: its iteration is a function with one `http.get` and one `check`.

#![forbid(unsafe_code)]

mod bench;
mod demand;
mod generator;
mod hey;
mod memory;
mod proxima_load;
mod report;
mod server;
#[path = "../side_by_side/mod.rs"]
mod side_by_side;
mod window;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::demand::Part;
use crate::generator::Generator;
use crate::side_by_side::comparison;
use crate::side_by_side::terms::Terms;

/// What a request costs proxima-load, side by side with wrk, hey and h2load.
#[derive(Debug, Parser)]
#[command(name = "proxima-generators", version)]
struct Flags {
    #[command(flatten)]
    terms: Terms,
    /// What to measure; may be repeated [default: all].
    #[arg(long, value_name = "PART")]
    part: Vec<Part>,
    /// Generator to measure; may be repeated [default: all].
    #[arg(long, value_name = "GENERATOR")]
    generator: Vec<Generator>,
    /// The proxima-load binary [default: the one beside this program].
    #[arg(long, value_name = "FILE", env = "PROXIMA_LOAD_BIN")]
    proxima_load: Option<PathBuf>,
}

// One thread: a child's parent-death signal is tied to the thread that started it.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let flags = Flags::parse();
    comparison::run("proxima-generators", bench::run(&flags)).await
}
