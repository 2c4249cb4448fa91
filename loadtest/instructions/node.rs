//! The memcached node of the ring.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use crate::side_by_side::process::{Process, free_addresses};

/// A running node, empty at first.
pub(crate) struct Node {
    /// Its address.
    pub(crate) address: SocketAddr,
    _process: Process,
}

impl Node {
    /// Starts one, with its diagnostics in `dir`.
    pub(crate) async fn start(dir: &Path) -> anyhow::Result<Self> {
        let [address] = free_addresses().await?;
        let mut command = Command::new("setpriv");
        // Giving up root's identity would also give up the parent death signal (prctl(2)), hence `-u root`; who is not
        // root is not asked.
        command
            .args(["--pdeathsig", "KILL", "--", "memcached", "-t1", "-U0", "-uroot"])
            .arg(format!("-l{}", address.ip()))
            .arg(format!("-p{}", address.port()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true);
        let mut process = Process::start(&mut command, dir.join("memcached.stderr"))?;
        process.listens(&[address]).await?;
        Ok(Self {
            address,
            _process: process,
        })
    }
}
