//! `proxima-peers`: what cached answers cost Proxima, side by side with its peers.
//!
//! Each server runs with one worker, pinned to one core, its access log on; the load, the origin and memcached are
//! pinned to another. The servers take turns, round after round, so that whatever else the machine does hits all of
//! them. The figure to trust is CPU time, read from `/proc`: requests per second depend on the load generator as soon
//! as the server is not busy all the time.
//!
//! A `figure` is what is measured; each of its parts has a row per server. Everything that is shown – tables, charts,
//! the README's figures – is made of the same `results`, which are also what is written.

#![forbid(unsafe_code)]

mod ask;
mod bench;
mod catalogue;
mod client;
mod compare;
mod figure;
mod instance;
mod limits;
mod load;
mod machine;
mod many;
mod measure;
mod memcached;
mod memory;
mod origin;
mod part;
mod peer;
mod plot;
mod readme;
mod results;
mod server;
mod setting;
#[path = "../side_by_side/mod.rs"]
mod side_by_side;
#[path = "../started/mod.rs"]
mod started;
mod table;
mod tier;
mod tls;
mod warm_up;
mod window;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::Parser;

use crate::figure::Figure;
use crate::load::Mode;
use crate::peer::Peer;
use crate::results::Results;
use crate::side_by_side::comparison;
use crate::side_by_side::terms::Terms;
use crate::tier::Tier;

/// What cached answers cost Proxima, side by side with its peers.
#[derive(Debug, Parser)]
#[command(name = "proxima-peers", version)]
struct Flags {
    #[command(flatten)]
    terms: Terms,
    /// What to measure; may be repeated [default: all].
    #[arg(long, value_name = "FIGURE")]
    figure: Vec<Figure>,
    /// Of `hits`: where they come from; may be repeated [default: all].
    #[arg(long, value_name = "TIER")]
    tier: Vec<Tier>,
    /// Of `hits`: protocol; may be repeated [default: all, for L2 those of HTTP/1.1].
    #[arg(long, value_name = "MODE")]
    mode: Vec<Mode>,
    /// Of `latency`: requests per second to offer.
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(64..=1_000_000))]
    rate: u32,
    /// Of `idle`: connections to hold.
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=60_000))]
    connections: u32,
    /// Of `objects`: how many to store; may be repeated.
    #[arg(long, value_name = "N", default_values_t = [20_000, 1_000_000], value_parser = clap::value_parser!(u32).range(1_000..=10_000_000))]
    objects: Vec<u32>,
    /// Server to measure; may be repeated [default: all].
    #[arg(long, value_name = "PEER")]
    peer: Vec<Peer>,
    /// The proxima binary [default: the one beside this program].
    #[arg(long, value_name = "FILE", env = "PROXIMA_BIN")]
    proxima: Option<PathBuf>,
    /// Folder to write a chart of each part to, as SVG.
    #[arg(long, value_name = "DIR")]
    plots: Option<PathBuf>,
    /// File whose figures, between two markers, are to be replaced.
    #[arg(long, value_name = "FILE")]
    update_readme: Option<PathBuf>,
    /// Measure nothing: make charts and the README's figures of what `--out` once wrote; may be repeated, for figures that
    /// were measured one after the other.
    #[arg(long, value_name = "FILE", conflicts_with = "out")]
    from: Vec<PathBuf>,
}

// One thread: a child's parent-death signal is tied to the thread that started it.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let flags = Flags::parse();
    comparison::run("proxima-peers", run(&flags)).await
}

/// Measures or reads, and makes of it what is asked for. What went wrong with Proxima is an error in the end.
async fn run(flags: &Flags) -> anyhow::Result<()> {
    if !flags.from.is_empty() {
        let files = flags.from.iter().map(|file| Results::read(file));
        let files = files.collect::<anyhow::Result<Vec<_>>>()?;
        return publish(&Results::together(files)?, flags);
    }
    let results = bench::run(flags).await?;
    publish(&results, flags)?;
    let own = results.faults_of(Peer::Proxima);
    if !own.is_empty() {
        bail!("proxima did not do what was asked of it: {}", own.join("; "));
    }
    Ok(())
}

/// Writes charts and the README's figures, where they are asked for.
fn publish(results: &Results, flags: &Flags) -> anyhow::Result<()> {
    if let Some(folder) = &flags.plots {
        plot::write_all(results, folder)?;
    }
    if let Some(file) = &flags.update_readme {
        readme::update(file, results, flags.plots.as_deref())?;
    }
    Ok(())
}
