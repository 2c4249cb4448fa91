//! One proxy of a region.

use std::fs;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use toml::Table;

use crate::config;
use crate::process::{Process, Recipe};

/// A `proxima` process.
#[derive(Debug)]
pub struct Proxy {
    process: Process,
    region: String,
    addresses: Addresses,
    config_path: PathBuf,
    access_log_path: PathBuf,
}

/// Faults can be done to it as to any process.
impl Deref for Proxy {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

/// What a proxy is started with.
pub(crate) struct Start<'a> {
    pub(crate) program: PathBuf,
    pub(crate) dir: &'a Path,
    pub(crate) name: String,
    pub(crate) region: &'a str,
    pub(crate) config: Table,
    pub(crate) access_log: PathBuf,
}

impl Proxy {
    pub(crate) async fn start(start: Start<'_>) -> anyhow::Result<Self> {
        let config_path = start.dir.join(format!("{}.toml", start.name));
        fs::write(&config_path, toml::to_string(&start.config)?)?;
        let recipe = Recipe {
            name: start.name,
            program: start.program,
            args: vec!["run".into(), "-c".into(), config_path.clone().into()],
            env: Vec::new(),
            dir: start.dir.to_owned(),
        };
        let (process, addresses) = Process::start(recipe, addresses_printed).await?;
        let region = start.region.to_owned();
        Ok(Self {
            process,
            region,
            addresses,
            config_path,
            access_log_path: start.access_log,
        })
    }

    /// Region that it serves.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// `https://localhost:PORT`, HTTP/2 and HTTP/1.1; needs a client that trusts the world's authority.
    pub fn https_url(&self) -> String {
        format!("https://localhost:{}", self.addresses.https.port())
    }

    /// `http://127.0.0.1:PORT`.
    pub fn http_url(&self) -> String {
        format!("http://{}", self.addresses.http)
    }

    /// `http://127.0.0.1:PORT` of metrics and health.
    pub fn admin_url(&self) -> String {
        format!("http://{}", self.addresses.admin)
    }

    /// Address of the TLS listener, for clients that are no browsers.
    pub fn https_address(&self) -> SocketAddr {
        self.addresses.https
    }

    /// Address of the plain listener.
    pub fn http_address(&self) -> SocketAddr {
        self.addresses.http
    }

    /// Its configuration file.
    pub fn config_path(&self) -> &Path {
        &self.config_path
    }

    /// Its access log, one JSON object per line.
    pub fn access_log_path(&self) -> &Path {
        &self.access_log_path
    }

    /// Puts a fragment of TOML over its configuration file, by the rules of [`crate::WorldBuilder::config`]. It
    /// takes effect when the proxy is told to read the file again, or restarted.
    ///
    /// # Errors
    /// When `fragment` is not TOML or the file cannot be written.
    pub fn write_config(&self, fragment: &str) -> anyhow::Result<()> {
        self.put_over_config(config::fragment(fragment)?)
    }

    fn put_over_config(&self, over: Table) -> anyhow::Result<()> {
        let mut table: Table = fs::read_to_string(&self.config_path)?.parse()?;
        config::merge(&mut table, over);
        // Renamed into place: the proxy must never read half a file.
        let new = self.config_path.with_extension("toml.new");
        fs::write(&new, toml::to_string(&table)?)?;
        fs::rename(&new, &self.config_path)?;
        Ok(())
    }

    /// Stops it if it runs, and starts it on the same ports, which go into its configuration file.
    ///
    /// # Errors
    /// When it does not start; somebody else may have taken a port.
    pub async fn restart(&self) -> anyhow::Result<()> {
        let Addresses { http, https, admin } = self.addresses;
        let text = format!(
            "server.listen = [\"{http}\"]\nserver.tls_listen = [\"{https}\"]\nadmin.listen = \"{admin}\""
        );
        self.put_over_config(text.parse()?)?;
        let Recipe { args, .. } = self.process.recipe();
        self.process.start_again(args, addresses_printed).await.map(drop)
    }
}

/// Where a proxy listens, as its ready line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Addresses {
    http: SocketAddr,
    https: SocketAddr,
    admin: SocketAddr,
}

fn addresses_printed(recipe: &Recipe) -> Option<Addresses> {
    let out = fs::read_to_string(recipe.out_path()).ok()?;
    out.split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
        .find_map(addresses_in)
}

/// Reads `proxima 0.1.0 ready: region us-west, http://ADDR, https://ADDR, admin http://ADDR`.
fn addresses_in(line: &str) -> Option<Addresses> {
    let (_, facts) = line.trim_end().split_once(" ready: ")?;
    let fact = |prefix: &str| {
        facts
            .split(", ")
            .find_map(|fact| fact.strip_prefix(prefix)?.parse().ok())
    };
    Some(Addresses {
        http: fact("http://")?,
        https: fact("https://")?,
        admin: fact("admin http://")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_line_says_where_it_listens() {
        let line = "proxima 0.1.0 ready: region us-west, http://127.0.0.1:1, https://127.0.0.1:2, admin http://127.0.0.1:3\n";
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        assert_eq!(
            addresses_in(line),
            Some(Addresses {
                http: at(1),
                https: at(2),
                admin: at(3)
            })
        );
        assert_eq!(
            addresses_in("proxima 0.1.0 ready: region us-west, http://127.0.0.1:1\n"),
            None
        );
        assert_eq!(addresses_in("something else\n"), None);
    }
}
