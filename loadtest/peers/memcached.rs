//! The memcached node of the second tier.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::catalogue::Sizes;
use crate::side_by_side::cpu;
use crate::side_by_side::process::{Process, pinned};
use crate::side_by_side::program::{find_program, version_of};
use crate::tier::Tier;

/// How long the node may take to start, or to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A running node. It serves with one thread and keeps up to 512 MiB.
pub(crate) struct Memcached {
    /// Its address.
    pub(crate) address: SocketAddr,
    /// Its version, as it says.
    pub(crate) version: String,
    process: Process,
}

/// What a node has done so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Work {
    /// Look-ups that found a value.
    pub(crate) hits: u64,
    /// CPU time, in user and kernel mode.
    pub(crate) cpu: Duration,
}

impl Work {
    /// What was done after `earlier`.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            hits: self.hits.saturating_sub(earlier.hits),
            cpu: self.cpu.saturating_sub(earlier.cpu),
        }
    }
}

impl Memcached {
    /// Starts an empty one on `core` and a free port, with its files in `dir`.
    pub(crate) async fn start(core: usize, dir: &Path) -> anyhow::Result<Self> {
        let program = find_program("memcached").context("memcached is not installed")?;
        let port_file = dir.join("memcached.port");
        let mut command = pinned(core, "KILL", &program);
        // -1: a free port of the kernel's choice, which goes to the file. Giving up root's identity would also give
        // up the parent death signal (prctl(2)), hence `-u root`; who is not root is not asked.
        command
            .args("-l 127.0.0.1 -p -1 -U 0 -m 512 -t 1 -u root".split(' '))
            .env("MEMCACHED_PORT_FILENAME", &port_file)
            .stdout(Stdio::null());
        let mut process = Process::start(&mut command, dir.join("memcached.stderr"))?;
        let port = timeout(TIMEOUT, async {
            loop {
                process.check()?;
                if let Some(port) = port_in(&port_file) {
                    return anyhow::Ok(port);
                }
                sleep(Duration::from_millis(20)).await;
            }
        });
        let port = port
            .await
            .context("memcached: not ready in time")?
            .context("memcached")?;
        Ok(Self {
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            version: version_of(&program, "-V").await?,
            process,
        })
    }

    /// Stores each object of `tier` under its path, as nginx looks it up. The values do not expire.
    pub(crate) async fn preload(&self, tier: Tier) -> anyhow::Result<()> {
        let mut commands = String::new();
        for id in tier.objects() {
            let (path, body) = (Sizes::Even.path(id), Sizes::Even.body(id));
            commands += &format!("set {path} 0 0 {}\r\n{body}\r\n", body.len());
        }
        let answers = self.converse(&commands, tier.objects().count()).await?;
        let refused = answers.iter().find(|answer| *answer != "STORED");
        refused.map_or(Ok(()), |answer| bail!("memcached stores no object: {answer}"))
    }

    /// What it has done so far.
    pub(crate) async fn work(&self) -> anyhow::Result<Work> {
        let lines = self.converse("stats\r\n", usize::MAX).await?;
        let hits = lines.iter().find_map(|line| line.strip_prefix("STAT get_hits "));
        Ok(Work {
            hits: hits.context("memcached counts no hits")?.parse()?,
            cpu: cpu::used_by_tree(self.process.id()?)?,
        })
    }

    /// Sends commands of the text protocol and takes up to `lines_max` lines, or those before `END`.
    async fn converse(&self, commands: &str, lines_max: usize) -> anyhow::Result<Vec<String>> {
        let exchange = async {
            let (from, mut to) = TcpStream::connect(self.address).await?.into_split();
            let mut answer = BufReader::new(from).lines();
            let mut lines = Vec::new();
            // Both at once: answers that nobody takes would end up holding back the commands.
            let send = to.write_all(commands.as_bytes());
            let receive = async {
                while lines.len() < lines_max {
                    let line = answer.next_line().await?.context("the connection was closed")?;
                    if line == "END" {
                        break;
                    }
                    lines.push(line);
                }
                anyhow::Ok(())
            };
            let (sent, received) = tokio::join!(send, receive);
            sent?;
            received?;
            anyhow::Ok(lines)
        };
        timeout(TIMEOUT, exchange)
            .await
            .context("memcached: no answer in time")?
            .context("memcached")
    }
}

/// memcached writes the file once it listens, by a rename: `TCP INET: 11211`.
fn port_in(file: &Path) -> Option<u16> {
    let text = std::fs::read_to_string(file).ok()?;
    text.lines()
        .find_map(|line| line.strip_prefix("TCP INET: ")?.trim().parse().ok())
}
