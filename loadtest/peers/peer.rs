//! The servers that are compared: how each is found, set up and started.

mod nginx;
mod proxima;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;

use crate::server::Server;
use crate::setting::Setting;
use crate::side_by_side::program::{find_program, version_of};

/// A server to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Peer {
    /// nginx with one worker.
    Nginx,
    /// Proxima with one worker.
    Proxima,
}

impl Peer {
    /// All of them, the one to compare with first.
    pub(crate) const ALL: [Self; 2] = [Self::Nginx, Self::Proxima];

    /// Its name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Proxima => "proxima",
        }
    }

    /// Its program: nginx where the system has it, Proxima where it was built.
    pub(crate) fn find(self, proxima: Option<&Path>) -> Option<PathBuf> {
        match (self, proxima) {
            (Self::Nginx, _) => find_program("nginx"),
            (Self::Proxima, Some(path)) => path.is_file().then(|| path.to_owned()),
            (Self::Proxima, None) => {
                let beside = std::env::current_exe().ok()?.with_file_name("proxima");
                beside.is_file().then_some(beside)
            }
        }
    }

    /// Starts it and waits until it is ready.
    pub(crate) async fn start(self, program: &Path, setting: &Setting) -> anyhow::Result<Server> {
        let started = match self {
            Self::Nginx => {
                let version = version_of(program, "-v").await?;
                nginx::start(program, setting, version).await
            }
            Self::Proxima => {
                let version = version_of(program, "--version").await?;
                proxima::start(program, setting, version).await
            }
        };
        started.with_context(|| format!("{self} ({})", program.display()))
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
