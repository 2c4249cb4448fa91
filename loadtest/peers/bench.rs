//! The comparison from start to end.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tempfile::TempDir;
use tokio::process::Command;

use crate::Flags;
use crate::load::Mode;
use crate::origin::{BODY_BYTES, Origin};
use crate::peer::{Peer, Setting, find_program};
use crate::report::{ModeReport, PeerReport, Report};
use crate::server::Server;
use crate::window::{Method, Window, measure, warm_up};

/// Programs without which nothing can be measured.
const TOOLS: [&str; 5] = ["curl", "h2load", "setpriv", "taskset", "wrk"];

/// Where Linux keeps files in memory.
const MEMORY_FOLDER: &str = "/dev/shm";

/// Measures what the flags ask for, prints a table per mode and writes the report.
pub(crate) async fn run(flags: &Flags) -> anyhow::Result<()> {
    check_tools()?;
    pin_self(flags.load_core).await?;
    let files = folder(&std::env::temp_dir())?;
    let memory = folder(Path::new(MEMORY_FOLDER)).context("nginx's cache needs a folder in memory")?;
    let origin = Origin::start().await?;
    let (cert, key) = certificate(files.path())?;
    let setting = Setting {
        core: flags.server_core,
        origin: origin.address,
        dir: files.path().to_owned(),
        memory_dir: memory.path().to_owned(),
        cert,
        key,
    };
    let (servers, skipped) = start(flags, &setting).await?;
    if servers.is_empty() {
        bail!("nothing to measure: {}", skipped.join(", "));
    }
    let Flags {
        rounds,
        seconds,
        load_core,
        ..
    } = *flags;
    println!("Cached hit of {BODY_BYTES} bytes, one worker, median of {rounds} × {seconds} s");
    let method = Method {
        seconds,
        load_core,
        origin: &origin,
        dir: files.path(),
    };
    let mut report = Report {
        seconds,
        rounds,
        body_bytes: BODY_BYTES,
        skipped,
        modes: Vec::new(),
    };
    for mode in Mode::ALL {
        if flags.mode.is_empty() || flags.mode.contains(&mode) {
            let measured = compare(mode, &servers, rounds, &method).await?;
            print!("\n{measured}");
            report.modes.push(measured);
        }
    }
    report
        .skipped
        .iter()
        .for_each(|skipped| println!("\nSKIPPED {skipped}"));
    flags.out.as_deref().map_or(Ok(()), |file| write(&report, file))
}

/// Measures all servers in one mode, by turns.
async fn compare(
    mode: Mode,
    servers: &[Server],
    rounds: u32,
    method: &Method<'_>,
) -> anyhow::Result<ModeReport> {
    let mut windows: Vec<Vec<Window>> = vec![Vec::new(); servers.len()];
    for server in servers {
        warm_up(mode, server, method).await?;
    }
    for round in 1..=rounds {
        for (server, windows) in servers.iter().zip(&mut windows) {
            let window = measure(mode, server, method).await?;
            let cpu = window.cpu_us_per_request;
            eprintln!(
                "{}, round {round} of {rounds}: {}: {cpu:.1} µs/request",
                mode.description(),
                server.peer
            );
            windows.push(window);
        }
    }
    let peers = servers.iter().zip(windows);
    let peers = peers.filter_map(|(server, windows)| PeerReport::new(server.peer, &server.version, windows));
    Ok(ModeReport::new(mode, peers.collect()))
}

/// Starts the servers, and names those that are not there. Without Proxima there is nothing to compare.
async fn start(flags: &Flags, setting: &Setting) -> anyhow::Result<(Vec<Server>, Vec<String>)> {
    let (mut servers, mut skipped) = (Vec::new(), Vec::new());
    for peer in Peer::ALL {
        if !flags.peer.is_empty() && !flags.peer.contains(&peer) {
            continue;
        }
        match (peer.find(flags.proxima.as_deref()), peer) {
            (Some(program), _) => servers.push(peer.start(&program, setting).await?),
            (None, Peer::Nginx) => {
                skipped.push("nginx: it is not installed (`deploy/setup.sh bench` does)".to_owned());
            }
            (None, Peer::Proxima) => {
                bail!(
                    "no proxima beside this program: `cargo build --release -p proxima`, or give `--proxima FILE`"
                )
            }
        }
    }
    Ok((servers, skipped))
}

fn check_tools() -> anyhow::Result<()> {
    let missing: Vec<_> = TOOLS
        .into_iter()
        .filter(|tool| find_program(tool).is_none())
        .collect();
    if !missing.is_empty() {
        bail!(
            "missing: {}; `deploy/setup.sh bench` installs them",
            missing.join(", ")
        );
    }
    Ok(())
}

/// Moves this process, and so the origin in it, to the core of the load.
async fn pin_self(core: usize) -> anyhow::Result<()> {
    let (core, own) = (core.to_string(), std::process::id().to_string());
    let pinned = Command::new("taskset")
        .args(["--cpu-list", "--pid", &core, &own])
        .output()
        .await?;
    if !pinned.status.success() {
        let said = String::from_utf8_lossy(&pinned.stderr);
        bail!("the load needs a core of its own: {}", said.trim());
    }
    Ok(())
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

fn write(report: &Report, file: &Path) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(report)? + "\n";
    std::fs::write(file, text).with_context(|| file.display().to_string())
}
