//! The command line: three regions, a self-check, and then whatever the user wants to try.

mod abroad;
mod check;
mod command;
mod expect;
mod faults;
mod intro;
mod paint;
mod table;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use clap::Parser;
use proxima_local::{World, WorldBuilder};
use tokio::signal::unix::{Signal, SignalKind, signal};

use self::paint::{Paint, print};

/// Proxima in three regions on this machine: origins, memcached rings and proxies, checked and ready to try
#[derive(Debug, Parser)]
#[command(name = "proxima-local", version)]
struct Cli {
    /// Proxies in each region
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=16))]
    proxies: u8,
    /// Candidate profiles in the origins' database
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(10..))]
    profiles: u32,
    /// Job offers in the origins' database
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    jobs: u32,
    /// Exit after the self-check: 0 when every step held, else 1
    #[arg(long)]
    check: bool,
    /// Stay up when a step of the self-check does not hold
    #[arg(long, conflicts_with = "check")]
    keep_going: bool,
    /// Keep configurations, logs, certificates and data in this folder instead of a temporary one
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Instead of checking and staying up, run this in the world, which it finds in its environment; exit as it does
    #[arg(last = true, value_name = "COMMAND", conflicts_with_all = ["check", "keep_going"])]
    command: Vec<OsString>,
}

impl Cli {
    fn world(&self) -> WorldBuilder {
        let world = World::builder()
            .proxies_per_region(self.proxies.into())
            .seed(self.profiles, self.jobs);
        match &self.dir {
            Some(dir) => world.dir(dir),
            None => world,
        }
    }
}

/// Reads the command line and does what it says. The exit code is 1 when the self-check found a fault, and the command's
/// where one was run.
///
/// # Errors
/// What could not be started or stopped.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime
        .context("cannot start the async runtime")?
        .block_on(serve(cli))
}

async fn serve(cli: Cli) -> anyhow::Result<ExitCode> {
    let mut stop = Stop::listen()?;
    let paint = Paint::of_stdout();
    let started = Instant::now();
    let world = tokio::select! {
        world = cli.world().start() => world?,
        _ = stop.asked() => return Ok(ExitCode::SUCCESS),
    };
    if let Some((program, args)) = cli.command.split_first() {
        let records = (cli.profiles, cli.jobs);
        let code = command::run(&world, records, program, args, &mut stop).await?;
        return end(world, stop, code).await;
    }
    print(&intro::text(&world, started.elapsed()));
    let well = tokio::select! {
        well = check::run(&world, paint) => well,
        _ = stop.asked() => return end(world, stop, ExitCode::SUCCESS).await,
    };
    if cli.check || !(well || cli.keep_going) {
        return end(world, stop, ExitCode::from(u8::from(!well))).await;
    }
    print("\nReady. Ctrl-C stops everything.\n");
    stop.asked().await;
    print("\nStopping.\n");
    end(world, stop, ExitCode::SUCCESS).await
}

/// Stops everything in order; asked to stop once more, at once.
async fn end(world: World, mut stop: Stop, code: ExitCode) -> anyhow::Result<ExitCode> {
    tokio::select! {
        stopped = world.shutdown() => stopped?,
        _ = stop.asked() => {}
    }
    Ok(code)
}

/// The signals that mean stop: a terminal's Ctrl-C, a terminal that closes, and `kill`.
struct Stop {
    interrupt: Signal,
    hangup: Signal,
    terminate: Signal,
}

impl Stop {
    fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn asked(&mut self) -> SignalKind {
        tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            _ = self.hangup.recv() => SignalKind::hangup(),
            _ = self.terminate.recv() => SignalKind::terminate(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
