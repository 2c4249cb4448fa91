//! twemproxy, the judge of where keys belong.

use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use crate::process::{Process, Recipe};
use crate::programs;

/// A `nutcracker` process in front of memcached nodes that places keys by ketama.
#[derive(Debug)]
pub struct Nutcracker {
    _process: Process,
    socket: PathBuf,
}

impl Nutcracker {
    /// Starts one that keeps its files in `dir`. `nodes` are weighted and written as `cache.ring.nodes` takes them, without
    /// brackets: `127.0.0.1:11211:2`, `unix:/run/m.sock:1`.
    ///
    /// # Errors
    /// A program that is missing, or a process that does not start.
    pub async fn start(dir: &Path, name: &str, nodes: &[String]) -> anyhow::Result<Self> {
        let socket = dir.join(format!("{name}.sock"));
        let config = dir.join(format!("{name}.yml"));
        fs::write(&config, pool(&socket, nodes))?;
        let (stats_address, stats_port) = unused_address()?;
        let args: [OsString; 6] = [
            "-c".into(),
            config.into(),
            "-a".into(),
            stats_address.to_string().into(),
            "-s".into(),
            stats_port.to_string().into(),
        ];
        let recipe = Recipe {
            name: name.to_owned(),
            program: programs::installed("nutcracker")?,
            args: args.into(),
            env: Vec::new(),
            dir: dir.to_owned(),
        };
        let (process, ()) = Process::start(recipe, |_| UnixStream::connect(&socket).ok().map(drop)).await?;
        Ok(Self {
            _process: process,
            socket,
        })
    }

    /// The Unix socket where it takes memcached's classic text protocol.
    pub fn socket(&self) -> &Path {
        &self.socket
    }
}

fn pool(socket: &Path, nodes: &[String]) -> String {
    let mut yaml = format!(
        "ring:\n  listen: {}\n  hash: md5\n  distribution: ketama\n  servers:\n",
        socket.display()
    );
    for node in nodes {
        let server = node.strip_prefix("unix:").unwrap_or(node);
        yaml.push_str(&format!("    - {server}\n")); // without a name of its own, which it would hash instead
    }
    yaml
}

/// It insists on a port for its statistics and cannot be given 0: a free one at an address that only this process uses.
fn unused_address() -> anyhow::Result<(Ipv4Addr, u16)> {
    let [_, b, c, d] = std::process::id().to_be_bytes();
    let address = Ipv4Addr::new(127, b | 128, c, d);
    let port = TcpListener::bind((address, 0))?.local_addr()?.port();
    Ok((address, port))
}
