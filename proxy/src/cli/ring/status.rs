//! `proxima ring status`: each node as a running proxy sees it.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;

use super::super::ask::AdminFlags;
use super::{print, print_json};
use crate::cache::ring::{NodeReport, RingReport};

/// Arguments of `proxima ring status`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Status {
    #[command(flatten)]
    admin: AdminFlags,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Prints what the proxy says of its ring.
pub(super) fn run(status: &Status) -> Result<(), ExitCode> {
    let admin = status.admin.find()?;
    let answer = admin.get("/ring")?;
    let report: RingReport = serde_json::from_slice(&answer).map_err(|_| admin.unreadable())?;
    if status.json {
        return print_json(&report);
    }
    print(&render(&report))
}

fn render(report: &RingReport) -> String {
    let out = report.nodes.iter().filter(|node| node.state != "in").count();
    let mut text = format!(
        "ring of {}: {} nodes, {out} out\n",
        report.region,
        report.nodes.len()
    );
    if report.warming_s > 0 {
        let _ = writeln!(
            text,
            "warming up: for {} s more, what a node lacks comes from where it was before",
            report.warming_s
        );
    }
    text.push('\n');
    let width = report
        .nodes
        .iter()
        .map(|node| node.node.len())
        .max()
        .unwrap_or(0)
        .max(4);
    let mut row = |cells: [&str; 10]| {
        let [node, rest @ ..] = cells;
        let rest: String = rest.iter().map(|cell| format!("{cell:>9}")).collect();
        let _ = writeln!(text, "{node:width$}{rest}");
    };
    row([
        "node", "state", "share", "hits", "misses", "hit", "latency", "stores", "failed", "waiting",
    ]);
    for node in &report.nodes {
        row([
            &node.node,
            &node.state,
            &format!("{:.1}%", node.share * 100.0),
            &node.hits.to_string(),
            &node.misses.to_string(),
            &node
                .hit_ratio
                .map_or_else(|| "-".to_owned(), |ratio| format!("{:.1}%", ratio * 100.0)),
            &format!("{} us", node.latency_us),
            &node.stores.to_string(),
            &node.failures.to_string(),
            &node.pending.to_string(),
        ]);
    }
    text.push('\n');
    for node in &report.nodes {
        let _ = writeln!(text, "{}: {}", node.node, standing(node));
    }
    text
}

/// Connections and circuit in words.
fn standing(node: &NodeReport) -> String {
    let mut text = format!(
        "{} of {} connections open; weight {}; taken out {} times",
        node.connections_open, node.connections, node.weight, node.times_out
    );
    if let Some(back_s) = node.back_for_s.filter(|_| node.state == "in") {
        let _ = write!(text, ", back for {back_s} s");
    }
    if node.failures_in_a_row > 0 {
        let _ = write!(text, ", {} failures in a row", node.failures_in_a_row);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_a_table_and_a_line_on_each_node() {
        let node = NodeReport {
            node: "10.0.0.5:11211".into(),
            weight: 2,
            share: 0.655,
            state: "out".into(),
            failures_in_a_row: 4,
            times_out: 1,
            back_for_s: None,
            latency_us: 180,
            hits: 300,
            misses: 100,
            hit_ratio: Some(0.75),
            stores: 90,
            failures: 5,
            connections: 2,
            connections_open: 1,
            pending: 7,
        };
        let fresh = NodeReport {
            node: "10.0.0.6:11211".into(),
            state: "in".into(),
            hit_ratio: None,
            back_for_s: Some(9),
            failures_in_a_row: 0,
            ..node.clone()
        };
        let report = RingReport {
            region: "us-west".into(),
            nodes: vec![node, fresh],
            warming_s: 60,
        };
        let text = render(&report);
        assert!(
            text.starts_with("ring of us-west: 2 nodes, 1 out\nwarming up: for 60 s more"),
            "{text}"
        );
        let line =
            "10.0.0.5:11211      out    65.5%      300      100    75.0%   180 us       90        5        7";
        assert!(text.contains(line), "{text}");
        assert!(text.contains(
            "10.0.0.5:11211: 1 of 2 connections open; weight 2; taken out 1 times, 4 failures in a row"
        ));
        assert!(text.contains(
            "10.0.0.6:11211: 1 of 2 connections open; weight 2; taken out 1 times, back for 9 s\n"
        ));
    }
}
