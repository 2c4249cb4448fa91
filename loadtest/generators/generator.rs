//! The load generators: how each is found, told what to do, and understood.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use tokio::process::Command;

use crate::demand::Demand;
use crate::side_by_side::process::pinned;
use crate::side_by_side::program::{find_program, version_of};
use crate::side_by_side::tool::Load;
use crate::side_by_side::{h2load, wrk};
use crate::{hey, proxima_load};

/// A load generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Generator {
    /// wrk: an event loop in C.
    Wrk,
    /// hey: a goroutine for each connection.
    Hey,
    /// h2load: an event loop in C++, told to speak HTTP/1.1.
    H2load,
    /// proxima-load: a script.
    ProximaLoad,
}

/// Where and how long a generator works.
pub(crate) struct Task<'t> {
    /// What to ask for.
    pub(crate) url: &'t str,
    /// How.
    pub(crate) demand: Demand,
    /// How long.
    pub(crate) seconds: u32,
    /// Core to run on.
    pub(crate) core: usize,
    /// Folder in memory for scripts and logs.
    pub(crate) dir: &'t Path,
}

impl Generator {
    /// All of them, the one to compare with first.
    pub(crate) const ALL: [Self; 4] = [Self::Wrk, Self::Hey, Self::H2load, Self::ProximaLoad];

    /// Its name, which is its program's.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Wrk => "wrk",
            Self::Hey => "hey",
            Self::H2load => "h2load",
            Self::ProximaLoad => "proxima-load",
        }
    }

    /// Its program: where the system has it, or ours where it was built.
    pub(crate) fn find(self, proxima_load: Option<&Path>) -> Option<PathBuf> {
        match (self, proxima_load) {
            (Self::ProximaLoad, Some(path)) => path.is_file().then(|| path.to_owned()),
            (Self::ProximaLoad, None) => {
                let beside = std::env::current_exe().ok()?.with_file_name(self.as_str());
                beside.is_file().then_some(beside)
            }
            _ => find_program(self.as_str()),
        }
    }

    /// Its version as it says; hey does not.
    pub(crate) async fn version(self, program: &Path) -> anyhow::Result<Option<String>> {
        let argument = match self {
            Self::Hey => return Ok(None),
            Self::Wrk => "-v",
            Self::H2load => "--version",
            Self::ProximaLoad => "version",
        };
        let said = version_of(program, argument).await?;
        let line = said.lines().next().unwrap_or_default();
        let end = line.find(" [").or(line.find(" (")).unwrap_or(line.len());
        Ok(Some(line[..end].to_owned()))
    }

    /// The command that does a task. Scripts are written and old logs removed.
    pub(crate) fn command(self, program: &Path, task: &Task<'_>) -> anyhow::Result<Command> {
        let mut command = pinned(task.core, "KILL", program);
        let connections = format!("-c{}", task.demand.connections);
        match self {
            Self::Wrk => {
                command.args(["-t1", &connections, "--latency", &format!("-d{}", task.seconds)]);
                if let Some(per_second) = task.demand.per_second {
                    let script = task.dir.join("spread.lua");
                    std::fs::write(&script, wrk_pauses(task.demand.connections, per_second))?;
                    command.arg("-s").arg(script);
                }
                command.arg(task.url);
            }
            Self::Hey => {
                command.args(["-cpus", "1", "-z", &format!("{}s", task.seconds)]);
                command.args(["-c", &task.demand.connections.to_string(), task.url]);
            }
            Self::H2load => {
                let log = task.dir.join(H2LOAD_LOG);
                let _ = std::fs::remove_file(&log); // h2load appends
                command.args(["--h1", "-t1", "-m1", &connections]);
                command.arg(format!("--log-file={}", log.display()));
                command.args(h2load_schedule(task)).arg(task.url);
            }
            Self::ProximaLoad => proxima_load::arguments(&mut command, task)?,
        }
        Ok(command)
    }

    /// Reads what it reported of a task that it has done.
    pub(crate) fn parse(self, output: &str, task: &Task<'_>) -> anyhow::Result<Load> {
        match self {
            Self::Wrk => wrk::parse(output),
            Self::Hey => hey::parse(output),
            Self::H2load => {
                let log = std::fs::read_to_string(task.dir.join(H2LOAD_LOG)).context("h2load's log")?;
                h2load::parse(output, &log)
            }
            Self::ProximaLoad => proxima_load::parse(&proxima_load::summary(task)?),
        }
    }
}

