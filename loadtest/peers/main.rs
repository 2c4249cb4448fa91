//! `proxima-peers`: what a cached hit costs Proxima, side by side with nginx.
//!
//! A hit comes from the server's own memory (L1) or from a memcached node that both servers read (L2).
//!
//! Each server runs with one worker, pinned to one core, its access log on; the load, the origin and memcached are
//! pinned to another. The servers take turns, round after round, so that whatever else the machine does hits both. The figure
//! to trust is CPU time per request, read from `/proc`: requests per second depend on the load generator as soon as
//! the server is not busy all the time.

#![forbid(unsafe_code)]

mod ask;
mod bench;
mod load;
mod memcached;
mod origin;
mod peer;
mod report;
mod server;
mod setting;
#[path = "../side_by_side/mod.rs"]
mod side_by_side;
mod tier;
mod warm_up;
mod window;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::load::Mode;
use crate::peer::Peer;
use crate::side_by_side::comparison;
use crate::tier::Tier;

/// What a cached hit costs Proxima, side by side with nginx.
#[derive(Debug, Parser)]
#[command(name = "proxima-peers", version)]
struct Flags {
    /// How often the servers take turns; the table shows medians.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Length of one measurement.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,
    /// Where hits come from; may be repeated [default: all].
    #[arg(long, value_name = "TIER")]
    tier: Vec<Tier>,
    /// Protocol to measure; may be repeated [default: all, for L2 those of HTTP/1.1].
    #[arg(long, value_name = "MODE")]
    mode: Vec<Mode>,
    /// Server to measure; may be repeated [default: all].
    #[arg(long, value_name = "PEER")]
    peer: Vec<Peer>,
    /// The proxima binary [default: the one beside this program].
    #[arg(long, value_name = "FILE", env = "PROXIMA_BIN")]
    proxima: Option<PathBuf>,
    /// Core of the server under test.
    #[arg(long, value_name = "N", default_value_t = 0)]
    server_core: usize,
    /// Core of the load, the origin and memcached.
    #[arg(long, value_name = "N", default_value_t = 1)]
    load_core: usize,
    /// Where to write all measurements as JSON.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

// One thread: a child's parent-death signal is tied to the thread that started it.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let flags = Flags::parse();
    comparison::run("proxima-peers", bench::run(&flags)).await
}
