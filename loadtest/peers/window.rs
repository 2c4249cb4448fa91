//! One measurement: a server under load for some seconds.

use std::fs::OpenOptions;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::Serialize;

use crate::load::{self, Mode};
use crate::memcached::{Memcached, Work};
use crate::origin::Origin;
use crate::server::Server;
use crate::side_by_side::median::median;
use crate::tier::Tier;

/// How long a server may keep lines of its access log back: most write what they have every second.
const LOG_FLUSH: Duration = Duration::from_secs(3);

/// Least share of the requests of the second tier that have to be hits of its node.
const HITS_MIN: f64 = 0.99;

/// What one measurement, or the median of several, says.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Window {
    /// The server's CPU time per request, in user and kernel mode.
    pub(crate) cpu_us_per_request: f64,
    /// Requests answered per second.
    pub(crate) requests_per_second: f64,
    /// Median time of a request as the client saw it.
    pub(crate) p50_us: f64,
    /// 99th percentile of it.
    pub(crate) p99_us: f64,
    /// Share of its core that the server used: far below 1, the load was the bottleneck.
    pub(crate) busy: f64,
    /// Lines of the access log per request: below 1, lines were dropped.
    pub(crate) logged: f64,
    /// Requests that reached the origin all the same: of a cached hit there should be none.
    pub(crate) misses: u64,
    /// The memcached node's CPU time per request, where there is a node.
    pub(crate) node_cpu_us_per_request: Option<f64>,
}

/// Where and how long to measure.
pub(crate) struct Method<'m> {
    /// Where hits come from.
    pub(crate) tier: Tier,
    /// The second tier's node.
    pub(crate) node: Option<&'m Memcached>,
    /// Length of the window.
    pub(crate) seconds: u32,
    /// Core of the load.
    pub(crate) load_core: usize,
    /// The origin, which must not be asked.
    pub(crate) origin: &'m Origin,
    /// Folder for the load tool's files.
    pub(crate) dir: &'m Path,
}

/// Measures once.
pub(crate) async fn measure(mode: Mode, server: &Server, method: &Method<'_>) -> anyhow::Result<Window> {
    empty(&server.access_log)?;
    let asked = method.origin.asked();
    let node_before = method.node_work().await?;
    let (start, before) = (Instant::now(), server.cpu_used()?);
    let load = load::run(mode, server, method.seconds, method).await?;
    let used = server.cpu_used()?.saturating_sub(before);
    let elapsed = start.elapsed();
    let misses = method.origin.asked() - asked;
    let node = node_before.zip(method.node_work().await?);
    let node = node.map(|(before, after)| after.since(before));
    if let Some(node) = node {
        expect_hits(node.hits, load.requests).with_context(|| server.peer.to_string())?;
    }
    let lines = logged(&server.access_log, load.requests).await?;
    empty(&server.access_log)?;
    Ok(Window {
        cpu_us_per_request: used.as_secs_f64() * 1e6 / load.requests as f64,
        requests_per_second: load.requests as f64 / load.seconds,
        p50_us: load.p50_us,
        p99_us: load.p99_us,
        busy: used.as_secs_f64() / elapsed.as_secs_f64(),
        logged: lines as f64 / load.requests as f64,
        misses,
        node_cpu_us_per_request: node.map(|node| node.cpu.as_secs_f64() * 1e6 / load.requests as f64),
    })
}

/// Whether the node's hits account for all requests but what a stalled look-up may cost. A server that answers from
/// its own memory would be measured at something else.
fn expect_hits(hits: u64, requests: u64) -> anyhow::Result<()> {
    if (hits as f64) < requests as f64 * HITS_MIN {
        bail!("memcached had a hand in only {hits} of {requests} answers");
    }
    Ok(())
}

impl Method<'_> {
    async fn node_work(&self) -> anyhow::Result<Option<Work>> {
        match self.node {
            Some(node) => node.work().await.map(Some),
            None => Ok(None),
        }
    }
}

/// Lines in an access log, once there are as many as `requests` or no more are to be expected.
async fn logged(log: &Path, requests: u64) -> anyhow::Result<u64> {
    let start = Instant::now();
    loop {
        let lines = lines_of(log)?;
        if lines >= requests || start.elapsed() > LOG_FLUSH {
            return Ok(lines);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// All servers append, so a file that is cut short goes on at its start.
fn empty(log: &Path) -> anyhow::Result<()> {
    let file = OpenOptions::new().write(true).open(log);
    file.and_then(|file| file.set_len(0))
        .with_context(|| format!("access log {}", log.display()))
}

fn lines_of(log: &Path) -> anyhow::Result<u64> {
    let mut file = std::fs::File::open(log)?;
    let mut chunk = vec![0; 1 << 16];
    let mut lines = 0;
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(lines),
            read => lines += chunk[..read].iter().filter(|&&byte| byte == b'\n').count() as u64,
        }
    }
}

impl Window {
    /// The median of each figure, and the most misses.
    pub(crate) fn median(windows: &[Self]) -> Option<Self> {
        let of = |figure: fn(&Self) -> f64| median(windows.iter().map(figure).collect());
        Some(Self {
            cpu_us_per_request: of(|window| window.cpu_us_per_request)?,
            requests_per_second: of(|window| window.requests_per_second)?,
            p50_us: of(|window| window.p50_us)?,
            p99_us: of(|window| window.p99_us)?,
            busy: of(|window| window.busy)?,
            logged: of(|window| window.logged)?,
            misses: windows.iter().map(|window| window.misses).max()?,
            node_cpu_us_per_request: median(
                windows
                    .iter()
                    .filter_map(|window| window.node_cpu_us_per_request)
                    .collect(),
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_figure_has_its_own_median() {
        let window = |cpu, rate, misses| Window {
            cpu_us_per_request: cpu,
            requests_per_second: rate,
            p50_us: 1.0,
            p99_us: 2.0,
            busy: 1.0,
            logged: 1.0,
            misses,
            node_cpu_us_per_request: None,
        };
        let windows = [window(1.0, 30.0, 0), window(2.0, 10.0, 9), window(3.0, 20.0, 0)];
        assert_eq!(Window::median(&windows), Some(window(2.0, 20.0, 9)));
        assert_eq!(Window::median(&[]), None);
    }

    #[test]
    fn answers_without_the_node_are_no_hits_of_the_second_tier() {
        // More is no harm: what is under way when the load stops is not counted as answered.
        for (hits, good) in [(1064, true), (1000, true), (990, true), (989, false), (0, false)] {
            assert_eq!(expect_hits(hits, 1000).is_ok(), good, "{hits}");
        }
    }
}
