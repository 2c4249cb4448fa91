//! A server as a process: pinned to a core, stopped when it is dropped or when this program dies.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

/// How long a server may take to be ready. haproxy first touches each page of its cache.
pub(crate) const START_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a server may take to stop before it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// A server's first process.
pub(crate) struct Process {
    /// The process itself.
    pub(crate) child: Child,
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

    /// Waits until it listens at all of `addresses`.
    pub(crate) async fn listens(&mut self, addresses: &[SocketAddr]) -> anyhow::Result<()> {
        let listening = timeout(START_TIMEOUT, async {
            for &address in addresses {
                while TcpStream::connect(address).await.is_err() {
                    self.check()?;
                    sleep(Duration::from_millis(1)).await; // how long it takes to be ready is a figure
                }
            }
            self.check()
        });
        listening.await.context("not ready in time")?
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

/// Different addresses that are free now, for a server that cannot say which ports it was given.
pub(crate) async fn free_addresses<const N: usize>() -> anyhow::Result<[SocketAddr; N]> {
    let mut listeners = Vec::with_capacity(N);
    for _ in 0..N {
        listeners.push(TcpListener::bind("127.0.0.1:0").await?);
    }
    let mut addresses = [SocketAddr::from(([0; 4], 0)); N];
    for (address, listener) in addresses.iter_mut().zip(&listeners) {
        *address = listener.local_addr()?;
    }
    Ok(addresses)
}
