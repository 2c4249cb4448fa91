//! A running server.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::process::Command;

use crate::peer::Peer;
use crate::side_by_side::cpu;
use crate::side_by_side::process::Process;

/// A running server. Dropping it stops it.
pub(crate) struct Server {
    /// What it is.
    pub(crate) peer: Peer,
    /// Its version, as it says.
    pub(crate) version: String,
    /// When its first process was started.
    pub(crate) started: Instant,
    /// Plain HTTP address.
    pub(crate) http: SocketAddr,
    /// TLS address.
    pub(crate) tls: SocketAddr,
    /// Its access log. It appends, so the file may be emptied.
    pub(crate) access_log: PathBuf,
    /// Its processes, in the order in which they are to stop.
    pub(crate) processes: Vec<Process>,
    /// Folder in memory for its cached files; it stays empty where a server keeps none.
    pub(crate) memory_dir: PathBuf,
}

/// What is known of a server when it is ready.
pub(crate) struct Running {
    /// Plain HTTP address.
    pub(crate) http: SocketAddr,
    /// TLS address.
    pub(crate) tls: SocketAddr,
    /// Its processes, in the order in which they are to stop.
    pub(crate) processes: Vec<Process>,
}

impl Running {
    /// Runs a server that is one command, with its standard error in the file `diagnostics`, and waits until it listens.
    pub(crate) async fn start(
        command: &mut Command,
        diagnostics: PathBuf,
        [http, tls]: [SocketAddr; 2],
    ) -> anyhow::Result<Self> {
        let mut process = Process::start(command, diagnostics)?;
        process.listens(&[http, tls]).await?;
        Ok(Self {
            http,
            tls,
            processes: vec![process],
        })
    }
}

impl Server {
    /// CPU time, in user and kernel mode, that all its processes have used so far.
    pub(crate) fn cpu_used(&self) -> anyhow::Result<Duration> {
        let used = self
            .processes
            .iter()
            .map(|process| cpu::used_by_tree(process.id()?));
        used.sum::<anyhow::Result<_>>()
            .with_context(|| self.peer.to_string())
    }

    /// The ids of all its processes, with those that they started themselves.
    pub(crate) fn pids(&self) -> Vec<u32> {
        let roots = self.processes.iter().filter_map(|process| process.id().ok());
        roots.flat_map(cpu::tree).collect()
    }
}
