//! The command line: what each subcommand takes, and the runtime it runs on.

use std::io::{IsTerminal, stderr};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::seed::{self, Plan};
use crate::serve::{self, Settings};
use crate::store::Store;

/// Reference origin for Proxima: candidate profiles and job offers over REST, with a change feed
#[derive(Debug, Parser)]
#[command(name = "proxima-origin", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer requests until SIGTERM or SIGINT
    Serve(ServeArgs),
    /// Fill a database with made-up but plausible records; the same seed always makes the same records
    Seed(SeedArgs),
}

#[derive(Debug, Args)]
struct ServeArgs {
    /// Where to listen; port 0 picks a free one, and the line on stdout says which
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9000")]
    listen: SocketAddr,
    /// The SQLite file, made if missing; several processes on one machine may share it
    #[arg(long, value_name = "FILE")]
    db: PathBuf,
    /// Name put into the Proxima-Origin field of every answer
    #[arg(long, value_name = "NAME", default_value = "local", value_parser = region_name)]
    region: String,
    /// Freshness lifetime of reads (Cache-Control: max-age), in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(..=31_536_000))]
    max_age: u32,
    /// How many changes the feed can go back; older ones are pruned from the log, never the data
    #[arg(long, value_name = "ROWS", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..))]
    feed_retention: u32,
    /// How long requests in flight may take to finish after a stop signal, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    drain: u32,
}

#[derive(Debug, Args)]
struct SeedArgs {
    /// The SQLite file, made if missing
    #[arg(long, value_name = "FILE")]
    db: PathBuf,
    /// Candidate profiles to make
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    profiles: u32,
    /// Job offers to make
    #[arg(long, value_name = "M", default_value_t = 1_000)]
    jobs: u32,
    /// Start of the random sequence
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
}

/// A field value must be one token, so that logs and dashboards can split on it.
fn region_name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.is_empty() || text.len() > 64 || !text.chars().all(fits) {
        return Err("use 1 to 64 letters, digits, `-`, `_` or `.`".to_owned());
    }
    Ok(text.to_owned())
}

/// Reads the command line and does what it says.
///
/// # Errors
/// Whatever stopped the command, with the file or address concerned.
pub fn run() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal())
        .init();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the async runtime")?
        .block_on(async {
            match cli.command {
                Command::Serve(args) => serve(args).await,
                Command::Seed(args) => fill(args).await,
            }
        })
}

async fn serve(args: ServeArgs) -> anyhow::Result<()> {
    let settings = Settings {
        region: args.region,
        max_age_seconds: args.max_age,
        feed_retention_rows: args.feed_retention,
        drain: Duration::from_secs(args.drain.into()),
    };
    serve::run(args.listen, &args.db, settings).await
}

async fn fill(args: SeedArgs) -> anyhow::Result<()> {
    let store = Store::open(&args.db).await?;
    let plan = Plan {
        profiles: args.profiles,
        jobs: args.jobs,
        seed: args.seed,
    };
    let outcome = seed::fill(&store, plan).await?;
    store.close().await;
    println!("{outcome}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_region_is_one_token() {
        assert!(region_name("us-west").is_ok());
        for bad in ["", "us west", "us\r\nwest", &"x".repeat(65)] {
            assert!(region_name(bad).is_err(), "{bad:?}");
        }
    }
}
