//! A child process: started until it is ready, watched, hurt on purpose, and gone when dropped.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use std::os::unix::process::CommandExt as _;

use anyhow::{Context, anyhow, bail};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use parking_lot::Mutex;

use crate::spawn::spawn;

/// How long a child may take until it is ready.
const READY_WITHIN: Duration = Duration::from_secs(20);
/// How long a child may take to end after SIGTERM; beyond any grace that the generated configuration gives.
const STOP_WITHIN: Duration = Duration::from_secs(40);
/// How often a child's state is looked at.
const POLL: Duration = Duration::from_millis(2);
/// How much of a failed child's diagnostics its error shows.
const TAIL_LINES: usize = 20;

/// What is started, and under which name its files lie in the world's folder.
#[derive(Debug, Clone)]
pub(crate) struct Recipe {
    /// Such as `proxy-us-west-1`: unique in its world.
    pub(crate) name: String,
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<OsString>,
    pub(crate) env: Vec<(OsString, OsString)>,
    /// Where its output goes.
    pub(crate) dir: PathBuf,
}

impl Recipe {
    /// Standard output, begun anew with each start.
    pub(crate) fn out_path(&self) -> PathBuf {
        self.dir.join(format!("{}.out", self.name))
    }

    /// Standard error of all starts.
    pub(crate) fn log_path(&self) -> PathBuf {
        self.dir.join(format!("{}.log", self.name))
    }

    /// The command as a shell would take it, but for quoting.
    fn command_line(&self) -> String {
        let words = self.args.iter().map(|word| word.to_string_lossy());
        words.fold(self.program.display().to_string(), |line, word| {
            line + " " + &word
        })
    }

    fn command(&self) -> anyhow::Result<Command> {
        let out = File::create(self.out_path())?;
        let log = File::options().create(true).append(true).open(self.log_path())?;
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--"])
            .arg(&self.program)
            .args(&self.args)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            // A group of its own: a terminal's Ctrl-C reaches only us, and we stop things in order.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(log);
        Ok(command)
    }

    async fn spawn(&self) -> anyhow::Result<Child> {
        let command = self
            .command()
            .with_context(|| format!("{}: cannot write to {}", self.name, self.dir.display()))?;
        spawn(command).await.with_context(|| {
            format!(
                "{}: cannot run `setpriv`, which ties it to this process; it is in util-linux",
                self.name
            )
        })
    }

    /// `problem`, with all that helps to find its cause.
    fn failure(&self, problem: &str) -> anyhow::Error {
        let log = self.log_path();
        let text = fs::read(&log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().collect();
        let tail = lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n    ");
        let command = self.command_line();
        anyhow!(
            "{} {problem}\n  command: {command}\n  end of {}:\n    {tail}",
            self.name,
            log.display()
        )
    }
}

/// How a process ended that was asked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped {
    /// Its exit status.
    pub status: ExitStatus,
    /// Time from the signal to its end.
    pub took: Duration,
}

/// One child process of a world. It is killed when the world goes, and by the kernel when this process dies.
#[derive(Debug)]
pub struct Process {
    recipe: Mutex<Recipe>,
    child: Mutex<Child>,
}

impl Process {
    /// Starts a child and waits until `ready` finds in its files what shows that it is. A child that ends
    /// before or takes too long is an error that shows its command and last diagnostics.
    pub(crate) async fn start<T>(
        recipe: Recipe,
        ready: impl Fn(&Recipe) -> Option<T>,
    ) -> anyhow::Result<(Self, T)> {
        let child = Mutex::new(recipe.spawn().await?);
        let process = Self {
            recipe: Mutex::new(recipe),
            child,
        };
        let found = process.until_ready(ready).await?;
        Ok((process, found))
    }

    /// Runs a child to its end.
    pub(crate) async fn run(recipe: Recipe) -> anyhow::Result<()> {
        let (process, ()) = Self::start(recipe, |_| Some(())).await?;
        let status = process.ended().await?;
        if !status.success() {
            return Err(process.recipe().failure(&format!("failed: {status}")));
        }
        Ok(())
    }

    /// Stops the child if it runs and starts it again with `args`.
    pub(crate) async fn start_again<T>(
        &self,
        args: Vec<OsString>,
        ready: impl Fn(&Recipe) -> Option<T>,
    ) -> anyhow::Result<T> {
        if self.is_running() {
            self.stop().await?;
        }
        let mut recipe = self.recipe();
        recipe.args = args;
        let child = recipe.spawn().await?;
        *self.recipe.lock() = recipe;
        *self.child.lock() = child;
        self.until_ready(ready).await
    }

