//! The servers that are compared: how each is found, set up and started.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use serde::Serialize;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use crate::server::{Process, Server, pinned};

/// How long a server may take to be ready.
const START_TIMEOUT: Duration = Duration::from_secs(10);

/// A server to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Peer {
    /// nginx with `proxy_cache` on tmpfs.
    Nginx,
    /// Proxima with its first tier alone.
    Proxima,
}

/// What every server is set up with.
pub(crate) struct Setting {
    /// Core to run on.
    pub(crate) core: usize,
    /// Address of the origin.
    pub(crate) origin: SocketAddr,
    /// Folder for configurations and logs.
    pub(crate) dir: PathBuf,
    /// Folder in memory for cached files.
    pub(crate) memory_dir: PathBuf,
    /// PEM file of the certificate.
    pub(crate) cert: PathBuf,
    /// PEM file of its key.
    pub(crate) key: PathBuf,
}

impl Peer {
    /// All of them, the one to compare with first.
    pub(crate) const ALL: [Self; 2] = [Self::Nginx, Self::Proxima];

    /// Its name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Proxima => "proxima",
        }
    }

    /// Its program: nginx where the system has it, Proxima where it was built.
    pub(crate) fn find(self, proxima: Option<&Path>) -> Option<PathBuf> {
        match (self, proxima) {
            (Self::Nginx, _) => find_program("nginx"),
            (Self::Proxima, Some(path)) => path.is_file().then(|| path.to_owned()),
            (Self::Proxima, None) => {
                let beside = std::env::current_exe().ok()?.with_file_name("proxima");
                beside.is_file().then_some(beside)
            }
        }
    }

    /// Starts it and waits until it is ready.
    pub(crate) async fn start(self, program: &Path, setting: &Setting) -> anyhow::Result<Server> {
        let version = self.version(program).await?;
        let started = match self {
            Self::Nginx => start_nginx(program, setting, version).await,
            Self::Proxima => start_proxima(program, setting, version).await,
        };
        started.with_context(|| format!("{self} ({})", program.display()))
    }

    async fn version(self, program: &Path) -> anyhow::Result<String> {
        let flag = if self == Self::Nginx { "-v" } else { "--version" };
        let output = Command::new(program)
            .arg(flag)
            .stdin(Stdio::null())
            .output()
            .await?;
        let said = [output.stdout, output.stderr].concat(); // nginx answers on standard error
        Ok(String::from_utf8_lossy(&said)
            .trim()
            .trim_start_matches("nginx version: ")
            .to_owned())
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A program of the search path, or of the folder where Debian keeps servers.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

async fn start_nginx(program: &Path, setting: &Setting, version: String) -> anyhow::Result<Server> {
    let (http, tls) = free_addresses().await?;
    let access_log = setting.dir.join("nginx.log");
    // A worker started by root would change to a user who cannot read the cache.
    let user = if rustix::process::geteuid().is_root() {
        "user root;"
    } else {
        ""
    };
    let config = setting.fill(include_str!("nginx.conf.in"), &access_log);
    let config = config.replace("@USER@", user);
    let config = config
        .replace("@HTTP@", &http.to_string())
        .replace("@TLS@", &tls.to_string());
    let file = setting.write("nginx.conf", &config)?;
    // TERM, since a master that is killed leaves its workers behind.
    let mut command = pinned(setting.core, "TERM", program);
    command
        .arg("-p")
        .arg(&setting.dir)
        .arg("-e")
        .arg("stderr")
        .arg("-c")
        .arg(&file)
        .stdout(Stdio::null());
    let mut process = Process::start(&mut command, setting.dir.join("nginx.stderr"))?;
    let ready = timeout(START_TIMEOUT, async {
        while TcpStream::connect(http).await.is_err() || TcpStream::connect(tls).await.is_err() {
            process.check()?;
            sleep(Duration::from_millis(20)).await;
        }
        process.check()
    });
    ready.await.context("not ready in time")??;
    Ok(Server {
        peer: Peer::Nginx,
        version,
        http,
        tls,
        access_log,
        process,
    })
}

async fn start_proxima(program: &Path, setting: &Setting, version: String) -> anyhow::Result<Server> {
    let access_log = setting.dir.join("proxima.log");
    let file = setting.write(
        "proxima.toml",
        &setting.fill(include_str!("proxima.toml.in"), &access_log),
    )?;
    let mut command = pinned(setting.core, "KILL", program);
    command
        .arg("run")
        .arg("--config")
        .arg(&file)
        .stdout(Stdio::piped());
    let mut process = Process::start(&mut command, setting.dir.join("proxima.stderr"))?;
    let mut lines = BufReader::new(process.stdout().context("standard output")?).lines();
    let Some(line) = timeout(START_TIMEOUT, lines.next_line())
        .await
        .context("not ready in time")??
    else {
        sleep(Duration::from_millis(100)).await;
        process.check()?;
        bail!("closed its standard output before it was ready");
    };
    let http = address_in(&line, "http://").with_context(|| format!("no http:// address in {line:?}"))?;
    let tls = address_in(&line, "https://").with_context(|| format!("no https:// address in {line:?}"))?;
    Ok(Server {
        peer: Peer::Proxima,
        version,
        http,
        tls,
        access_log,
        process,
    })
}

/// The first address after `scheme` in `proxima 0.1.0 ready: region local, http://127.0.0.1:1, https://127.0.0.1:2`.
fn address_in(line: &str, scheme: &str) -> Option<SocketAddr> {
    line.split([' ', ','])
        .find_map(|word| word.strip_prefix(scheme)?.parse().ok())
}

/// Two addresses that are free now; nginx cannot say which port it was given.
async fn free_addresses() -> anyhow::Result<(SocketAddr, SocketAddr)> {
    let one = TcpListener::bind("127.0.0.1:0").await?;
    let other = TcpListener::bind("127.0.0.1:0").await?;
    Ok((one.local_addr()?, other.local_addr()?))
}

impl Setting {
    /// A configuration file's text with the words that all servers share filled in.
    fn fill(&self, template: &str, access_log: &Path) -> String {
        let words = [
            ("@DIR@", self.dir.display().to_string()),
            ("@CACHE@", self.memory_dir.join("cache").display().to_string()),
            ("@CERT@", self.cert.display().to_string()),
            ("@KEY@", self.key.display().to_string()),
            ("@LOG@", access_log.display().to_string()),
            ("@ORIGIN@", self.origin.to_string()),
        ];
        words.iter().fold(template.to_owned(), |text, (word, value)| {
            text.replace(word, value)
        })
    }

    fn write(&self, name: &str, text: &str) -> anyhow::Result<PathBuf> {
        let file = self.dir.join(name);
        std::fs::write(&file, text).with_context(|| file.display().to_string())?;
        Ok(file)
    }
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

    #[test]
    fn configurations_have_no_words_left_to_fill_in() {
        let setting = Setting {
            core: 0,
            origin: "127.0.0.1:1".parse().unwrap(),
            dir: "/d".into(),
            memory_dir: "/m".into(),
            cert: "/d/cert.pem".into(),
            key: "/d/key.pem".into(),
        };
        let fill = |template| setting.fill(template, Path::new("/d/log"));
        let left = |text: String| {
            let lines = text
                .lines()
                .map(|line| line.split('#').next().unwrap_or_default().to_owned());
            lines.filter(|line| line.contains('@')).collect::<Vec<_>>()
        };
        assert_eq!(left(fill(include_str!("proxima.toml.in"))), [""; 0]);
        let nginx = left(fill(include_str!("nginx.conf.in")));
        let own = [
            "@USER@",
            "        listen @HTTP@ backlog=4096;",
            "        listen @TLS@ ssl http2 backlog=4096;",
        ];
        assert_eq!(nginx, own);
    }
}
