//! `proxima ring`: where the ring keeps a key, how its nodes are, and what a change of its nodes would move.

mod change;
mod diff;
mod locate;
mod stats;
mod status;
mod text;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use proxima_config::checked::Ring;
use proxima_config::{Config, Overrides, Problems, from_flags, load};
use serde::Serialize;

use super::{DEFAULT_FILE, fail, loaded, print};

#[derive(Debug, Subcommand)]
pub(super) enum RingCommand {
    /// Say which node of the ring a memcached key belongs to.
    Locate(locate::Locate),
    /// Show each node as a running proxy sees it, asking its admin listener.
    Status(status::Status),
    /// Say which keys a change of nodes moves, and what that costs the origin, before it is made.
    Diff(diff::Diff),
}

/// Which ring is meant.
#[derive(Debug, Args)]
struct RingFlags {
    /// Configuration file with the ring [default: proxima.toml, unless --memcached is given].
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Region of the proxy, where the file leaves that to a flag.
    #[arg(long, value_name = "NAME")]
    region: Option<String>,
    /// Node of the ring, as HOST:PORT or unix:/PATH, with :WEIGHT where it is not 1; may be repeated.
    #[arg(long, value_name = "NODE")]
    memcached: Vec<String>,
}

/// Why there is no ring to speak of.
#[derive(Debug, thiserror::Error)]
#[error("{0} has no [cache.ring]: add one, or name its nodes with --memcached HOST:PORT")]
struct NoRing(String);

/// Answers the command.
pub(super) fn run(command: &RingCommand) -> Result<(), ExitCode> {
    match command {
        RingCommand::Locate(locate) => locate::run(locate),
        RingCommand::Status(status) => status::run(status),
        RingCommand::Diff(diff) => diff::run(diff),
    }
}

impl RingFlags {
    fn ring(&self) -> Result<Ring, ExitCode> {
        self.ring_with(self.file(), &self.memcached)
    }

    /// The file that is read; `None` where nodes stand without one.
    fn file(&self) -> Option<&Path> {
        let default = || self.memcached.is_empty().then_some(Path::new(DEFAULT_FILE));
        self.config.as_deref().or_else(default)
    }

    /// The ring of a file, of nodes alone, or of a file with other nodes.
    fn ring_with(&self, file: Option<&Path>, nodes: &[String]) -> Result<Ring, ExitCode> {
        let overrides = Overrides {
            region: self.region.clone(),
            memcached: nodes.to_vec(),
            ..Overrides::default()
        };
        let (config, source) = match file {
            Some(file) => (load(file, &overrides), file.display().to_string()),
            None => (of_nodes(overrides), "the command line".to_owned()),
        };
        loaded(config)?.cache.ring.ok_or_else(|| fail(&NoRing(source)))
    }
}

/// A configuration that only its ring matters of.
fn of_nodes(nodes: Overrides) -> Result<Config, Problems> {
    from_flags(&Overrides {
        upstream: vec!["http://127.0.0.1:9000".to_owned()],
        listen: vec!["127.0.0.1:8080".to_owned()],
        ..nodes
    })
}

/// Prints one JSON value, ended by a line feed.
fn print_json(value: &impl Serialize) -> Result<(), ExitCode> {
    let text = serde_json::to_string_pretty(value).map_err(|error| fail(&error))?;
    print(&format!("{text}\n"))
}
