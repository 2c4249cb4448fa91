//! The load: which tool puts it on a server, and what it reports.

use std::path::Path;

use anyhow::Context;
use serde::Serialize;
use tokio::process::Command;

use crate::origin;
use crate::server::Server;
use crate::side_by_side::process::pinned;
use crate::side_by_side::tool::{Load, Tool};
use crate::side_by_side::{h2load, wrk};
use crate::window::Method;

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
    /// HTTP/2 over TLS, eight streams on each connection.
    H2Streams,
}

impl Mode {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Http, Self::Https, Self::H2, Self::H2Streams];

    /// What it is, for the table.
    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::Http => "HTTP/1.1, 64 connections (wrk)",
            Self::Https => "HTTP/1.1 over TLS, 64 connections (wrk)",
            Self::H2 => "HTTP/2 over TLS, 64 connections of 1 stream (h2load)",
            Self::H2Streams => "HTTP/2 over TLS, 8 connections of 8 streams (h2load)",
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
            Self::H2Streams => ("h2load", &["-t1", "-c8", "-m8"]),
        };
        let mut command = pinned(core, "KILL", Path::new(tool));
        command.args(arguments);
        command
    }
}

/// Loads a server for some seconds. Every answer must be good.
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
        .arg(mode.base(server) + &origin::path(*method.tier.objects().start()));
    let output = output_of(&mut tool).await?;
    h2load::parse(&output, &std::fs::read_to_string(&log).context("h2load's log")?)
}

/// Reads the tier's objects by turns.
async fn run_wrk(mode: Mode, server: &Server, seconds: u32, method: &Method<'_>) -> anyhow::Result<Load> {
    let ids = method.tier.objects();
    let mut tool = mode.tool(method.load_core);
    tool.arg(format!("-d{seconds}"));
    if ids.start() == ids.end() {
        tool.arg(mode.base(server) + &origin::path(*ids.start()));
    } else {
        let script = method.dir.join("by_turns.lua");
        std::fs::write(&script, include_str!("by_turns.lua"))?;
        let (first, last) = (ids.start().to_string(), ids.end().to_string());
        tool.arg("-s").arg(&script).arg(mode.base(server));
        tool.args(["--", origin::PATH_PREFIX, &first, &last]);
    }
    wrk::parse(&output_of(&mut tool).await?)
}

/// Runs a command to its end and takes its standard output.
pub(crate) async fn output_of(command: &mut Command) -> anyhow::Result<String> {
    Tool::start(command)?.output().await
}
