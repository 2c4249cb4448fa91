//! One node of a region's ring.

use std::ffi::OsString;
use std::fs;
use std::ops::Deref;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::process::{Process, Recipe};
use crate::programs;

/// A memcached process. It forgets everything when it is restarted, and keeps its address.
#[derive(Debug)]
pub struct Memcached {
    process: Process,
    listens: Listens,
    /// Arguments beside the usual ones.
    extra: Vec<OsString>,
}

#[derive(Debug)]
enum Listens {
    Port(u16),
    Socket(PathBuf),
}

/// Faults can be done to it as to any process.
impl Deref for Memcached {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

impl Memcached {
    /// A node that belongs to no world, with further arguments of memcached's own. Its files lie in `dir`.
    ///
    /// # Errors
    /// When memcached is not installed or does not start.
    pub async fn alone(dir: &Path, extra: &[&str]) -> anyhow::Result<Self> {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let name = format!("memcached-{}", STARTED.fetch_add(1, Ordering::Relaxed));
        let extra = extra.iter().map(OsString::from).collect();
        Self::start(programs::memcached()?, dir, name, extra).await
    }

    pub(crate) async fn start(
        program: PathBuf,
        dir: &Path,
        name: String,
        extra: Vec<OsString>,
    ) -> anyhow::Result<Self> {
        let port_path = port_path(dir, &name);
        // A kept folder may hold that of an earlier world.
        let _ = fs::remove_file(&port_path);
        let env = vec![("MEMCACHED_PORT_FILENAME".into(), port_path.into_os_string())];
        // -1: a free port of the kernel's choice, which goes to the file.
        let recipe = Recipe {
            name,
            program,
            args: args("-1", &extra),
            env,
            dir: dir.to_owned(),
        };
        let (process, port) = Process::start(recipe, port_written).await?;
        Ok(Self {
            process,
            listens: Listens::Port(port),
            extra,
        })
    }

    /// A node on the Unix socket `NAME.sock` in `dir`, beside those of a world.
    ///
    /// # Errors
    /// A program that is missing, or a process that does not start.
    pub async fn on_socket(dir: &Path, name: &str) -> anyhow::Result<Self> {
        let socket = dir.join(format!("{name}.sock"));
        let recipe = Recipe {
            name: name.to_owned(),
            program: programs::memcached()?,
            args: socket_args(&socket),
            env: Vec::new(),
            dir: dir.to_owned(),
        };
        let (process, ()) = Process::start(recipe, |_| UnixStream::connect(&socket).ok().map(drop)).await?;
        Ok(Self {
            process,
            listens: Listens::Socket(socket),
            extra: Vec::new(),
        })
    }

    /// `127.0.0.1:PORT` or `unix:PATH`, as in `cache.ring.nodes`.
    pub fn address(&self) -> String {
        match &self.listens {
            Listens::Port(port) => format!("127.0.0.1:{port}"),
            Listens::Socket(socket) => format!("unix:{}", socket.display()),
        }
    }

    /// Stops it if it runs, and starts it empty at the same address.
    ///
    /// # Errors
    /// When it does not start; somebody else may have taken the port.
    pub async fn restart(&self) -> anyhow::Result<()> {
        let recipe = self.process.recipe();
        match &self.listens {
            Listens::Port(port) => {
                let _ = fs::remove_file(port_path(&recipe.dir, &recipe.name));
                let args = args(&port.to_string(), &self.extra);
                self.process.start_again(args, port_written).await.map(drop)
            }
            Listens::Socket(socket) => {
                let ready = |_: &Recipe| UnixStream::connect(socket).ok().map(drop);
                self.process.start_again(socket_args(socket), ready).await
            }
        }
    }
}

// Giving up root's identity would also give up the parent death signal (prctl(2)), hence `-u root`; who is not root
// is not asked.
const LIMITS: [&str; 6] = ["-m", "64", "-t", "1", "-u", "root"];

fn args(port: &str, extra: &[OsString]) -> Vec<OsString> {
    let port = ["-l", "127.0.0.1", "-p", port, "-U", "0"];
    let usual = port.into_iter().chain(LIMITS).map(OsString::from);
    usual.chain(extra.iter().cloned()).collect()
}

fn socket_args(socket: &Path) -> Vec<OsString> {
    let socket = [OsString::from("-s"), socket.into()];
    socket.into_iter().chain(LIMITS.map(OsString::from)).collect()
}

fn port_path(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.port"))
}

/// memcached writes the file once it listens, by a rename.
fn port_written(recipe: &Recipe) -> Option<u16> {
    let text = fs::read_to_string(port_path(&recipe.dir, &recipe.name)).ok()?;
    text.lines()
        .find_map(|line| line.strip_prefix("TCP INET: "))?
        .trim()
        .parse()
        .ok()
}
