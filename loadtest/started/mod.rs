//! Proxima as the server under measurement: its certificate, and its start.
//!
//! The programs that measure it include this file; it is no part of the runner.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use crate::side_by_side::process::Process;

/// A server that is ready.
pub(crate) struct Started {
    pub(crate) process: Process,
    /// Plain HTTP address.
    pub(crate) http: SocketAddr,
    /// TLS address.
    pub(crate) tls: SocketAddr,
}

/// Runs `command` with a configuration, and waits for up to `patience` until it says that it is ready. What it says otherwise
/// goes to a file in `dir`.
pub(crate) async fn start(
    mut command: Command,
    config: &Path,
    dir: &Path,
    patience: Duration,
) -> anyhow::Result<Started> {
    command
        .arg("run")
        .arg("--config")
        .arg(config)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    let mut process = Process::start(&mut command, dir.join("proxima.stderr"))?;
    let stdout = process.child.stdout.take().context("standard output")?;
    let mut lines = BufReader::new(stdout).lines();
    let line = timeout(patience, lines.next_line()).await;
    let Some(line) = line.context("not ready in time")?? else {
        timeout(patience, process.child.wait())
            .await
            .context("closed its standard output and went on")??;
        process.check()?;
        bail!("ended before it was ready");
    };
    let address =
        |scheme| address_in(&line, scheme).with_context(|| format!("no {scheme} address in {line:?}"));
    let (http, tls) = (address("http://")?, address("https://")?);
    Ok(Started { process, http, tls })
}

/// The first address after `scheme` in `proxima 0.1.0 ready: region local, http://127.0.0.1:1, https://127.0.0.1:2`.
fn address_in(line: &str, scheme: &str) -> Option<SocketAddr> {
    line.split([' ', ','])
        .find_map(|word| word.strip_prefix(scheme)?.parse().ok())
}

/// Writes a certificate for this machine, signed by itself, and its key.
pub(crate) fn certificate(dir: &Path) -> anyhow::Result<(PathBuf, PathBuf)> {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).context("certificate")?;
    let (cert, key) = (dir.join("cert.pem"), dir.join("key.pem"));
    std::fs::write(&cert, made.cert.pem())?;
    std::fs::write(&key, made.signing_key.serialize_pem())?;
    Ok((cert, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_line_names_addresses() {
        let line =
            "proxima 0.1.0 ready: region bench, http://127.0.0.1:80, https://[::1]:443, admin http://[::1]:9";
        assert_eq!(address_in(line, "http://"), "127.0.0.1:80".parse().ok());
        assert_eq!(address_in(line, "https://"), "[::1]:443".parse().ok());
        assert_eq!(address_in("proxima 0.1.0 ready: region bench", "http://"), None);
    }
}
