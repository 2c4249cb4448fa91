//! `proxima ring locate`.

use std::process::ExitCode;

use clap::Args;
use proxima_config::checked::RingNode;
use serde::Serialize;

use super::{RingFlags, print_json};
use crate::cache::ketama::Ketama;
use crate::cli::print;

/// What memcached takes as a key.
const KEY_BYTES_MAX: usize = 250;

#[derive(Debug, Args)]
pub(in crate::cli) struct Locate {
    /// Key as memcached knows it; `proxima explain` says that of a URL.
    #[arg(value_name = "KEY", required = true, value_parser = key)]
    keys: Vec<String>,
    #[command(flatten)]
    ring: RingFlags,
    /// Print one JSON object, or for several keys an array of them.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("a key has 1 to {KEY_BYTES_MAX} bytes without white space or control characters")]
struct NotAKey;

/// Where one key belongs.
#[derive(Debug, Serialize)]
struct Place<'a> {
    key: &'a str,
    node: &'a str,
}

/// Prints the node of each key, were all nodes in.
pub(super) fn run(locate: &Locate) -> Result<(), ExitCode> {
    let nodes = locate.ring.ring()?.nodes;
    let ketama = Ketama::new(&nodes);
    let labels: Vec<String> = nodes.iter().map(RingNode::label).collect();
    let place = |key| {
        let node = ketama.locate(str::as_bytes(key), |_| true);
        let node = node.expect("a checked ring has nodes, and they have points");
        Place {
            key,
            node: &labels[node],
        }
    };
    let places: Vec<Place<'_>> = locate.keys.iter().map(|key| place(key)).collect();
    match (locate.json, &places[..]) {
        (true, [one]) => print_json(one),
        (true, many) => print_json(&many),
        (false, many) => print(&lines(many)),
    }
}

/// A line for each key, nodes below each other.
fn lines(places: &[Place<'_>]) -> String {
    let width = places.iter().map(|place| place.key.len()).max().unwrap_or(0);
    let line = |Place { key, node }: &Place<'_>| format!("{key:width$}  {node}\n");
    places.iter().map(line).collect()
}

/// Takes what the proxy could have stored something under.
fn key(text: &str) -> Result<String, NotAKey> {
    let fits = (1..=KEY_BYTES_MAX).contains(&text.len());
    let plain = !text
        .chars()
        .any(|letter| letter.is_ascii_whitespace() || letter.is_control());
    (fits && plain).then(|| text.to_owned()).ok_or(NotAKey)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_what_memcached_takes() {
        let longest = "k".repeat(250);
        for good in ["k", "px1:0f", "schlüssel", &longest] {
            assert_eq!(key(good).unwrap(), good);
        }
        for bad in ["", "a b", "a\n", "a\u{7f}", &"k".repeat(251)] {
            assert!(key(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn nodes_stand_below_each_other() {
        let place = |key, node| Place { key, node };
        let text = lines(&[place("a", "n:1"), place("longer", "n:2")]);
        assert_eq!(text, "a       n:1\nlonger  n:2\n");
    }
}
