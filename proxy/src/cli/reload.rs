//! `proxima reload`: has a running proxy read its configuration again.

use std::process::ExitCode;

use bytes::Bytes;
use clap::Args;

use super::ask::AdminFlags;
use super::print;
use crate::reload::Reloaded;

/// Arguments of `proxima reload`.
#[derive(Debug, Args)]
pub(super) struct Reload {
    #[command(flatten)]
    admin: AdminFlags,
}

/// Prints what came of it.
pub(super) fn run(reload: &Reload) -> Result<(), ExitCode> {
    let admin = reload.admin.find()?;
    let answer = admin.ask("/reload", Bytes::new())?;
    let reloaded: Reloaded = serde_json::from_slice(&answer).map_err(|_| admin.unreadable())?;
    print(&format!("{reloaded}\n"))
}
