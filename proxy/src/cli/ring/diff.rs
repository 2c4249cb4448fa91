//! `proxima ring diff`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgGroup, Args};
use proxima_config::checked::Ring;
use serde::Serialize;

use super::change::{Change, Load};
use super::{RingFlags, print_json, stats, text};
use crate::cli::{fail, print};

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("coming").required(true).multiple(true).args(["to", "to_memcached"]))]
pub(in crate::cli) struct Diff {
    #[command(flatten)]
    present: RingFlags,
    /// Configuration file with the ring to come.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Node of the ring to come, as HOST:PORT or unix:/PATH, with :WEIGHT where it is not 1; may be repeated.
    #[arg(long, value_name = "NODE")]
    to_memcached: Vec<String>,
    /// Do not ask the present nodes what they hold.
    #[arg(long)]
    offline: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// All that is known of a change before it is made.
#[derive(Debug, Serialize)]
pub(super) struct Forecast {
    #[serde(flatten)]
    pub(super) change: Change,
    /// Present nodes that did not say what they hold, and why.
    pub(super) silent: Vec<Silent>,
    /// What moves of what the others hold; `None` where none of them said.
    pub(super) load: Option<Load>,
    /// For how long the nodes to come look for what they lack where it was before; 0 never.
    pub(super) warm_up_s: u64,
}

/// A node that did not say what it holds.
#[derive(Debug, Serialize)]
pub(super) struct Silent {
    pub(super) node: String,
    pub(super) why: String,
}

/// Prints what the change moves.
pub(super) fn run(diff: &Diff) -> Result<(), ExitCode> {
    let present = diff.present.ring()?;
    let coming = diff.coming()?;
    let mut forecast = Forecast {
        change: Change::of(&present.nodes, &coming.nodes),
        silent: Vec::new(),
        load: None,
        warm_up_s: coming.warm_up.as_secs(),
    };
    if !diff.offline {
        forecast.ask(&present).map_err(|error| fail(&error))?;
    }
    if diff.json {
        return print_json(&forecast);
    }
    print(&text::render(&forecast))
}

impl Diff {
    /// A file of its own, other nodes in the present file, or nodes alone.
    fn coming(&self) -> Result<Ring, ExitCode> {
        let present = || self.present.file();
        self.present
            .ring_with(self.to.as_deref().or_else(present), &self.to_memcached)
    }
}

impl Forecast {
    /// Asks the present nodes what they hold, and reckons with that.
    fn ask(&mut self, present: &Ring) -> std::io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let answers = runtime.block_on(stats::ask_all(present));
        runtime.shutdown_background(); // a resolver that hangs is not waited for
        // the nodes of the present ring come first, in its order
        for (node, answer) in self.change.nodes.iter_mut().zip(answers) {
            match answer {
                Ok(holds) => node.holds = Some(holds),
                Err(error) => self.silent.push(Silent {
                    node: node.node.clone(),
                    why: error.to_string(),
                }),
            }
        }
        self.load = self.change.load();
        Ok(())
    }
}
