//! What is shown and what is written.

use std::fmt::{self, Display};

use serde::Serialize;

use crate::demand::Part;
use crate::generator::Generator;
use crate::window::Window;

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Length of a measurement.
    pub(crate) seconds: u32,
    /// Measurements of each generator.
    pub(crate) rounds: u32,
    /// Size of an answer's body in bytes.
    pub(crate) body_bytes: usize,
    /// The server's version.
    pub(crate) server: String,
    /// The generators' versions.
    pub(crate) programs: Vec<Program>,
    /// Generators that were not there.
    pub(crate) skipped: Vec<String>,
    /// What was measured.
    pub(crate) parts: Vec<PartReport>,
}

/// A generator's program.
#[derive(Debug, Serialize)]
pub(crate) struct Program {
    /// Whose.
    pub(crate) generator: Generator,
    /// Its version, if it says.
    pub(crate) version: Option<String>,
}

/// What was measured in a part; shown as a table.
#[derive(Debug, Serialize)]
pub(crate) struct PartReport {
    part: Part,
    description: &'static str,
    generators: Vec<GeneratorReport>,
    memory: Vec<Memory>,
}

/// What was measured of one generator with one number of connections.
#[derive(Debug, Serialize)]
pub(crate) struct GeneratorReport {
    generator: Generator,
    connections: u32,
    median: Window,
    to_wrk: Option<Ratio>,
    windows: Vec<Window>,
}

/// A generator's median divided by wrk's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
struct Ratio {
    cpu_us_per_request: f64,
    requests_per_second: f64,
    p50_us: f64,
    p99_us: f64,
}

/// A generator's memory: the most it had resident with few connections and with many.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
struct Memory {
    generator: Generator,
    few: u32,
    few_kib: f64,
    many: u32,
    many_kib: f64,
    /// The difference, for each connection more.
    kib_per_connection: f64,
}

impl GeneratorReport {
    /// Sums up; `None` without measurements.
    pub(crate) fn new(generator: Generator, connections: u32, windows: Vec<Window>) -> Option<Self> {
        Some(Self {
            generator,
            connections,
            median: Window::median(&windows)?,
            to_wrk: None,
            windows,
        })
    }
}

impl PartReport {
    /// Compares with wrk.
    pub(crate) fn new(part: Part, mut generators: Vec<GeneratorReport>) -> Self {
        let of_wrk: Vec<_> = generators
            .iter()
            .filter(|report| report.generator == Generator::Wrk)
            .map(|report| (report.connections, report.median))
            .collect();
        for report in &mut generators {
            let wrk = of_wrk
                .iter()
                .find(|(connections, _)| *connections == report.connections);
            report.to_wrk = wrk.map(|(_, wrk)| Ratio::new(&report.median, wrk));
        }
        let memory = memory_of(&generators);
        Self {
            part,
            description: part.description(),
            generators,
            memory,
        }
    }
}

/// Of the generators that were measured with two numbers of connections.
fn memory_of(reports: &[GeneratorReport]) -> Vec<Memory> {
    let of = |generator| {
        let mut own = reports.iter().filter(|report| report.generator == generator);
        let (few, many) = (own.next()?, own.next_back()?);
        let (few_kib, many_kib) = (few.median.peak_kib, many.median.peak_kib);
        let more = f64::from(many.connections.checked_sub(few.connections)?);
        Some(Memory {
            generator,
            few: few.connections,
            few_kib,
            many: many.connections,
            many_kib,
            kib_per_connection: (many_kib - few_kib) / more,
        })
    };
    Generator::ALL.into_iter().filter_map(of).collect()
}

impl Ratio {
    fn new(one: &Window, wrk: &Window) -> Self {
        Self {
            cpu_us_per_request: one.cpu_us_per_request / wrk.cpu_us_per_request,
            requests_per_second: one.requests_per_second / wrk.requests_per_second,
            p50_us: one.p50_us / wrk.p50_us,
            p99_us: one.p99_us / wrk.p99_us,
        }
    }
}

impl Display for PartReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}:", self.description)?;
        if self.memory.is_empty() {
            self.costs(f)
        } else {
            self.memories(f)
        }
    }
}

