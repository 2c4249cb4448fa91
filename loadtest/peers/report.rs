//! What is shown and what is written.

use std::fmt::{self, Display};

use serde::Serialize;

use crate::load::Mode;
use crate::memcached::Memcached;
use crate::peer::Peer;
use crate::tier::Tier;
use crate::window::Window;

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Length of a measurement.
    pub(crate) seconds: u32,
    /// Measurements of each server in each mode.
    pub(crate) rounds: u32,
    /// Size of an object in bytes.
    pub(crate) body_bytes: usize,
    /// Servers that were not there.
    pub(crate) skipped: Vec<String>,
    /// What was set up for each tier.
    pub(crate) tiers: Vec<TierReport>,
    /// One part per tier and mode.
    pub(crate) modes: Vec<ModeReport>,
}

/// What was set up for a tier; shown above its tables.
#[derive(Debug, Serialize)]
pub(crate) struct TierReport {
    tier: Tier,
    description: &'static str,
    objects: usize,
    node_version: Option<String>,
}

/// What was measured of a tier in one mode; shown as a table.
#[derive(Debug, Serialize)]
pub(crate) struct ModeReport {
    tier: Tier,
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
    node_cpu_us_per_request: Option<f64>,
}

impl TierReport {
    /// Of a tier with the node that it has.
    pub(crate) fn new(tier: Tier, node: Option<&Memcached>) -> Self {
        Self {
            tier,
            description: tier.description(),
            objects: tier.objects().count(),
            node_version: node.map(|node| node.version.clone()),
        }
    }
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
    pub(crate) fn new(tier: Tier, mode: Mode, peers: Vec<PeerReport>) -> Self {
        let median = |peer| {
            peers
                .iter()
                .find(|report| report.peer == peer)
                .map(|report| report.median)
        };
        let ratio = median(Peer::Proxima).zip(median(Peer::Nginx));
        let proxima_to_nginx = ratio.map(|(proxima, nginx)| Ratio::new(&proxima, &nginx));
        Self {
            tier,
            mode,
            description: mode.description(),
            peers,
            proxima_to_nginx,
        }
    }
}

impl Ratio {
    fn new(proxima: &Window, nginx: &Window) -> Self {
        let node = proxima.node_cpu_us_per_request.zip(nginx.node_cpu_us_per_request);
        Self {
            cpu_us_per_request: proxima.cpu_us_per_request / nginx.cpu_us_per_request,
            requests_per_second: proxima.requests_per_second / nginx.requests_per_second,
            p50_us: proxima.p50_us / nginx.p50_us,
            p99_us: proxima.p99_us / nginx.p99_us,
            node_cpu_us_per_request: node.map(|(proxima, nginx)| proxima / nginx),
        }
    }
}

impl Display for TierReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.tier, self.description)
    }
}

impl Display for ModeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.tier, self.description)?;
        let mut names = COLUMNS.map(str::to_owned);
        if self.tier == Tier::L1 {
            names[NODE].clear();
        }
        row(f, "", names)?;
        for PeerReport { peer, median, .. } in &self.peers {
            let node = median.node_cpu_us_per_request;
            let figures = [
                format!("{:.1}", median.cpu_us_per_request),
                format!("{:.0}", median.requests_per_second),
                format!("{:.2}", median.p50_us / 1000.0),
                format!("{:.2}", median.p99_us / 1000.0),
                format!("{:.0} %", median.busy * 100.0),
                format!("{:.0} %", median.logged * 100.0),
                median.misses.to_string(),
                node.map_or_else(String::new, |cpu| format!("{cpu:.1}")),
            ];
            row(f, peer.as_str(), figures)?;
        }
        self.proxima_to_nginx.map_or(Ok(()), |ratio| {
            let shown = |ratio: f64| format!("{ratio:.2}");
            let mut columns = [const { String::new() }; COLUMNS.len()];
            columns[0] = shown(ratio.cpu_us_per_request);
            columns[1] = shown(ratio.requests_per_second);
            columns[2] = shown(ratio.p50_us);
            columns[3] = shown(ratio.p99_us);
            columns[NODE] = ratio.node_cpu_us_per_request.map_or_else(String::new, shown);
            row(f, "proxima/nginx", columns)
        })
    }
}