    async fn until_ready<T>(&self, ready: impl Fn(&Recipe) -> Option<T>) -> anyhow::Result<T> {
        let recipe = self.recipe();
        let started = Instant::now();
        loop {
            if let Some(found) = ready(&recipe) {
                return Ok(found);
            }
            if let Some(status) = self.exit_status()? {
                return Err(recipe.failure(&format!("ended before it was ready: {status}")));
            }
            if started.elapsed() > READY_WITHIN {
                self.signal(Signal::SIGKILL)?;
                return Err(recipe.failure(&format!("was not ready within {READY_WITHIN:?}")));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    pub(crate) fn recipe(&self) -> Recipe {
        self.recipe.lock().clone()
    }

    /// Name in the world's folder, such as `proxy-us-west-1`.
    pub fn name(&self) -> String {
        self.recipe.lock().name.clone()
    }

    /// Process id of the last start.
    pub fn pid(&self) -> u32 {
        self.child.lock().id()
    }

    /// Whether it has not ended yet; a paused process runs.
    pub fn is_running(&self) -> bool {
        matches!(self.child.lock().try_wait(), Ok(None))
    }

    /// File with the diagnostics (standard error) of all its starts.
    pub fn log_path(&self) -> PathBuf {
        self.recipe.lock().log_path()
    }

    /// Resident memory in bytes.
    ///
    /// # Errors
    /// When it has ended.
    pub fn rss_bytes(&self) -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        let kib: u64 = kib
            .with_context(|| format!("{} has ended", self.name()))?
            .parse()?;
        Ok(kib * 1024)
    }

    /// Sends any signal, such as SIGHUP.
    ///
    /// # Errors
    /// When the process has ended.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let mut child = self.child.lock();
        // Asked under the lock: a child that was waited for has given its process id to somebody else.
        if let Some(status) = child.try_wait()? {
            bail!(
                "{} cannot be sent {signal}, it has ended: {status}",
                self.recipe.lock().name
            );
        }
        kill(pid_of(&child)?, signal)
            .with_context(|| format!("cannot send {signal} to {}", self.recipe.lock().name))
    }

    /// Pulls the plug: SIGKILL, and waits until it is gone. Nothing to do when it has ended.
    ///
    /// # Errors
    /// When the system does not let us.
    pub async fn kill(&self) -> anyhow::Result<()> {
        self.child.lock().kill()?;
        self.ended().await.map(drop)
    }

    /// Asks it to finish what it is doing: SIGTERM, and waits until it is gone.
    ///
    /// # Errors
    /// When it has ended before, or does not end within 40 s; it is then killed.
    pub async fn stop(&self) -> anyhow::Result<Stopped> {
        let started = Instant::now();
        self.signal(Signal::SIGTERM)?;
        // A paused process would never see it.
        let _ = self.signal(Signal::SIGCONT);
        match tokio::time::timeout(STOP_WITHIN, self.ended()).await {
            Ok(status) => Ok(Stopped {
                status: status?,
                took: started.elapsed(),
            }),
            Err(_) => {
                self.kill().await?;
                Err(self
                    .recipe()
                    .failure(&format!("did not stop within {STOP_WITHIN:?}")))
            }
        }
    }

    /// Freezes it: connections stay open and nothing answers. Waits until it stands still.
    ///
    /// # Errors
    /// When it has ended.
    pub async fn pause(&self) -> anyhow::Result<()> {
        self.signal(Signal::SIGSTOP)?;
        while self.is_running() && !stands_still(self.pid()) {
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    /// Lets a paused process go on.
    ///
    /// # Errors
    /// When it has ended.
    pub fn resume(&self) -> anyhow::Result<()> {
        self.signal(Signal::SIGCONT)
    }

    fn exit_status(&self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.lock().try_wait()?)
    }

    async fn ended(&self) -> anyhow::Result<ExitStatus> {
        loop {
            if let Some(status) = self.exit_status()? {
                return Ok(status);
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Sends SIGKILL and does not wait, so that many can die at once; [`Self::reap`] waits.
    pub(crate) fn kill_now(&self) {
        let _ = self.child.lock().kill();
    }

    /// Waits, blocking, for a process that was killed.
    pub(crate) fn reap(&self) {
        let _ = self.child.lock().wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill_now();
        self.reap();
    }
}

fn pid_of(child: &Child) -> anyhow::Result<Pid> {
    Ok(Pid::from_raw(
        i32::try_from(child.id()).map_err(|_| Errno::ESRCH)?,
    ))
}

/// Whether every thread of the process has been stopped by a signal.
fn stands_still(pid: u32) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return false;
    };
    threads
        .flatten()
        .all(|thread| state_of(&thread.path().join("stat")) == Some('T'))
}

/// The letter after the name in parentheses (proc_pid_stat(5)).
fn state_of(stat: &Path) -> Option<char> {
    let text = fs::read_to_string(stat).ok()?;
    text.rsplit_once(") ")?.1.chars().next()
}
