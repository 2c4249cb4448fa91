//! The comparison from start to end.

use std::cell::RefCell;
use std::path::PathBuf;

use anyhow::bail;
use proxima_load::output::rfc3339::Rfc3339;

use crate::Flags;
use crate::figure::{Figure, hits};
use crate::instance::folder;
use crate::limits::allow_connections;
use crate::machine::Machine;
use crate::origin::Origin;
use crate::peer::Peer;
use crate::results::{LAYOUT, Results, Version};
use crate::side_by_side::program::{pin_self, require};
use crate::started::certificate;

/// Programs without which nothing can be measured.
const TOOLS: [&str; 6] = ["curl", "h2load", "memcached", "setpriv", "taskset", "wrk"];

/// The servers to compare, each with its programs.
pub(crate) type Found = Vec<(Peer, Vec<PathBuf>)>;

/// What all measurements share.
pub(crate) struct Bench<'f> {
    /// What was asked for.
    pub(crate) flags: &'f Flags,
    /// The origin of all servers.
    pub(crate) origin: Origin,
    /// The servers.
    pub(crate) found: Found,
    /// Of the servers that have been started.
    pub(crate) versions: RefCell<Vec<Version>>,
    /// PEM file of the certificate of all servers.
    pub(crate) cert: PathBuf,
    /// PEM file of its key.
    pub(crate) key: PathBuf,
}

/// Measures what the flags ask for, prints a table per part, and writes the results.
pub(crate) async fn run(flags: &Flags) -> anyhow::Result<Results> {
    let figures = figures(flags)?;
    require(&TOOLS)?;
    let machine = Machine::this();
    pin_self(flags.terms.load_core).await?;
    allow_connections(flags.connections)?;
    let (found, skipped) = find_peers(flags)?;
    if found.is_empty() {
        bail!("nothing to measure: {}", skipped.join(", "));
    }
    let files = folder(&std::env::temp_dir())?;
    let (cert, key) = certificate(files.path())?;
    let bench = Bench {
        flags,
        origin: Origin::start().await?,
        found,
        versions: RefCell::default(),
        cert,
        key,
    };
    flags.terms.introduce(
        "Cached answers, one worker",
        "the server under test, alone",
        "everything else",
    );
    let mut results = Results {
        layout: LAYOUT,
        date: now(),
        machine,
        seconds: flags.terms.seconds,
        rounds: flags.terms.rounds,
        versions: Vec::new(),
        skipped,
        parts: Vec::new(),
    };
    for figure in figures {
        let mut take = |part| {
            print!("\n{part}");
            results.parts.push(part);
        };
        figure.measure(&bench, &mut take).await?;
    }
    results.versions = bench.versions.into_inner();
    flags.terms.conclude(&results, &results.skipped)?;
    Ok(results)
}

/// The figures that the flags choose.
fn figures(flags: &Flags) -> anyhow::Result<Vec<Figure>> {
    let chosen = |figure: &Figure| flags.figure.is_empty() || flags.figure.contains(figure);
    let mut figures: Vec<_> = Figure::ALL.into_iter().filter(chosen).collect();
    if hits::plan(flags).is_empty() {
        figures.retain(|figure| *figure != Figure::Hits);
    }
    if figures.is_empty() {
        bail!("nothing to measure: that mode is not measured in that tier");
    }
    Ok(figures)
}

/// The servers' programs, and what is to be said of those that are not there. Without Proxima there is nothing to
/// compare.
fn find_peers(flags: &Flags) -> anyhow::Result<(Found, Vec<String>)> {
    let (mut found, mut skipped) = (Vec::new(), Vec::new());
    for peer in Peer::ALL {
        if !flags.peer.is_empty() && !flags.peer.contains(&peer) {
            continue;
        }
        match peer.find(flags.proxima.as_deref()) {
            Ok(programs) => found.push((peer, programs)),
            Err(missing) if peer == Peer::Proxima => bail!(missing),
            Err(missing) => skipped.push(missing),
        }
    }
    Ok((found, skipped))
}

/// `2026-02-28T23:59:59Z`.
fn now() -> String {
    let mut text = String::new();
    Rfc3339::default().append(proxima_load::run::unix_ns(), &mut text);
    text.split('.').next().unwrap_or_default().to_owned() + "Z"
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn flags_choose_figures() {
        let cases: [(&[&str], &[Figure]); 4] = [
            (&[], &Figure::ALL),
            (&["--figure", "idle"], &[Figure::Idle]),
            (
                &["--figure", "miss", "--figure", "latency"],
                &[Figure::Latency, Figure::Miss],
            ),
            (&["--figure", "start", "--tier", "l2"], &[Figure::Start]),
        ];
        for (arguments, expected) in cases {
            let flags = Flags::parse_from(["proxima-peers"].iter().chain(arguments));
            assert_eq!(figures(&flags).unwrap(), expected, "{arguments:?}");
        }
        let none = [
            "proxima-peers",
            "--figure",
            "hits",
            "--tier",
            "l2",
            "--mode",
            "h2",
        ];
        assert!(figures(&Flags::parse_from(none)).is_err());
    }

    #[test]
    fn the_date_has_no_fractions() {
        let now = now();
        assert_eq!((now.len(), &now[10..11], &now[19..]), (20, "T", "Z"));
    }
}