/// Of each table.
const COLUMNS: [&str; 8] = [
    "CPU µs/request",
    "requests/s",
    "p50 ms",
    "p99 ms",
    "busy",
    "logged",
    "misses",
    "memcached µs/request",
];
/// The column of the node, which is empty where there is none.
const NODE: usize = COLUMNS.len() - 1;

fn row(f: &mut fmt::Formatter<'_>, name: &str, columns: [String; COLUMNS.len()]) -> fmt::Result {
    let [cpu, rate, p50, p99, busy, logged, misses, node] = columns;
    let line = format!(
        "  {name:<13}  {cpu:>14}  {rate:>10}  {p50:>7}  {p99:>7}  {busy:>6}  {logged:>6}  {misses:>6}  {node:>20}"
    );
    writeln!(f, "{}", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(peer: Peer, cpu: f64, rate: f64, node: Option<f64>) -> PeerReport {
        let window = Window {
            cpu_us_per_request: cpu,
            requests_per_second: rate,
            p50_us: 500.0,
            p99_us: 2_000.0,
            busy: 0.98,
            logged: 1.0,
            misses: 0,
            node_cpu_us_per_request: node,
        };
        PeerReport::new(peer, "1", vec![window]).unwrap()
    }

    #[test]
    fn table_shows_medians_and_their_ratio() {
        let peers = vec![
            peer(Peer::Nginx, 10.0, 90_000.0, None),
            peer(Peer::Proxima, 5.0, 135_000.0, None),
        ];
        let table = ModeReport::new(Tier::L1, Mode::Http, peers).to_string();
        let expected = "\
L1: HTTP/1.1, 64 connections (wrk)
                 CPU µs/request  requests/s   p50 ms   p99 ms    busy  logged  misses
  nginx                    10.0       90000     0.50     2.00    98 %   100 %       0
  proxima                   5.0      135000     0.50     2.00    98 %   100 %       0
  proxima/nginx            0.50        1.50     1.00     1.00
";
        assert_eq!(table, expected);
    }

    #[test]
    fn second_tier_shows_what_its_node_spends() {
        let peers = vec![
            peer(Peer::Nginx, 20.0, 40_000.0, Some(6.0)),
            peer(Peer::Proxima, 15.0, 50_000.0, Some(3.0)),
        ];
        let table = ModeReport::new(Tier::L2, Mode::Https, peers).to_string();
        let expected = "\
L2: HTTP/1.1 over TLS, 64 connections (wrk)
                 CPU µs/request  requests/s   p50 ms   p99 ms    busy  logged  misses  memcached µs/request
  nginx                    20.0       40000     0.50     2.00    98 %   100 %       0                   6.0
  proxima                  15.0       50000     0.50     2.00    98 %   100 %       0                   3.0
  proxima/nginx            0.75        1.25     1.00     1.00                                          0.50
";
        assert_eq!(table, expected);
    }

    #[test]
    fn each_row_of_the_file_names_its_tier() {
        let report = ModeReport::new(Tier::L2, Mode::Http, vec![peer(Peer::Proxima, 5.0, 1.0, None)]);
        let row = serde_json::to_value(report).unwrap();
        assert_eq!((&row["tier"], &row["mode"]), (&"l2".into(), &"http".into()));
    }

    #[test]
    fn without_nginx_there_is_no_ratio() {
        let report = ModeReport::new(Tier::L1, Mode::H2, vec![peer(Peer::Proxima, 5.0, 1.0, None)]);
        assert_eq!(report.proxima_to_nginx, None);
        assert!(!report.to_string().contains("proxima/nginx"));
    }
}
