//! Describing a world and starting it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;

use anyhow::bail;
use futures_util::future::{try_join, try_join_all};
use parking_lot::RwLock;
use toml::{Table, Value};

use crate::config::{self, Site};
use crate::memcached::Memcached;
use crate::origin::{self, Origin};
use crate::place::{self, Place};
use crate::programs::Programs;
use crate::world::{Folder, client_builder, tls_names};
use crate::{Ca, Region, World};

/// What a test puts over the generated configuration.
#[derive(Debug, Clone, Default)]
pub(crate) struct Overlay {
    /// Text of `[[route]]` tables that replaces the routes.
    routes: Option<String>,
    /// Fragments and the region they are for; none is all.
    fragments: Vec<(Option<String>, String)>,
}

impl Overlay {
    /// Puts all that is meant for `region` over `table`.
    pub(crate) fn apply(&self, table: &mut Table, region: &str) -> anyhow::Result<()> {
        if let Some(routes) = &self.routes {
            let routes = config::fragment(routes)?.remove("route");
            table.insert("route".to_owned(), routes.unwrap_or(Value::Array(Vec::new())));
        }
        let meant = |wanted: &Option<String>| wanted.as_deref().is_none_or(|wanted| wanted == region);
        for (_, fragment) in self.fragments.iter().filter(|(wanted, _)| meant(wanted)) {
            config::merge(table, config::fragment(fragment)?);
        }
        Ok(())
    }
}

/// Describes a [`World`]. Made by [`World::builder`].
#[derive(Debug, Clone)]
pub struct WorldBuilder {
    regions: Vec<Place>,
    unknown: Vec<String>,
    proxies_per_region: usize,
    memcached_per_region: usize,
    memcached_args: Vec<OsString>,
    profiles: u32,
    jobs: u32,
    overlay: Overlay,
    /// Region and URL; no region is all.
    external_origins: Vec<(Option<String>, String)>,
    dir: Option<PathBuf>,
}

impl Default for WorldBuilder {
    fn default() -> Self {
        let builder = Self {
            regions: Vec::new(),
            unknown: Vec::new(),
            proxies_per_region: 1,
            memcached_per_region: 2,
            memcached_args: Vec::new(),
            profiles: 200,
            jobs: 200,
            overlay: Overlay::default(),
            external_origins: Vec::new(),
            dir: None,
        };
        builder.regions(&["us-west", "eu-central", "ap-east"])
    }
}

impl WorldBuilder {
    /// Regions whose coordinates are known, such as `us-west`, `us-east`, `eu-central` and `ap-east`, instead of
    /// those so far. Ties in distance go to the earlier.
    #[must_use]
    pub fn regions(mut self, names: &[&str]) -> Self {
        self.regions = names.iter().filter_map(|name| place::known(name)).collect();
        let unknown = names.iter().filter(|name| place::known(name).is_none());
        self.unknown = unknown.map(|&name| name.to_owned()).collect();
        self
    }

    /// One more region, at coordinates in degrees, north and east positive.
    #[must_use]
    pub fn region(mut self, name: &str, latitude: f64, longitude: f64) -> Self {
        self.regions.push(Place {
            name: name.to_owned(),
            latitude,
            longitude,
        });
        self
    }

    /// Proxies in each region; 1 by default.
    #[must_use]
    pub fn proxies_per_region(mut self, count: usize) -> Self {
        self.proxies_per_region = count;
        self
    }

    /// memcached nodes in each region; 2 by default, 0 is no ring.
    #[must_use]
    pub fn memcached_per_region(mut self, count: usize) -> Self {
        self.memcached_per_region = count;
        self
    }

    /// Further arguments of every memcached node, such as `["-m", "2"]`.
    #[must_use]
    pub fn memcached_args(mut self, args: &[&str]) -> Self {
        self.memcached_args = args.iter().map(OsString::from).collect();
        self
    }

    /// Records in the origins' database; 200 of each by default.
    #[must_use]
    pub fn seed(mut self, profiles: u32, jobs: u32) -> Self {
        self.profiles = profiles;
        self.jobs = jobs;
        self
    }

    /// Puts a fragment of TOML over the configuration of every proxy, key by key. Tables of `[[route]]` and
    /// `[[region]]` are found by their `name`; a new one goes before the others.
    ///
    /// `.config("cache.l1.capacity = '0'")`, `.config("[[route]]\nname = 'profiles'\nttl = '1s'")`
    #[must_use]
    pub fn config(mut self, fragment: &str) -> Self {
        self.overlay.fragments.push((None, fragment.to_owned()));
        self
    }

    /// [`Self::config`] for the proxies of one region.
    #[must_use]
    pub fn config_in(mut self, region: &str, fragment: &str) -> Self {
        self.overlay
            .fragments
            .push((Some(region.to_owned()), fragment.to_owned()));
        self
    }

    /// Replaces all routes by those of a TOML text of `[[route]]` tables; an empty text leaves none, and the
    /// origin's header fields decide.
    #[must_use]
    pub fn routes(mut self, routes: &str) -> Self {
        self.overlay.routes = Some(routes.to_owned());
        self
    }

    /// Puts the test's own origin, `http://HOST:PORT`, behind every region. There is then no `proxima-origin`, no
    /// feed and no path for health checks, unless [`Self::config`] says so.
    #[must_use]
    pub fn external_origin(mut self, url: impl Into<String>) -> Self {
        self.external_origins.push((None, url.into()));
        self
    }

