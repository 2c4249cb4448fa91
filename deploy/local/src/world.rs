//! A running world.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::Context;
use futures_util::future::try_join_all;
use proxima_config::geo::{self, Coordinates};
use tempfile::TempDir;
use toml::Table;

use crate::builder::Overlay;
use crate::config::{self, Own, Site};
use crate::proxy::{Proxy, Start};
use crate::{Ca, Process, Region, WorldBuilder, client};

/// Where a world's files are.
#[derive(Debug)]
pub(crate) enum Folder {
    /// Removed with the world.
    Temporary(TempDir),
    /// Stays. The open file is locked, so that no second world mixes its files in.
    Kept { path: PathBuf, _lock: File },
}

impl Folder {
    pub(crate) fn temporary() -> anyhow::Result<Self> {
        Ok(Self::Temporary(
            tempfile::Builder::new().prefix("proxima-local-").tempdir()?,
        ))
    }

    /// Makes `dir` if need be.
    pub(crate) fn kept(dir: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let lock = File::create(dir.join("lock"))?;
        lock.try_lock()
            .with_context(|| format!("{} belongs to another world that is running", dir.display()))?;
        Ok(Self::Kept {
            path: fs::canonicalize(dir)?,
            _lock: lock,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Temporary(dir) => dir.path(),
            Self::Kept { path, .. } => path,
        }
    }
}

/// Regions with proxies, rings and origins, all processes on this machine. Dropping it kills every process and
/// removes every file; [`World::shutdown`] asks first.
#[derive(Debug)]
pub struct World {
    pub(crate) regions: Vec<Region>,
    pub(crate) ca: Ca,
    pub(crate) client: reqwest::Client,
    pub(crate) client_h1: reqwest::Client,
    pub(crate) proxy_program: PathBuf,
    pub(crate) sites: Vec<Site>,
    pub(crate) overlay: Overlay,
    pub(crate) origin_is_ours: bool,
    /// Last, because fields are dropped in order: nothing may write to the folder while it is removed.
    pub(crate) folder: Folder,
}

impl World {
    /// Three regions, one proxy and two memcached nodes in each, until told otherwise.
    pub fn builder() -> WorldBuilder {
        WorldBuilder::default()
    }

    /// A region by its name.
    ///
    /// # Panics
    /// When the world has no such region.
    pub fn region(&self, name: &str) -> &Region {
        let found = self.regions.iter().find(|region| region.name == name);
        found.unwrap_or_else(|| panic!("the world has no region {name}"))
    }

    /// All regions, in the order of their making.
    pub fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// Great-circle distance between two regions in kilometres.
    ///
    /// # Panics
    /// When the world has no such region.
    pub fn distance_km(&self, from: &str, to: &str) -> f64 {
        let at = |name: &str| {
            let site = self.sites.iter().find(|site| site.place.name == name);
            site.and_then(|site| Coordinates::new(site.place.latitude, site.place.longitude).ok())
                .unwrap_or_else(|| panic!("the world has no region {name}"))
        };
        geo::distance_km(at(from), at(to))
    }

    /// The authority that issued the proxies' certificates, and issues more.
    pub fn ca(&self) -> &Ca {
        &self.ca
    }

    /// The folder of configurations, logs, certificates and data.
    pub fn dir(&self) -> &Path {
        self.folder.path()
    }

    /// A client that trusts the world's authority and speaks HTTP/2 or HTTP/1.1 as ALPN decides. It follows no
    /// redirects. Clones share their connections; [`Self::client_builder`] makes one that has its own.
    pub fn client(&self) -> reqwest::Client {
        self.client.clone()
    }

    /// [`Self::client`], HTTP/1.1 only.
    pub fn client_h1(&self) -> reqwest::Client {
        self.client_h1.clone()
    }

    /// What [`Self::client`] is made of.
    ///
    /// # Errors
    /// When the authority's certificate is refused.
    pub fn client_builder(&self) -> anyhow::Result<reqwest::ClientBuilder> {
        client_builder(&self.ca, self.sites.iter().map(|site| site.place.name.as_str()))
    }

    /// Starts one more proxy in a region, on the same ring and origins.
    ///
    /// # Errors
    /// When it does not become ready.
    ///
    /// # Panics
    /// When the world has no such region.
    pub async fn add_proxy(&self, region: &str) -> anyhow::Result<Arc<Proxy>> {
        let region = self.region(region);
        let proxy = Arc::new(self.start_proxy(region).await?);
        region.proxies.write().push(Arc::clone(&proxy));
        Ok(proxy)
    }

    pub(crate) async fn start_proxies(&self, per_region: usize) -> anyhow::Result<()> {
        let all = self
            .regions
            .iter()
            .flat_map(|region| (0..per_region).map(move |_| region));
        let started =
            all.map(|region| async move { anyhow::Ok((region, Arc::new(self.start_proxy(region).await?))) });
        for (region, proxy) in try_join_all(started).await? {
            region.proxies.write().push(proxy);
        }
        Ok(())
    }

    async fn start_proxy(&self, region: &Region) -> anyhow::Result<Proxy> {
        let number = region.proxies_started.fetch_add(1, Ordering::Relaxed) + 1;
        let access_log = self.dir().join(format!("access-{}-{number}.jsonl", region.name));
        let own = Own {
            region: &region.name,
            certificate: region.certificate(),
            access_log: &access_log,
            origin_is_ours: self.origin_is_ours,
        };
        let start = Start {
            program: self.proxy_program.clone(),
            dir: self.dir(),
            name: format!("proxy-{}-{number}", region.name),
            region: &region.name,
            config: self.config(&own)?,
            access_log: access_log.clone(),
        };
        Proxy::start(start).await
    }

    fn config(&self, own: &Own<'_>) -> anyhow::Result<Table> {
        let mut table = config::defaults(&self.sites, own)?;
        self.overlay.apply(&mut table, own.region)?;
        Ok(table)
    }

    /// Stops everything in order, proxies first, each within its grace, and removes the files.
    ///
    /// # Errors
    /// The first process that did not stop in time; it and all others are then killed.
    pub async fn shutdown(self) -> anyhow::Result<()> {
        let proxies: Vec<_> = self.regions.iter().flat_map(Region::proxies).collect();
        stop_all(proxies.iter().map(|proxy| &***proxy)).await?;
        stop_all(self.regions.iter().filter_map(|region| region.origin.as_deref())).await?;
        let nodes = self.regions.iter().flat_map(|region| region.ring.iter());
        stop_all(nodes.map(|node| &**node)).await
    }

    fn for_each_process(&self, act: impl Fn(&Process)) {
        for region in &self.regions {
            region.proxies().iter().for_each(|proxy| act(proxy));
            region.origin.iter().for_each(|origin| act(origin));
            region.ring.iter().for_each(|node| act(node));
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.for_each_process(Process::kill_now);
        self.for_each_process(Process::reap);
    }
}

async fn stop_all(processes: impl Iterator<Item = &Process>) -> anyhow::Result<()> {
    let running = processes.filter(|process| process.is_running());
    try_join_all(running.map(Process::stop)).await.map(drop)
}

/// Names under which a region's proxies can be asked for over TLS.
pub(crate) fn tls_names(region: &str) -> [String; 3] {
    [
        format!("{region}.proxima.localhost"),
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
    ]
}

pub(crate) fn client_builder<'a>(
    ca: &Ca,
    regions: impl Iterator<Item = &'a str>,
) -> anyhow::Result<reqwest::ClientBuilder> {
    let names: Vec<_> = regions.flat_map(tls_names).collect();
    client::builder(ca.pem(), &names)
}
