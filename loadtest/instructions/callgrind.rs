//! Proxima under valgrind's callgrind, which counts the instructions that it executes.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::process::Command;
use tokio::time::timeout;

use crate::profile::Profile;
use crate::side_by_side::process::Process;
use crate::started::{self, Started};

/// How long the server may take to be ready, and callgrind to answer. Both take seconds on an idle machine.
const TIMEOUT: Duration = Duration::from_secs(120);

/// A running server whose instructions are counted.
pub(crate) struct Server {
    /// Plain HTTP address.
    pub(crate) http: SocketAddr,
    /// TLS address.
    pub(crate) tls: SocketAddr,
    process: Process,
    /// Callgrind adds the number of the profile: `.1`, `.2` and so on.
    profiles: PathBuf,
    profiles_written: u32,
}

impl Server {
    /// Starts it and waits until it says that it is ready. Its files lie in `dir`.
    pub(crate) async fn start(program: &Path, config: &Path, dir: &Path) -> anyhow::Result<Self> {
        let profiles = dir.join("callgrind");
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--", "valgrind", "--tool=callgrind"])
            .arg(format!("--callgrind-out-file={}", profiles.display()))
            .arg(program);
        let Started { process, http, tls } = started::start(command, config, dir, TIMEOUT).await?;
        Ok(Self {
            http,
            tls,
            process,
            profiles,
            profiles_written: 0,
        })
    }

    /// What it has executed since the last profile was taken, or since its start.
    pub(crate) async fn take_profile(&mut self) -> anyhow::Result<Profile> {
        let mut vgdb = Command::new("vgdb");
        vgdb.arg(format!("--pid={}", self.process.id()?)).arg("dump");
        vgdb.stdin(Stdio::null()).kill_on_drop(true);
        let answer = timeout(TIMEOUT, vgdb.output())
            .await
            .context("callgrind does not answer in time")?
            .context("vgdb")?;
        if !answer.status.success() {
            self.process.check()?;
            let said = [answer.stdout, answer.stderr].concat();
            bail!(
                "callgrind does not answer, which may need the right to trace processes: {}",
                String::from_utf8_lossy(&said).trim()
            );
        }
        self.profiles_written += 1;
        let file = self.profiles.with_extension(self.profiles_written.to_string());
        let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        std::fs::remove_file(&file)?;
        Profile::parse(&text)
    }
}
