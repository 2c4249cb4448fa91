//! What is shown and what is written.

use std::fmt::{self, Display};

use serde::Serialize;

use crate::load::Mode;
use crate::peer::Peer;
use crate::window::Window;

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Length of a measurement.
    pub(crate) seconds: u32,
    /// Measurements of each server in each mode.
    pub(crate) rounds: u32,
    /// Size of the object in bytes.
    pub(crate) body_bytes: usize,
    /// Servers that were not there.
    pub(crate) skipped: Vec<String>,
    /// One part per mode.
    pub(crate) modes: Vec<ModeReport>,
}

/// What was measured in one mode; shown as a table.
#[derive(Debug, Serialize)]
pub(crate) struct ModeReport {
    mode: Mode,
    description: &'static str,
    peers: Vec<PeerReport>,
    proxima_to_nginx: Option<Ratio>,
}

/// What was measured of one server.
#[derive(Debug, Serialize)]
pub(crate) struct PeerReport {
    peer: Peer,
    version: String,
    median: Window,
    windows: Vec<Window>,
}

/// Proxima's median divided by nginx's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
struct Ratio {
    cpu_us_per_request: f64,
    requests_per_second: f64,
    p50_us: f64,
    p99_us: f64,
}

impl PeerReport {
    /// Sums up; `None` without measurements.
    pub(crate) fn new(peer: Peer, version: &str, windows: Vec<Window>) -> Option<Self> {
        let median = Window::median(&windows)?;
        Some(Self {
            peer,
            version: version.to_owned(),
            median,
            windows,
        })
    }
}

impl ModeReport {
    /// Sums up.
    pub(crate) fn new(mode: Mode, peers: Vec<PeerReport>) -> Self {
        let median = |peer| {
            peers
                .iter()
                .find(|report| report.peer == peer)
                .map(|report| report.median)
        };
        let ratio = median(Peer::Proxima).zip(median(Peer::Nginx));
        let proxima_to_nginx = ratio.map(|(proxima, nginx)| Ratio::new(&proxima, &nginx));
        Self {
            mode,
            description: mode.description(),
            peers,
            proxima_to_nginx,
        }
    }
}

impl Ratio {
    fn new(proxima: &Window, nginx: &Window) -> Self {
        Self {
            cpu_us_per_request: proxima.cpu_us_per_request / nginx.cpu_us_per_request,
            requests_per_second: proxima.requests_per_second / nginx.requests_per_second,
            p50_us: proxima.p50_us / nginx.p50_us,
            p99_us: proxima.p99_us / nginx.p99_us,
        }
    }
}

impl Display for ModeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = [
            "CPU µs/request",
            "requests/s",
            "p50 ms",
            "p99 ms",
            "busy",
            "logged",
            "misses",
        ];
        writeln!(f, "{}", self.description)?;
        row(f, "", columns.map(str::to_owned))?;
        for PeerReport { peer, median, .. } in &self.peers {
            let figures = [
                format!("{:.1}", median.cpu_us_per_request),
                format!("{:.0}", median.requests_per_second),
                format!("{:.2}", median.p50_us / 1000.0),
                format!("{:.2}", median.p99_us / 1000.0),
                format!("{:.0} %", median.busy * 100.0),
                format!("{:.0} %", median.logged * 100.0),
                median.misses.to_string(),
            ];
            row(f, peer.as_str(), figures)?;
        }
        let Some(ratio) = self.proxima_to_nginx else {
            return Ok(());
        };
        let ratios = [
            ratio.cpu_us_per_request,
            ratio.requests_per_second,
            ratio.p50_us,
            ratio.p99_us,
        ];
        let [cpu, rate, p50, p99] = ratios.map(|ratio| format!("{ratio:.2}"));
        row(
            f,
            "proxima/nginx",
            [cpu, rate, p50, p99, String::new(), String::new(), String::new()],
        )
    }
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, columns: [String; 7]) -> fmt::Result {
    let [cpu, rate, p50, p99, busy, logged, misses] = columns;
    let line = format!(
        "  {name:<13}  {cpu:>14}  {rate:>10}  {p50:>7}  {p99:>7}  {busy:>6}  {logged:>6}  {misses:>6}"
    );
    writeln!(f, "{}", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(peer: Peer, cpu: f64, rate: f64) -> PeerReport {
        let window = Window {
            cpu_us_per_request: cpu,
            requests_per_second: rate,
            p50_us: 500.0,
            p99_us: 2_000.0,
            busy: 0.98,
            logged: 1.0,
            misses: 0,
        };
        PeerReport::new(peer, "1", vec![window]).unwrap()
    }

    #[test]
    fn table_shows_medians_and_their_ratio() {
        let peers = vec![
            peer(Peer::Nginx, 10.0, 90_000.0),
            peer(Peer::Proxima, 5.0, 135_000.0),
        ];
        let table = ModeReport::new(Mode::Http, peers).to_string();
        let expected = "\
HTTP/1.1, 64 connections (wrk)
                 CPU µs/request  requests/s   p50 ms   p99 ms    busy  logged  misses
  nginx                    10.0       90000     0.50     2.00    98 %   100 %       0
  proxima                   5.0      135000     0.50     2.00    98 %   100 %       0
  proxima/nginx            0.50        1.50     1.00     1.00
";
        assert_eq!(table, expected);
    }

    #[test]
    fn without_nginx_there_is_no_ratio() {
        let report = ModeReport::new(Mode::H2, vec![peer(Peer::Proxima, 5.0, 1.0)]);
        assert_eq!(report.proxima_to_nginx, None);
        assert!(!report.to_string().contains("proxima/nginx"));
    }
}