impl PartReport {
    fn costs(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        row(f, "", COLUMNS.map(str::to_owned))?;
        for report in &self.generators {
            let GeneratorReport {
                generator,
                median,
                to_wrk,
                ..
            } = report;
            let ratio = |of: fn(&Ratio) -> f64| {
                to_wrk
                    .as_ref()
                    .map_or_else(String::new, |ratio| format!("{:.2}", of(ratio)))
            };
            let figures = [
                format!("{:.1}", median.cpu_us_per_request),
                ratio(|ratio| ratio.cpu_us_per_request),
                format!("{:.0}", median.requests_per_second),
                ratio(|ratio| ratio.requests_per_second),
                format!("{:.0} %", median.busy * 100.0),
                format!("{:.2}", median.p50_us / 1000.0),
                format!("{:.2}", median.p99_us / 1000.0),
                format!("{:.1}", median.server_cpu_us_per_request),
                format!("{:.0} %", median.server_busy * 100.0),
                format!("{:.1}", median.peak_kib / 1024.0),
            ];
            row(f, generator.as_str(), figures)?;
        }
        Ok(())
    }

    fn memories(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |f: &mut fmt::Formatter<'_>, columns: [&str; 4]| {
            let [name, few, many, each] = columns;
            writeln!(f, "  {name:<12}  {few:>12}  {many:>12}  {each:>18}")
        };
        let Some(Memory { few, many, .. }) = self.memory.first() else {
            return Ok(());
        };
        let with = |connections: &u32| format!("MiB with {connections}");
        line(f, ["", &with(few), &with(many), "KiB per connection"])?;
        for memory in &self.memory {
            let columns = [
                memory.generator.to_string(),
                format!("{:.1}", memory.few_kib / 1024.0),
                format!("{:.1}", memory.many_kib / 1024.0),
                format!("{:.1}", memory.kib_per_connection),
            ];
            line(f, columns.each_ref().map(String::as_str))?;
        }
        Ok(())
    }
}

/// Of the tables of costs.
const COLUMNS: [&str; 10] = [
    "CPU µs/request",
    "to wrk",
    "requests/s",
    "to wrk",
    "busy",
    "p50 ms",
    "p99 ms",
    "server µs/request",
    "busy",
    "MiB",
];

fn row(f: &mut fmt::Formatter<'_>, name: &str, columns: [String; COLUMNS.len()]) -> fmt::Result {
    write!(f, "  {name:<12}")?;
    for (name, column) in COLUMNS.iter().zip(columns) {
        let width = name.chars().count().max(6);
        write!(f, "  {column:>width$}")?;
    }
    writeln!(f)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(generator: Generator, connections: u32, cpu: f64, peak_kib: f64) -> GeneratorReport {
        let window = Window {
            requests_per_second: 200_000.0 / cpu,
            cpu_us_per_request: cpu,
            busy: 0.98,
            server_cpu_us_per_request: 9.5,
            server_busy: 0.5,
            p50_us: 500.0,
            p99_us: 2_000.0,
            peak_kib,
        };
        GeneratorReport::new(generator, connections, vec![window]).unwrap()
    }

    #[test]
    fn table_shows_medians_and_their_ratios_to_wrk() {
        let reports = vec![
            report(Generator::Wrk, 50, 10.0, 4096.0),
            report(Generator::ProximaLoad, 50, 40.0, 20_480.0),
        ];
        let expected = "\
as fast as answers come, 50 connections:
                CPU µs/request  to wrk  requests/s  to wrk    busy  p50 ms  p99 ms  server µs/request    busy     MiB
  wrk                     10.0    1.00       20000    1.00    98 %    0.50    2.00                9.5    50 %     4.0
  proxima-load            40.0    4.00        5000    0.25    98 %    0.50    2.00                9.5    50 %    20.0
";
        assert_eq!(PartReport::new(Part::Saturation, reports).to_string(), expected);
    }

    #[test]
    fn memory_is_that_of_each_connection_more() {
        let reports = vec![
            report(Generator::Wrk, 1, 10.0, 2048.0),
            report(Generator::ProximaLoad, 1, 40.0, 10_240.0),
            report(Generator::Wrk, 200, 10.0, 2247.0),
            report(Generator::ProximaLoad, 200, 40.0, 50_040.0),
        ];
        let expected = "\
as fast as answers come, 1 and 200 connections:
                  MiB with 1  MiB with 200  KiB per connection
  wrk                    2.0           2.2                 1.0
  proxima-load          10.0          48.9               200.0
";
        assert_eq!(PartReport::new(Part::Memory, reports).to_string(), expected);
    }

    #[test]
    fn without_wrk_there_is_no_ratio() {
        let alone = PartReport::new(Part::Rate, vec![report(Generator::H2load, 50, 1.0, 1.0)]);
        assert_eq!(alone.generators[0].to_wrk, None);
    }
}
