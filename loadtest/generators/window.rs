//! One measurement: a generator at work for some seconds.

use std::path::Path;
use std::pin::pin;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde::Serialize;
use tokio::time::{MissedTickBehavior, interval};

use crate::generator::{Generator, Task};
use crate::memory;
use crate::server::Server;
use crate::side_by_side::cpu;
use crate::side_by_side::median::median;
use crate::side_by_side::tool::Tool;

/// How often a generator's memory is looked at: it is gone when the generator is.
const LOOK: Duration = Duration::from_millis(100);

/// The first of the times of children that have ended and were waited for, in proc_pid_stat(5).
const OF_ENDED_CHILDREN: usize = 16;

/// What one measurement, or the median of several, says.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Window {
    /// Requests answered per second.
    pub(crate) requests_per_second: f64,
    /// The generator's CPU time per request, in user and kernel mode, its start and end included.
    pub(crate) cpu_us_per_request: f64,
    /// Share of its core that the generator used: far below 1, the server was the bottleneck.
    pub(crate) busy: f64,
    /// The server's CPU time per request: much the same for all, or they do not ask for the same.
    pub(crate) server_cpu_us_per_request: f64,
    /// Share of its core that the server used.
    pub(crate) server_busy: f64,
    /// Median time of a request as the generator reports it.
    pub(crate) p50_us: f64,
    /// 99th percentile of it.
    pub(crate) p99_us: f64,
    /// The most memory that the generator had resident.
    pub(crate) peak_kib: f64,
}

/// Measures once. All answers must be good.
pub(crate) async fn measure(
    generator: Generator,
    program: &Path,
    task: &Task<'_>,
    server: &Server,
) -> anyhow::Result<Window> {
    let (own, root) = (std::process::id(), server.process.id()?);
    let mut command = generator.command(program, task)?;
    let ended_before = cpu::times_from(own, OF_ENDED_CHILDREN)?;
    let (start, server_before) = (Instant::now(), cpu::used_by_tree(root)?);
    let (output, peak_kib) = watched(Tool::start(&mut command)?).await?;
    let elapsed = start.elapsed().as_secs_f64();
    // Nothing else that this program has started ends meanwhile.
    let used = cpu::times_from(own, OF_ENDED_CHILDREN)?
        .saturating_sub(ended_before)
        .as_secs_f64();
    let server_used = cpu::used_by_tree(root)?
        .saturating_sub(server_before)
        .as_secs_f64();
    let load = generator.parse(&output, task)?;
    let requests = load.requests as f64;
    Ok(Window {
        requests_per_second: requests / load.seconds,
        cpu_us_per_request: used * 1e6 / requests,
        busy: used / elapsed,
        server_cpu_us_per_request: server_used * 1e6 / requests,
        server_busy: server_used / elapsed,
        p50_us: load.p50_us,
        p99_us: load.p99_us,
        peak_kib: peak_kib as f64,
    })
}

/// Lets a generator run to its end; returns what it printed and the most memory it was seen to have, in KiB.
async fn watched(tool: Tool) -> anyhow::Result<(String, u64)> {
    let pid = tool.child.id().context("it has not been waited for")?;
    let mut peak = None;
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut output = pin!(tool.output());
    loop {
        tokio::select! {
            output = &mut output => return Ok((output?, peak.context("it ended before it was looked at")?)),
            _ = looks.tick() => peak = memory::peak_kib(pid).or(peak),
        }
    }
}

impl Window {
    /// The median of each figure.
    pub(crate) fn median(windows: &[Self]) -> Option<Self> {
        let of = |figure: fn(&Self) -> f64| median(windows.iter().map(figure).collect());
        Some(Self {
            requests_per_second: of(|window| window.requests_per_second)?,
            cpu_us_per_request: of(|window| window.cpu_us_per_request)?,
            busy: of(|window| window.busy)?,
            server_cpu_us_per_request: of(|window| window.server_cpu_us_per_request)?,
            server_busy: of(|window| window.server_busy)?,
            p50_us: of(|window| window.p50_us)?,
            p99_us: of(|window| window.p99_us)?,
            peak_kib: of(|window| window.peak_kib)?,
        })
    }
}
