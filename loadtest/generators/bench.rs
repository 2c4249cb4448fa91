//! The comparison from start to end.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tempfile::TempDir;

use crate::Flags;
use crate::demand::{Demand, Part};
use crate::generator::{Generator, Task};
use crate::report::{GeneratorReport, PartReport, Program, Report};
use crate::server::{BODY_BYTES, Server};
use crate::side_by_side::program::{pin_self, require};
use crate::side_by_side::turns::by_turns;
use crate::window::{Window, measure};

/// Programs without which nothing can be measured.
const TOOLS: [&str; 3] = ["nginx", "setpriv", "taskset"];

/// Where Linux keeps files in memory, so that h2load's log costs it no disk.
const MEMORY_FOLDER: &str = "/dev/shm";

/// Length of what comes before the measurements, unmeasured.
const WARM_UP_SECONDS: u32 = 1;

/// The generators to compare, with their programs.
type Programs = Vec<(Generator, PathBuf)>;

/// What all measurements share.
struct Bench<'f> {
    flags: &'f Flags,
    programs: Programs,
    server: Server,
    files: TempDir,
}

/// Measures what the flags ask for, prints a table per part, and writes the report.
pub(crate) async fn run(flags: &Flags) -> anyhow::Result<()> {
    require(&TOOLS)?;
    pin_self(flags.terms.load_core).await?;
    let (programs, skipped) = find_generators(flags)?;
    let files = tempfile::Builder::new()
        .prefix("proxima-generators-")
        .tempdir_in(MEMORY_FOLDER)
        .context(MEMORY_FOLDER)?;
    let bench = Bench {
        flags,
        programs,
        server: Server::start(flags.terms.server_core, files.path()).await?,
        files,
    };
    let mut report = Report {
        seconds: flags.terms.seconds,
        rounds: flags.terms.rounds,
        body_bytes: BODY_BYTES,
        server: bench.server.version.clone(),
        programs: bench.versions().await?,
        skipped,
        parts: Vec::new(),
    };
    flags.terms.introduce(
        &format!("Fixed answer of {BODY_BYTES} bytes over HTTP/1.1"),
        "nginx with one worker, alone",
        "the generators, one at a time",
    );
    for part in Part::ALL {
        if flags.part.is_empty() || flags.part.contains(&part) {
            let measured = bench.measure_part(part).await?;
            print!("\n{measured}");
            report.parts.push(measured);
        }
    }
    flags.terms.conclude(&report, &report.skipped)
}

impl Bench<'_> {
    async fn versions(&self) -> anyhow::Result<Vec<Program>> {
        let mut versions = Vec::new();
        for (generator, program) in &self.programs {
            versions.push(Program {
                generator: *generator,
                version: generator.version(program).await?,
            });
        }
        Ok(versions)
    }

    /// Measures all generators at each demand of a part, by turns.
    async fn measure_part(&self, part: Part) -> anyhow::Result<PartReport> {
        let programs: Vec<_> = self
            .programs
            .iter()
            .filter(|(generator, _)| part.generators().contains(generator))
            .collect();
        let turns: Vec<_> = part
            .demands()
            .iter()
            .flat_map(|demand| {
                programs
                    .iter()
                    .map(move |(generator, program)| (*demand, *generator, program))
            })
            .collect();
        for (demand, generator, program) in &turns {
            self.measure(*demand, *generator, program, WARM_UP_SECONDS)
                .await?;
        }
        let terms = &self.flags.terms;
        let rounds = terms.rounds;
        let measure = async |(demand, generator, program): &(Demand, Generator, &PathBuf)| {
            self.measure(*demand, *generator, program, terms.seconds).await
        };
        let windows = by_turns(
            rounds,
            &turns,
            measure,
            |round, (_, generator, _), window: &Window| {
                let (cpu, rate) = (window.cpu_us_per_request, window.requests_per_second);
                eprintln!(
                    "{}, round {round} of {rounds}: {generator}: {cpu:.1} µs/request, {rate:.0} requests/s",
                    part.description()
                );
            },
        );
        let windows = windows.await?;
        let measured = turns.into_iter().zip(windows);
        let reports = measured.filter_map(|((demand, generator, _), windows)| {
            GeneratorReport::new(generator, demand.connections, windows)
        });
        Ok(PartReport::new(part, reports.collect()))
    }

    async fn measure(
        &self,
        demand: Demand,
        generator: Generator,
        program: &Path,
        seconds: u32,
    ) -> anyhow::Result<Window> {
        let task = Task {
            url: &self.server.url,
            demand,
            seconds,
            core: self.flags.terms.load_core,
            dir: self.files.path(),
        };
        measure(generator, program, &task, &self.server)
            .await
            .with_context(|| generator.to_string())
    }
}

/// The generators' programs, and what is to be said of those that are not there.
fn find_generators(flags: &Flags) -> anyhow::Result<(Programs, Vec<String>)> {
    let (mut found, mut skipped) = (Vec::new(), Vec::new());
    for generator in Generator::ALL {
        if !flags.generator.is_empty() && !flags.generator.contains(&generator) {
            continue;
        }
        match (generator.find(flags.proxima_load.as_deref()), generator) {
            (Some(program), _) => found.push((generator, program)),
            (None, Generator::ProximaLoad) => {
                bail!(
                    "no proxima-load beside this program: `cargo build --release -p proxima-load`, or give \
                     `--proxima-load FILE`"
                )
            }
            (None, _) => {
                skipped.push(format!(
                    "{generator}: it is not installed (`deploy/setup.sh bench` does)"
                ));
            }
        }
    }
    if found.is_empty() {
        bail!("nothing to measure: {}", skipped.join(", "));
    }
    Ok((found, skipped))
}
