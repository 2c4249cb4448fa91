//! `proxima-instructions`: how many instructions a request costs Proxima, against a recorded budget.
//!
//! A machine that is busy with something else makes a program slower, but has it execute the same instructions. So they
//! are counted, by valgrind's callgrind, where a change must not make a request dearer unnoticed. What the kernel does for
//! a request is not among them.

#![forbid(unsafe_code)]

mod access_log;
mod budget;
mod callgrind;
mod case;
mod guard;
mod load;
mod measure;
mod node;
mod origin;
mod profile;
mod report;
#[expect(dead_code, reason = "nothing is compared side by side here")]
#[path = "../side_by_side/mod.rs"]
mod side_by_side;
#[path = "../started/mod.rs"]
mod started;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::budget::BuildProfile;
use crate::case::Case;
use crate::side_by_side::comparison;

/// How many instructions a request costs Proxima, against a recorded budget.
#[derive(Debug, Parser)]
#[command(name = "proxima-instructions", version)]
struct Flags {
    /// Write what was measured into the budget instead of comparing it.
    #[arg(long)]
    record: bool,
    /// Case to measure; may be repeated [default: all].
    #[arg(long, value_name = "CASE", value_parser = Case::parse)]
    case: Vec<&'static Case>,
    /// Case whose ten dearest functions to print; may be repeated.
    #[arg(long, value_name = "CASE", value_parser = Case::parse)]
    profile_of: Vec<&'static Case>,
    /// How often each case is measured; what disturbs a measurement adds to it, so the least counts.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// The recorded budget.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "loadtest/instructions/budget.toml"
    )]
    budget: PathBuf,
    /// The proxima binary [default: the one beside this program].
    #[arg(long, value_name = "FILE", env = "PROXIMA_BIN")]
    proxima: Option<PathBuf>,
    /// Profile that it was built with [default: what the name of its folder says].
    #[arg(long, value_name = "PROFILE")]
    build_profile: Option<BuildProfile>,
}

// One thread: a child's parent-death signal is tied to the thread that started it.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let flags = Flags::parse();
    comparison::run("proxima-instructions", guard::run(&flags)).await
}
