//! The load of those figures that a tool makes: which tool, and what it reports.

use std::path::Path;

use anyhow::Context;
use serde::Serialize;
use tokio::process::Command;

use crate::catalogue::Sizes;
use crate::memcached::Memcached;
use crate::origin::Origin;
use crate::server::Server;
use crate::side_by_side::process::pinned;
use crate::side_by_side::tool::{Load, Tool};
use crate::side_by_side::{h2load, wrk};
use crate::tier::Tier;

/// How clients speak to the server. Always 64 requests are in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mode {
    /// HTTP/1.1.
    Http,
    /// HTTP/1.1 over TLS.
    Https,
    /// HTTP/2 over TLS, each stream on a connection of its own.
    H2,
    /// HTTP/2 over TLS, ten streams on each connection.
    H2Streams,
}

/// Where and how to put load on a server.
pub(crate) struct Method<'m> {
    /// Where hits come from.
    pub(crate) tier: Tier,
    /// The second tier's node.
    pub(crate) node: Option<&'m Memcached>,
    /// Core of the load.
    pub(crate) load_core: usize,
    /// The origin, which must not be asked.
    pub(crate) origin: &'m Origin,
    /// Folder for the load tool's files.
    pub(crate) dir: &'m Path,
}

impl Mode {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Http, Self::Https, Self::H2, Self::H2Streams];

    /// Its name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::H2 => "h2",
            Self::H2Streams => "h2-streams",
        }
    }

    /// What it is, and how it is measured.
    pub(crate) fn description(self) -> (&'static str, &'static str) {
        match self {
            Self::Http => ("HTTP/1.1", "64 connections (wrk)"),
            Self::Https => ("HTTP/1.1 over TLS", "64 connections (wrk)"),
            Self::H2 => ("HTTP/2 over TLS, 1 stream", "64 connections of 1 stream (h2load)"),
            Self::H2Streams => (
                "HTTP/2 over TLS, 10 streams",
                "8 connections of 10 streams (h2load)",
            ),
        }
    }

    /// Whether it is HTTP/2.
    pub(crate) fn is_h2(self) -> bool {
        matches!(self, Self::H2 | Self::H2Streams)
    }

    /// Scheme and authority of a server's URLs.
    pub(crate) fn base(self, server: &Server) -> String {
        match self {
            Self::Http => format!("http://{}", server.http),
            Self::Https | Self::H2 | Self::H2Streams => format!("https://{}", server.tls),
        }
    }

    /// The tool that makes the load, on `core`, told how many connections and streams to use.
    fn tool(self, core: usize) -> Command {
        let (tool, arguments): (_, &[&str]) = match self {
            Self::Http | Self::Https => ("wrk", &["-t1", "-c64", "--latency"]),
            Self::H2 => ("h2load", &["-t1", "-c64", "-m1"]),
            Self::H2Streams => ("h2load", &["-t1", "-c8", "-m10"]),
        };
        let mut command = pinned(core, "KILL", Path::new(tool));
        command.args(arguments);
        command
    }
}

/// Loads a server with hits for some seconds. Every answer must be good.
pub(crate) async fn run(
    mode: Mode,
    server: &Server,
    seconds: u32,
    method: &Method<'_>,
) -> anyhow::Result<Load> {
    if mode.is_h2() {
        run_h2load(mode, server, seconds, method).await
    } else {
        run_wrk(mode, server, seconds, method).await
    }
}

/// Reads one object over and over: HTTP/2 is for the tier that has one.
async fn run_h2load(mode: Mode, server: &Server, seconds: u32, method: &Method<'_>) -> anyhow::Result<Load> {
    let log = method.dir.join("h2load.log");
    let _ = std::fs::remove_file(&log); // h2load appends
    let mut tool = mode.tool(method.load_core);
    tool.arg(format!("-D{seconds}"))
        .arg(format!("--log-file={}", log.display()))
        .arg(mode.base(server) + &Sizes::Even.path(*method.tier.objects().start()));
    let output = output_of(&mut tool).await?;
    h2load::parse(&output, &std::fs::read_to_string(&log).context("h2load's log")?)
}

/// Reads the tier's objects by turns.
async fn run_wrk(mode: Mode, server: &Server, seconds: u32, method: &Method<'_>) -> anyhow::Result<Load> {
    let ids = method.tier.objects();
    if ids.start() < ids.end() {
        let (first, last) = (ids.start().to_string(), ids.end().to_string());
        let script = ("by_turns.lua", include_str!("by_turns.lua"));
        return run_script(mode, server, seconds, method, script, &[&first, &last]).await;
    }
    let mut tool = mode.tool(method.load_core);
    tool.arg(format!("-d{seconds}"))
        .arg(mode.base(server) + &Sizes::Even.path(*ids.start()));
    wrk::parse(&output_of(&mut tool).await?)
}

/// Loads a server for some seconds with requests for objects from `first` on, none of them twice. Every answer must be
/// good.
pub(crate) async fn run_distinct(
    server: &Server,
    first: u32,
    seconds: u32,
    method: &Method<'_>,
) -> anyhow::Result<Load> {
    let script = ("distinct.lua", include_str!("distinct.lua"));
    run_script(Mode::Http, server, seconds, method, script, &[&first.to_string()]).await
}

/// Lets a script, a file's name and its text, choose what wrk asks for: it is told what paths begin with, and
/// `arguments`.
async fn run_script(
    mode: Mode,
    server: &Server,
    seconds: u32,
    method: &Method<'_>,
    (name, text): (&str, &str),
    arguments: &[&str],
) -> anyhow::Result<Load> {
    let script = method.dir.join(name);
    std::fs::write(&script, text)?;
    let mut tool = mode.tool(method.load_core);
    tool.arg(format!("-d{seconds}"))
        .arg("-s")
        .arg(&script)
        .arg(mode.base(server))
        .args(["--", Sizes::Even.path_prefix()])
        .args(arguments);
    wrk::parse(&output_of(&mut tool).await?)
}

/// Runs a command to its end and takes its standard output.
pub(crate) async fn output_of(command: &mut Command) -> anyhow::Result<String> {
    Tool::start(command)?.output().await
}