impl fmt::Display for Generator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// h2load prints no percentiles, so it has to log each request; that is part of what a request costs it.
const H2LOAD_LOG: &str = "h2load.log";

/// A script that makes wrk, which has no rate, pause before each request. A fixed pause would keep connections that
/// start together together for ever; a random one spreads them. On average the pause is the time between two requests of
/// a connection, so the rate comes out lower by the share that requests take of it, a percent or two.
fn wrk_pauses(connections: u32, per_second: u32) -> String {
    let longest_ms = 2 * connections * 1000 / per_second;
    format!("function delay() return math.random(0, {longest_ms}) end\n")
}

/// h2load's rate is that of each connection, counted from its start. Started together all would ask together;
/// started one after another over the time between two requests of a connection, they take turns evenly.
fn h2load_schedule(task: &Task<'_>) -> Vec<String> {
    let Demand {
        connections,
        per_second,
    } = task.demand;
    let Some(per_second) = per_second else {
        return vec![format!("-D{}", task.seconds)];
    };
    vec![
        format!("-n{}", per_second * task.seconds),
        format!("--rps={}", f64::from(per_second) / f64::from(connections)),
        format!("--rate={}", per_second.div_ceil(1000)),
        "--rate-period=1ms".to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(generator: Generator, per_second: Option<u32>) -> String {
        let dir = tempfile::tempdir().unwrap();
        let task = Task {
            url: "http://u/",
            demand: Demand {
                connections: 50,
                per_second,
            },
            seconds: 5,
            core: 1,
            dir: dir.path(),
        };
        let command = generator.command(Path::new("program"), &task).unwrap();
        let arguments = command
            .as_std()
            .get_args()
            .map(|argument| argument.to_string_lossy());
        let line = arguments.collect::<Vec<_>>().join(" ");
        let (_, own) = line.split_once("program ").unwrap();
        own.replace(&dir.path().display().to_string(), "/d")
    }

    #[test]
    fn each_is_told_the_same_in_its_own_words() {
        let cases = [
            (Generator::Wrk, None, "-t1 -c50 --latency -d5 http://u/"),
            (
                Generator::Wrk,
                Some(2000),
                "-t1 -c50 --latency -d5 -s /d/spread.lua http://u/",
            ),
            (Generator::Hey, None, "-cpus 1 -z 5s -c 50 http://u/"),
            (
                Generator::H2load,
                None,
                "--h1 -t1 -m1 -c50 --log-file=/d/h2load.log -D5 http://u/",
            ),
            (
                Generator::H2load,
                Some(2000),
                "--h1 -t1 -m1 -c50 --log-file=/d/h2load.log -n10000 --rps=40 --rate=2 --rate-period=1ms http://u/",
            ),
            (
                Generator::ProximaLoad,
                None,
                "run --quiet --threads 1 --include-system-env-vars=false --summary-export /d/summary.json \
                 --env URL=http://u/ --env CONNECTIONS=50 --env SECONDS=5 /d/get.js",
            ),
            (
                Generator::ProximaLoad,
                Some(2000),
                "run --quiet --threads 1 --include-system-env-vars=false --summary-export /d/summary.json \
                 --env URL=http://u/ --env CONNECTIONS=50 --env SECONDS=5 --env PER_SECOND=2000 /d/get.js",
            ),
        ];
        for (generator, per_second, expected) in cases {
            assert_eq!(arguments(generator, per_second), expected);
        }
    }

    #[test]
    fn pauses_last_on_average_as_long_as_a_connection_s_turn() {
        assert!(wrk_pauses(50, 2000).contains("random(0, 50)")); // 25 ms
    }
}
