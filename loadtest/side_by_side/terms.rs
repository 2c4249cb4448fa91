//! What every comparison is told by flags, says first and does last.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;

/// How often, how long and where a comparison measures.
#[derive(Debug, clap::Args)]
pub(crate) struct Terms {
    /// How often all take their turns; tables show medians.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) rounds: u32,
    /// Length of one measurement.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub(crate) seconds: u32,
    /// Core of the server.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) server_core: usize,
    /// Core of the load, and of whatever else there is.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) load_core: usize,
    /// Where to write all measurements as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

impl Terms {
    /// Says what is compared, and what runs on which core.
    pub(crate) fn introduce(&self, what: &str, server: &str, load: &str) {
        let Self {
            rounds,
            seconds,
            server_core,
            load_core,
            ..
        } = self;
        println!("{what}, median of {rounds} × {seconds} s");
        println!("Core {server_core}: {server}. Core {load_core}: {load}.");
    }

    /// Says who was not there, and writes all measurements.
    pub(crate) fn conclude(&self, report: &impl Serialize, skipped: &[String]) -> anyhow::Result<()> {
        for skipped in skipped {
            println!("\nSKIPPED {skipped}");
        }
        let out = self.out.as_deref();
        out.map_or(Ok(()), |file| write(report, file))
    }
}

fn write(report: &impl Serialize, file: &Path) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(report)? + "\n";
    std::fs::write(file, text).with_context(|| file.display().to_string())
}
