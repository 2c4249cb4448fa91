//! The load: which tool puts it on a server, and what it reports.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, bail};
use serde::Serialize;
use tokio::process::Command;

use crate::origin::{BODY_BYTES, PATH};
use crate::server::{Server, pinned};
use crate::{h2load, wrk};

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

    fn is_h2(self) -> bool {
        matches!(self, Self::H2 | Self::H2Streams)
    }

    fn url(self, server: &Server) -> String {
        match self {
            Self::Http => format!("http://{}{PATH}", server.http),
            Self::Https | Self::H2 | Self::H2Streams => format!("https://{}{PATH}", server.tls),
        }
    }

    fn tool(self) -> &'static str {
        if self.is_h2() { "h2load" } else { "wrk" }
    }

    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Http | Self::Https => &["-t1", "-c64", "--latency"],
            Self::H2 => &["-t1", "-c64", "-m1"],
            Self::H2Streams => &["-t1", "-c8", "-m8"],
        }
    }
}

/// What a tool reports of one run.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Load {
    /// Requests answered.
    pub(crate) requests: u64,
    /// How long it took.
    pub(crate) seconds: f64,
    /// Median time of a request, in microseconds.
    pub(crate) p50_us: f64,
    /// 99th percentile, in microseconds.
    pub(crate) p99_us: f64,
}

/// Loads a server for some seconds from `core`. Every answer must be good; `dir` takes the tool's files.
pub(crate) async fn run(
    mode: Mode,
    server: &Server,
    seconds: u32,
    core: usize,
    dir: &Path,
) -> anyhow::Result<Load> {
    let log = dir.join("h2load.log");
    let mut tool = pinned(core, "KILL", Path::new(mode.tool()));
    tool.args(mode.arguments());
    if mode.is_h2() {
        let _ = std::fs::remove_file(&log); // h2load appends
        tool.arg(format!("-D{seconds}"))
            .arg(format!("--log-file={}", log.display()));
    } else {
        tool.arg(format!("-d{seconds}"));
    }
    let output = output_of(tool.arg(mode.url(server))).await?;
    if mode.is_h2() {
        h2load::parse(&output, &std::fs::read_to_string(&log).context("h2load's log")?)
    } else {
        wrk::parse(&output)
    }
}

/// Asks once, outside the load, and makes sure that the answer is whole, good and of the mode's protocol.
pub(crate) async fn ask_once(mode: Mode, server: &Server) -> anyhow::Result<()> {
    let mut curl = Command::new("curl");
    curl.args([
        "--silent",
        "--show-error",
        "--insecure",
        "--max-time",
        "10",
        "--output",
        "/dev/null",
    ]);
    curl.arg(if mode.is_h2() { "--http2" } else { "--http1.1" });
    curl.args([
        "--write-out",
        "%{http_code} %{size_download} HTTP/%{http_version}",
    ])
    .arg(mode.url(server));
    let answer = output_of(curl.kill_on_drop(true)).await?;
    let expected = format!("200 {BODY_BYTES} HTTP/{}", if mode.is_h2() { "2" } else { "1.1" });
    if answer != expected {
        bail!("{} answers {answer:?}, not {expected:?}", server.peer);
    }
    Ok(())
}

async fn output_of(command: &mut Command) -> anyhow::Result<String> {
    let named = format!("{:?}", command.as_std());
    let output = command
        .stdin(Stdio::null())
        .output()
        .await
        .with_context(|| named.clone())?;
    if !output.status.success() {
        bail!(
            "{named}: {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
