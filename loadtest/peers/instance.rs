//! Servers that run, each with folders of its own.

use std::path::Path;

use anyhow::{Context, anyhow};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::bench::Bench;
use crate::load::{Method, Mode};
use crate::memcached::Memcached;
use crate::peer::Peer;
use crate::results::Version;
use crate::server::Server;
use crate::setting::{CAPACITY, Setting};
use crate::tier::Tier;
use crate::warm_up::warm_up;
use crate::window::QUIET;

/// Where Linux keeps files in memory.
const MEMORY_FOLDER: &str = "/dev/shm";

/// A server that runs, with folders of its own. Dropping it stops the server before the folders go.
pub(crate) struct Instance {
    /// The server.
    pub(crate) server: Server,
    /// For its files and those of the load.
    pub(crate) files: TempDir,
    _memory: TempDir,
}

/// A server that is to be measured as it runs, or why it does not.
pub(crate) type Contender = (Peer, anyhow::Result<Instance>);

impl Bench<'_> {
    /// Starts a server that may use `capacity` bytes of cache, and waits until it is ready.
    pub(crate) async fn start(
        &self,
        peer: Peer,
        tier: Tier,
        node: Option<&Memcached>,
        capacity: u64,
    ) -> anyhow::Result<Instance> {
        let found = self.found.iter().find(|(found, _)| *found == peer);
        let (_, programs) = found.with_context(|| format!("{peer} is not installed"))?;
        let files = folder(&std::env::temp_dir())?;
        let memory = folder(Path::new(MEMORY_FOLDER)).context("some caches need a folder in memory")?;
        let setting = Setting {
            tier,
            node: node.map(|node| node.address),
            capacity,
            core: self.flags.terms.server_core,
            origin: self.origin.address,
            dir: files.path().to_owned(),
            memory_dir: memory.path().to_owned(),
            cert: self.cert.clone(),
            key: self.key.clone(),
        };
        let server = peer.start(programs, &setting).await?;
        self.note(peer, &server.version);
        Ok(Instance {
            server,
            files,
            _memory: memory,
        })
    }

    /// Starts all servers that can be asked in one of `modes`; all run at once, and all but one are idle.
    pub(crate) async fn start_all(
        &self,
        tier: Tier,
        modes: &[Mode],
        node: Option<&Memcached>,
    ) -> Vec<Contender> {
        let mut contenders = Vec::new();
        for peer in self.peers() {
            if modes.iter().any(|mode| peer.serves(tier, *mode)) {
                contenders.push((peer, self.start(peer, tier, node, CAPACITY).await));
            }
        }
        contenders
    }

    /// Warms up those that have the mode, and lets them write down what they answered.
    pub(crate) async fn warm<'c>(
        &self,
        tier: Tier,
        mode: Mode,
        node: Option<&Memcached>,
        contenders: &'c [Contender],
    ) -> Vec<(Peer, anyhow::Result<&'c Instance>)> {
        let mut warm = Vec::new();
        for (peer, instance) in contenders.iter().filter(|(peer, _)| peer.serves(tier, mode)) {
            let warmed = async {
                let instance = instance.as_ref().map_err(|error| anyhow!("{error:#}"))?;
                warm_up(mode, &instance.server, &self.method(tier, node, instance)).await?;
                anyhow::Ok(instance)
            };
            warm.push((*peer, warmed.await));
        }
        sleep(QUIET).await;
        warm
    }

    /// How a server is put under load.
    pub(crate) fn method<'m>(
        &'m self,
        tier: Tier,
        node: Option<&'m Memcached>,
        instance: &'m Instance,
    ) -> Method<'m> {
        Method {
            tier,
            node,
            load_core: self.flags.terms.load_core,
            origin: &self.origin,
            dir: instance.files.path(),
        }
    }

    /// Keeps a server's version, unless it is known.
    fn note(&self, peer: Peer, version: &str) {
        let mut versions = self.versions.borrow_mut();
        if versions.iter().all(|known| known.peer != peer) {
            versions.push(Version {
                peer,
                version: version.to_owned(),
            });
        }
    }
}

/// A folder that goes when it is dropped.
pub(crate) fn folder(parent: &Path) -> anyhow::Result<TempDir> {
    let folder = tempfile::Builder::new()
        .prefix("proxima-peers-")
        .tempdir_in(parent);
    folder.with_context(|| parent.display().to_string())
}
