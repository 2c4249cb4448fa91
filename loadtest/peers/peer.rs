//! The servers that are compared: how each is found, set up and started.

mod haproxy;
mod nginx;
mod proxima;
mod squid;
mod traffic_server;
mod varnish;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use crate::load::Mode;
use crate::server::{Running, Server};
use crate::setting::Setting;
use crate::side_by_side::program::{find_program, version_of};
use crate::tier::Tier;

/// A server to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Peer {
    /// nginx with one worker.
    Nginx,
    /// haproxy with one thread.
    Haproxy,
    /// Varnish, with hitch in front of it for TLS and varnishncsa for its access log.
    Varnish,
    /// Apache Traffic Server with one event thread.
    #[serde(rename = "ats")]
    #[value(name = "ats")]
    TrafficServer,
    /// Squid, which has one thread.
    Squid,
    /// Proxima with one worker.
    Proxima,
}

impl Peer {
    /// All of them, Proxima last.
    pub(crate) const ALL: [Self; 6] = [
        Self::Nginx,
        Self::Haproxy,
        Self::Varnish,
        Self::TrafficServer,
        Self::Squid,
        Self::Proxima,
    ];

    /// Its name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
            Self::Varnish => "varnish",
            Self::TrafficServer => "ats",
            Self::Squid => "squid",
            Self::Proxima => "proxima",
        }
    }

    /// Whether it can answer from that tier when it is asked in that way.
    pub(crate) fn serves(self, tier: Tier, mode: Mode) -> bool {
        match self {
            Self::Nginx | Self::Proxima => true,
            Self::Haproxy | Self::Varnish | Self::TrafficServer => tier == Tier::L1,
            Self::Squid => tier == Tier::L1 && !mode.is_h2(),
        }
    }

    /// Its programs, each with the argument that asks for its version.
    fn programs(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Nginx => &[("nginx", "-v")],
            Self::Haproxy => &[("haproxy", "-v")],
            Self::Varnish => &[("varnishd", "-V"), ("varnishncsa", "-V"), ("hitch", "--version")],
            Self::TrafficServer => &[("traffic_server", "-V")],
            Self::Squid => &[("squid", "-v")],
            Self::Proxima => &[("proxima", "--version")],
        }
    }

    /// Its programs: where the system has them, and Proxima at `proxima` or else beside this program. What is missing
    /// is the error.
    pub(crate) fn find(self, proxima: Option<&Path>) -> Result<Vec<PathBuf>, String> {
        if self == Self::Proxima {
            return find_proxima(proxima).map(|program| vec![program]);
        }
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for &(name, _) in self.programs() {
            match find_program(name) {
                Some(program) => found.push(program),
                None => missing.push(name),
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let what = if found.is_empty() {
            "it".to_owned()
        } else {
            missing.join(", ")
        };
        Err(format!(
            "{self}: {what} is not installed (`deploy/setup.sh bench` does)"
        ))
    }

    /// Starts it and waits until it is ready. `programs` are those that [`Self::find`] gave.
    pub(crate) async fn start(self, programs: &[PathBuf], setting: &Setting) -> anyhow::Result<Server> {
        let started = async {
            let version = self.version(programs).await?;
            let memory_dir = setting.cache_dir(self);
            std::fs::create_dir_all(&memory_dir)?;
            let started = Instant::now();
            let running = self.run(programs, setting).await?;
            anyhow::Ok(Server {
                peer: self,
                version,
                started,
                http: running.http,
                tls: running.tls,
                access_log: setting.access_log(self),
                processes: running.processes,
                memory_dir,
            })
        };
        started.await.with_context(|| self.to_string())
    }

    async fn run(self, programs: &[PathBuf], setting: &Setting) -> anyhow::Result<Running> {
        match (self, programs) {
            (Self::Nginx, [program]) => nginx::start(program, setting).await,
            (Self::Haproxy, [program]) => haproxy::start(program, setting).await,
            (Self::Varnish, [varnishd, varnishncsa, hitch]) => {
                varnish::start(varnishd, varnishncsa, hitch, setting).await
            }
            (Self::TrafficServer, [program]) => traffic_server::start(program, setting).await,
            (Self::Squid, [program]) => squid::start(program, setting).await,
            (Self::Proxima, [program]) => proxima::start(program, setting).await,
            _ => bail!("{} programs are not what it takes", programs.len()),
        }
    }

    /// `1.22.1`, or `7.1.1, hitch 1.7.2` where it takes more than one program.
    async fn version(self, programs: &[PathBuf]) -> anyhow::Result<String> {
        let mut versions = Vec::new();
        for (program, (name, argument)) in programs.iter().zip(self.programs()) {
            let said = version_of(program, argument).await?;
            let number =
                number_in(&said).with_context(|| format!("{name} {argument}: {said:?} has no version"))?;
            versions.push(if versions.is_empty() {
                number.to_owned()
            } else {
                format!("{name} {number}")
            });
        }
        Ok(versions.join(", "))
    }
}

fn find_proxima(given: Option<&Path>) -> Result<PathBuf, String> {
    let beside = || Some(std::env::current_exe().ok()?.with_file_name("proxima"));
    let program = given.map(Path::to_owned).or_else(beside);
    program
        .filter(|program| program.is_file())
        .ok_or_else(|| {
            "proxima: there is none beside this program: `cargo build --release -p proxima`, or give `--proxima FILE`"
                .to_owned()
        })
}

/// The first version number in what a program says of itself: `2.6.12` in `HAProxy version 2.6.12-1+deb12u4`.
fn number_in(said: &str) -> Option<&str> {
    said.split(|c: char| c != '.' && !c.is_ascii_alphanumeric())
        .find(|word| word.contains('.') && word.starts_with(|c: char| c.is_ascii_digit()))
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn names_are_the_same_in_flags_reports_and_tables() {
        for peer in Peer::ALL {
            let flag = peer.to_possible_value().unwrap();
            assert_eq!(flag.get_name(), peer.as_str());
            assert_eq!(serde_json::to_value(peer).unwrap(), peer.as_str());
        }
    }

    #[test]
    fn versions_are_the_numbers_in_what_programs_say() {
        let cases = [
            ("nginx version: nginx/1.22.1", Some("1.22.1")),
            (
                "HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/",
                Some("2.6.12"),
            ),
            (
                "varnishd (varnish-7.1.1 revision 7cee1c5)\nCopyright (c) 2006",
                Some("7.1.1"),
            ),
            ("hitch 1.7.2", Some("1.7.2")),
            (
                "Traffic Server 9.2.9 Apr  4 2026 14:52:39 localhost",
                Some("9.2.9"),
            ),
            ("Squid Cache: Version 5.7\nService Name: squid", Some("5.7")),
            ("proxima 0.1.0", Some("0.1.0")),
            ("usage: 1 argument", None),
            ("", None),
        ];
        for (said, expected) in cases {
            assert_eq!(number_in(said), expected, "{said}");
        }
    }

    #[test]
    fn proxima_that_is_not_there_says_what_to_do() {
        let error = Peer::Proxima
            .find(Some(Path::new("/nowhere/proxima")))
            .unwrap_err();
        assert!(error.contains("--proxima FILE"), "{error}");
    }

    #[test]
    fn only_nginx_and_proxima_read_memcached_and_squid_has_no_http_2() {
        let served = |peer: Peer, tier| Mode::ALL.map(|mode| peer.serves(tier, mode));
        for peer in Peer::ALL {
            let h2 = peer != Peer::Squid;
            let l2 = [Peer::Nginx, Peer::Proxima].contains(&peer);
            assert_eq!(served(peer, Tier::L1), [true, true, h2, h2], "{peer}");
            assert_eq!(served(peer, Tier::L2), [l2; 4], "{peer}");
        }
    }
}
