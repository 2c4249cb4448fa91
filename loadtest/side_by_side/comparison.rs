//! A comparison from its start to its end.

use std::process::ExitCode;

use anyhow::bail;
use tokio::signal::unix::{SignalKind, signal};

/// Runs a comparison until it is over or somebody stops it: whatever is dropped then stops its processes and removes its
/// files.
pub(crate) async fn run(program: &str, comparison: impl Future<Output = anyhow::Result<()>>) -> ExitCode {
    match until_stopped(comparison).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{program}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn until_stopped(comparison: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        outcome = comparison => outcome,
        _ = interrupt.recv() => bail!("interrupted"),
        _ = terminate.recv() => bail!("terminated"),
    }
}
