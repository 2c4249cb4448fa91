//! The comparison from start to end.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tempfile::TempDir;

use crate::Flags;
use crate::load::Mode;
use crate::memcached::Memcached;
use crate::origin::{BODY_BYTES, Origin};
use crate::peer::Peer;
use crate::report::{ModeReport, PeerReport, Report, TierReport};
use crate::server::Server;
use crate::setting::{CAPACITY, Setting};
use crate::side_by_side::comparison;
use crate::side_by_side::program::{pin_self, require};
use crate::tier::Tier;
use crate::warm_up::warm_up;
use crate::window::{Method, Window, measure};

/// Programs without which nothing can be measured.
const TOOLS: [&str; 6] = ["curl", "h2load", "memcached", "setpriv", "taskset", "wrk"];

/// Where Linux keeps files in memory.
const MEMORY_FOLDER: &str = "/dev/shm";

/// The servers to compare, each with its programs.
type Found = Vec<(Peer, Vec<PathBuf>)>;

/// What all measurements share.
struct Bench<'f> {
    flags: &'f Flags,
    peers: Found,
    origin: Origin,
    cert: PathBuf,
    key: PathBuf,
}

/// Measures what the flags ask for, prints a table per tier and mode, and writes the report.
pub(crate) async fn run(flags: &Flags) -> anyhow::Result<()> {
    let plan = plan(flags);
    if plan.is_empty() {
        bail!("nothing to measure: that mode is not measured in that tier");
    }
    require(&TOOLS)?;
    pin_self(flags.load_core).await?;
    let (peers, skipped) = find_peers(flags)?;
    if peers.is_empty() {
        bail!("nothing to measure: {}", skipped.join(", "));
    }
    let files = folder(&std::env::temp_dir())?;
    let (cert, key) = certificate(files.path())?;
    let bench = Bench {
        flags,
        peers,
        origin: Origin::start().await?,
        cert,
        key,
    };
    let mut report = Report {
        seconds: flags.seconds,
        rounds: flags.rounds,
        body_bytes: BODY_BYTES,
        skipped,
        tiers: Vec::new(),
        modes: Vec::new(),
    };
    introduce(flags);
    for (tier, modes) in plan {
        bench.measure_tier(tier, &modes, &mut report).await?;
    }
    report
        .skipped
        .iter()
        .for_each(|skipped| println!("\nSKIPPED {skipped}"));
    flags
        .out
        .as_deref()
        .map_or(Ok(()), |file| comparison::write(&report, file))
}

fn introduce(flags: &Flags) {
    let Flags {
        rounds,
        seconds,
        server_core,
        load_core,
        ..
    } = flags;
    println!("Cached hit of {BODY_BYTES} bytes, one worker, median of {rounds} × {seconds} s");
    println!("Core {server_core}: the server under test, alone. Core {load_core}: everything else.");
}

/// The modes to measure in each tier; tiers without any are left out.
fn plan(flags: &Flags) -> Vec<(Tier, Vec<Mode>)> {
    let tiers = Tier::ALL.into_iter();
    tiers
        .filter(|tier| flags.tier.is_empty() || flags.tier.contains(tier))
        .map(|tier| {
            let modes = tier.modes().iter().copied();
            let wanted = modes.filter(|mode| flags.mode.is_empty() || flags.mode.contains(mode));
            (tier, wanted.collect::<Vec<_>>())
        })
        .filter(|(_, modes)| !modes.is_empty())
        .collect()
}

