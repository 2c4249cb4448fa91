//! A server as a process: pinned to a core, stopped when it is dropped or when this program dies.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use crate::peer::Peer;

/// How long a server may take to stop before it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// A running server.
pub(crate) struct Server {
    /// What it is.
    pub(crate) peer: Peer,
    /// Its version, as it says.
    pub(crate) version: String,
    /// Plain HTTP address.
    pub(crate) http: SocketAddr,
    /// TLS address.
    pub(crate) tls: SocketAddr,
    /// Its access log.
    pub(crate) access_log: PathBuf,
    /// Its process.
    pub(crate) process: Process,
}

/// A server's first process.
pub(crate) struct Process {
    child: Child,
    diagnostics: PathBuf,
}

impl Process {
    /// Starts a command whose standard error goes to the file `diagnostics`.
    pub(crate) fn start(command: &mut Command, diagnostics: PathBuf) -> anyhow::Result<Self> {
        let file = std::fs::File::create(&diagnostics)?;
        let child = command
            .stderr(file)
            .spawn()
            .with_context(|| format!("{:?}", command.as_std()))?;
        Ok(Self { child, diagnostics })
    }

    /// Its standard output, if that is piped and not taken yet.
    pub(crate) fn stdout(&mut self) -> Option<tokio::process::ChildStdout> {
        self.child.stdout.take()
    }

    /// Its id.
    pub(crate) fn id(&self) -> anyhow::Result<u32> {
        self.child.id().context("the server has ended")
    }

    /// An error, with what it had to say, if it has ended.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        let Some(status) = self.child.try_wait()? else {
            return Ok(());
        };
        let said = std::fs::read_to_string(&self.diagnostics).unwrap_or_default();
        bail!("ended with {status}: {}", said.trim());
    }
}

impl Drop for Process {
    /// Asks first: nginx's master takes its workers along only when it is asked.
    fn drop(&mut self) {
        let Some(pid) = self.child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)) else {
            return;
        };
        let _ = kill_process(pid, Signal::TERM);
        let start = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && start.elapsed() < STOP_TIMEOUT {
            std::thread::sleep(Duration::from_millis(10));
        }
    } // `kill_on_drop` does the rest
}

/// A command that runs on one core and gets `signal` when this program dies.
pub(crate) fn pinned(core: usize, signal: &str, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command
        .args([
            "--pdeathsig",
            signal,
            "--",
            "taskset",
            "--cpu-list",
            &core.to_string(),
        ])
        .arg(program);
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// What a program answers to the flag that asks for its version.
pub(crate) async fn version_of(program: &Path, flag: &str) -> anyhow::Result<String> {
    let output = Command::new(program)
        .arg(flag)
        .stdin(Stdio::null())
        .output()
        .await
        .with_context(|| program.display().to_string())?;
    let said = [output.stdout, output.stderr].concat(); // nginx answers on standard error
    Ok(String::from_utf8_lossy(&said)
        .trim()
        .trim_start_matches("nginx version: ")
        .to_owned())
}
