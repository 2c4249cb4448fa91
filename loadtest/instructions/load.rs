//! The load: h2load on one connection, for a number of requests.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::process::Command;
use tokio::time::timeout;

use crate::callgrind::Server;
use crate::case::{Asks, Case, Protocol};
use crate::origin;
use crate::side_by_side::tool::Tool;

/// How long a load may take; a few seconds are usual.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Object that every request for a stored one asks for.
const STORED: u32 = 0;

/// Where requests come from, and which objects they have not asked for yet.
pub(crate) struct Client<'d> {
    /// Folder for lists of URLs.
    dir: &'d Path,
    next_new: u32,
}

impl<'d> Client<'d> {
    /// One that has asked for nothing.
    pub(crate) fn new(dir: &'d Path) -> Self {
        let next_new = STORED + 1;
        Self { dir, next_new }
    }

    /// Makes `requests` requests of that kind. All must be answered.
    pub(crate) async fn ask(&mut self, case: &Case, server: &Server, requests: u32) -> anyhow::Result<()> {
        let mut h2load = Command::new("h2load");
        h2load.kill_on_drop(true).args(["-t1", "-c1"]);
        h2load.arg(format!("-n{requests}"));
        let base = match case.protocol {
            Protocol::Http1 => {
                h2load.args(["--h1", "-m1"]);
                format!("http://{}", server.http)
            }
            Protocol::Http2 { streams } => {
                h2load.arg(format!("-m{streams}"));
                format!("https://{}", server.tls)
            }
        };
        match case.asks {
            Asks::Stored => {}
            Asks::IfChanged => {
                h2load.arg(format!("-HIf-None-Match: {}", origin::TAG));
            }
            Asks::New => {
                h2load.arg("-i").arg(self.new_urls(&base, requests)?);
            }
        }
        if case.asks != Asks::New {
            h2load.arg(base + &origin::path(STORED));
        }
        let said = timeout(TIMEOUT, Tool::start(&mut h2load)?.output());
        let said = said.await.context("h2load: not done in time")??;
        if !said.contains(&format!(" {requests} succeeded, 0 failed, 0 errored,")) {
            bail!("h2load: not all requests were answered:\n{said}");
        }
        Ok(())
    }

    /// Writes a list of URLs that nobody has asked for.
    fn new_urls(&mut self, base: &str, requests: u32) -> anyhow::Result<PathBuf> {
        let first = self.next_new;
        self.next_new += requests;
        let mut urls = String::new();
        for id in first..self.next_new {
            writeln!(urls, "{base}{}", origin::path(id))?;
        }
        let file = self.dir.join("urls");
        std::fs::write(&file, urls).with_context(|| file.display().to_string())?;
        Ok(file)
    }
}