impl Bench<'_> {
    /// Starts what the tier needs, measures it in each mode and stops everything again.
    async fn measure_tier(&self, tier: Tier, modes: &[Mode], report: &mut Report) -> anyhow::Result<()> {
        let Flags {
            rounds,
            seconds,
            server_core,
            load_core,
            ..
        } = *self.flags;
        let files = folder(&std::env::temp_dir())?;
        let memory = folder(Path::new(MEMORY_FOLDER)).context("some caches need a folder in memory")?;
        let node = match tier {
            Tier::L1 => None,
            Tier::L2 => Some(Memcached::start(load_core, files.path()).await?),
        };
        if let Some(node) = &node {
            node.preload(tier).await?;
        }
        let setting = Setting {
            tier,
            node: node.as_ref().map(|node| node.address),
            capacity: CAPACITY,
            core: server_core,
            origin: self.origin.address,
            dir: files.path().to_owned(),
            memory_dir: memory.path().to_owned(),
            cert: self.cert.clone(),
            key: self.key.clone(),
        };
        let mut servers = Vec::new();
        for (peer, programs) in &self.peers {
            if modes.iter().any(|mode| peer.serves(tier, *mode)) {
                servers.push(peer.start(programs, &setting).await?);
            }
        }
        let described = TierReport::new(tier, node.as_ref());
        print!("\n{described}");
        report.tiers.push(described);
        let method = Method {
            tier,
            node: node.as_ref(),
            seconds,
            load_core,
            origin: &self.origin,
            dir: files.path(),
        };
        for &mode in modes {
            if let Some(names) = self.left_out(tier, mode) {
                println!("\n{tier}: {}: not served by {names}", mode.description());
            }
            let measured = compare(mode, &servers, rounds, &method).await?;
            print!("\n{measured}");
            report.modes.push(measured);
        }
        Ok(())
    }

    /// The names of the servers that cannot be asked in that way.
    fn left_out(&self, tier: Tier, mode: Mode) -> Option<String> {
        let peers = self.peers.iter().map(|(peer, _)| peer);
        let names: Vec<_> = peers
            .filter(|peer| !peer.serves(tier, mode))
            .map(|peer| peer.as_str())
            .collect();
        (!names.is_empty()).then(|| names.join(", "))
    }
}

/// Measures all servers that have the mode in it, by turns.
async fn compare(
    mode: Mode,
    servers: &[Server],
    rounds: u32,
    method: &Method<'_>,
) -> anyhow::Result<ModeReport> {
    let servers = servers.iter();
    let servers: Vec<_> = servers
        .filter(|server| server.peer.serves(method.tier, mode))
        .collect();
    let mut windows: Vec<Vec<Window>> = vec![Vec::new(); servers.len()];
    for server in &servers {
        warm_up(mode, server, method).await?;
    }
    for round in 1..=rounds {
        for (server, windows) in servers.iter().zip(&mut windows) {
            let window = measure(mode, server, method).await?;
            let cpu = window.cpu_us_per_request;
            eprintln!(
                "{}: {}, round {round} of {rounds}: {}: {cpu:.1} µs/request",
                method.tier,
                mode.description(),
                server.peer
            );
            windows.push(window);
        }
    }
    let peers = servers.iter().zip(windows);
    let peers = peers.filter_map(|(server, windows)| PeerReport::new(server.peer, &server.version, windows));
    Ok(ModeReport::new(method.tier, mode, peers.collect()))
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

fn folder(parent: &Path) -> anyhow::Result<TempDir> {
    let folder = tempfile::Builder::new()
        .prefix("proxima-peers-")
        .tempdir_in(parent);
    folder.with_context(|| parent.display().to_string())
}

/// A certificate for this machine, signed by itself, and its key.
fn certificate(dir: &Path) -> anyhow::Result<(PathBuf, PathBuf)> {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).context("certificate")?;
    let (cert, key) = (dir.join("cert.pem"), dir.join("key.pem"));
    std::fs::write(&cert, made.cert.pem())?;
    std::fs::write(&key, made.signing_key.serialize_pem())?;
    Ok((cert, key))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    /// A tier and what of it is measured.
    type Part = (Tier, &'static [Mode]);

    #[test]
    fn flags_choose_tiers_and_modes() {
        let all: &[Mode] = &Mode::ALL;
        let h1: &[Mode] = &[Mode::Http, Mode::Https];
        let cases: [(&[&str], &[Part]); 5] = [
            (&[], &[(Tier::L1, all), (Tier::L2, h1)]),
            (&["--tier", "l2"], &[(Tier::L2, h1)]),
            (
                &["--mode", "https"],
                &[(Tier::L1, &[Mode::Https]), (Tier::L2, &[Mode::Https])],
            ),
            (&["--mode", "h2"], &[(Tier::L1, &[Mode::H2])]),
            (&["--tier", "l2", "--mode", "h2"], &[]),
        ];
        for (arguments, expected) in cases {
            let flags = Flags::parse_from(["proxima-peers"].iter().chain(arguments));
            let expected: Vec<_> = expected
                .iter()
                .map(|(tier, modes)| (*tier, modes.to_vec()))
                .collect();
            assert_eq!(plan(&flags), expected, "{arguments:?}");
        }
    }
}