    /// [`Self::external_origin`] for one region. Where others keep their `proxima-origin`, this one too must answer
    /// `/readyz` and, for its region to hear of changes, offer the feed.
    #[must_use]
    pub fn external_origin_in(mut self, region: &str, url: impl Into<String>) -> Self {
        self.external_origins.push((Some(region.to_owned()), url.into()));
        self
    }

    /// Keeps all files in `dir`, which is made when missing, instead of a folder that goes with the world.
    #[must_use]
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// Starts everything at once and returns when every proxy is ready.
    ///
    /// # Errors
    /// A program that is missing, with how to get it; or a process that does not start, with its command and
    /// last diagnostics. What was started is stopped again.
    pub async fn start(self) -> anyhow::Result<World> {
        self.check()?;
        let programs = Programs::find(self.needs_origins(), self.memcached_per_region > 0)?;
        // First, so that on an early return it is removed after what writes to it.
        let folder = self.folder()?;
        let dir = folder.path().to_owned();
        let ca = Ca::new(&dir)?;
        let (origins, rings) = try_join(self.origins(&programs, &dir), self.rings(&programs, &dir)).await?;
        let mut regions = Vec::new();
        for ((place, origin), ring) in self.regions.iter().zip(origins).zip(rings) {
            let names = tls_names(&place.name);
            let origin_url = match &origin {
                Some(origin) => origin.url().to_owned(),
                None => self
                    .external_origin_of(&place.name)
                    .unwrap_or_default()
                    .to_owned(),
            };
            regions.push(Region {
                name: place.name.clone(),
                origin,
                origin_url,
                ring,
                certificate: ca.issue(&names.each_ref().map(String::as_str))?,
                proxies: RwLock::default(),
                proxies_started: AtomicUsize::new(0),
            });
        }
        let world = self.world(regions, ca, folder, programs.proxy)?;
        world.start_proxies(self.proxies_per_region).await?;
        Ok(world)
    }

    fn world(
        &self,
        regions: Vec<Region>,
        ca: Ca,
        folder: Folder,
        proxy_program: PathBuf,
    ) -> anyhow::Result<World> {
        let sites = regions.iter().zip(&self.regions).map(|(region, place)| Site {
            place: place.clone(),
            origin_url: region.origin_url.clone(),
            ring: region.ring.iter().map(Memcached::address).collect(),
        });
        let sites = sites.collect();
        let names = || self.regions.iter().map(|place| place.name.as_str());
        Ok(World {
            client: client_builder(&ca, names())?.build()?,
            client_h1: client_builder(&ca, names())?.http1_only().build()?,
            origin_is_ours: regions.iter().any(|region| region.origin.is_some()),
            overlay: self.overlay.clone(),
            regions,
            ca,
            proxy_program,
            sites,
            folder,
        })
    }

    fn check(&self) -> anyhow::Result<()> {
        if let [name, ..] = &self.unknown[..] {
            let known = place::known_names();
            bail!(
                "where is region {name}? Known are {known}; place others with `.region(name, latitude, longitude)`"
            );
        }
        let named = self.overlay.fragments.iter().map(|(region, _)| region);
        let named = named
            .chain(self.external_origins.iter().map(|(region, _)| region))
            .flatten();
        for name in named {
            if !self.regions.iter().any(|place| place.name == *name) {
                bail!("the world has no region {name}");
            }
        }
        Ok(())
    }

    fn folder(&self) -> anyhow::Result<Folder> {
        self.dir.as_deref().map_or_else(Folder::temporary, Folder::kept)
    }

    /// The last word on a region's own origin.
    fn external_origin_of(&self, region: &str) -> Option<&str> {
        let meant = |wanted: &Option<String>| wanted.as_deref().is_none_or(|wanted| wanted == region);
        let found = self
            .external_origins
            .iter()
            .rev()
            .find(|(wanted, _)| meant(wanted));
        found.map(|(_, url)| url.as_str())
    }

    fn needs_origins(&self) -> bool {
        self.regions
            .iter()
            .any(|place| self.external_origin_of(&place.name).is_none())
    }

    async fn origins(&self, programs: &Programs, dir: &Path) -> anyhow::Result<Vec<Option<Origin>>> {
        let Some(program) = &programs.origin else {
            return Ok(self.regions.iter().map(|_| None).collect());
        };
        origin::seed(program, dir, self.profiles, self.jobs).await?;
        let origins = self.regions.iter().map(|place| async {
            if self.external_origin_of(&place.name).is_some() {
                return Ok(None);
            }
            Origin::start(program.clone(), dir, &place.name).await.map(Some)
        });
        try_join_all(origins).await
    }

    async fn rings(&self, programs: &Programs, dir: &Path) -> anyhow::Result<Vec<Vec<Memcached>>> {
        let Some(program) = &programs.memcached else {
            return Ok(self.regions.iter().map(|_| Vec::new()).collect());
        };
        let rings = self.regions.iter().map(|place| {
            let nodes = (1..=self.memcached_per_region).map(|number| {
                let name = format!("memcached-{}-{number}", place.name);
                Memcached::start(program.clone(), dir, name, self.memcached_args.clone())
            });
            try_join_all(nodes)
        });
        try_join_all(rings).await
    }
}
