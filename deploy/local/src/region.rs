//! One region of a world.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use parking_lot::RwLock;

use crate::{Memcached, Origin, Proxy};

/// A region: its proxies, its memcached ring, and its origin unless the test brought its own.
#[derive(Debug)]
pub struct Region {
    pub(crate) name: String,
    pub(crate) origin: Option<Origin>,
    pub(crate) origin_url: String,
    pub(crate) ring: Vec<Memcached>,
    pub(crate) certificate: (PathBuf, PathBuf),
    pub(crate) proxies: RwLock<Vec<Arc<Proxy>>>,
    /// Proxies ever started; numbers their files.
    pub(crate) proxies_started: AtomicUsize,
}

impl Region {
    /// Name, such as `us-west`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its first proxy.
    ///
    /// # Panics
    /// When the world was started without proxies.
    pub fn proxy(&self) -> Arc<Proxy> {
        self.proxies
            .read()
            .first()
            .cloned()
            .unwrap_or_else(|| panic!("region {} has no proxy", self.name))
    }

    /// Every proxy that was ever started in it, in order, stopped ones included.
    pub fn proxies(&self) -> Vec<Arc<Proxy>> {
        self.proxies.read().clone()
    }

    /// Its `proxima-origin`.
    ///
    /// # Panics
    /// When the test brought its own origin.
    pub fn origin(&self) -> &Origin {
        self.origin
            .as_ref()
            .unwrap_or_else(|| panic!("region {} has an origin of the test's own", self.name))
    }

    /// URL of its origin, whosever that is.
    pub fn origin_url(&self) -> &str {
        &self.origin_url
    }

    /// The nodes of its memcached ring.
    pub fn ring(&self) -> &[Memcached] {
        &self.ring
    }

    /// Files of the certificate chain and the key that its proxies serve.
    pub fn certificate(&self) -> (&Path, &Path) {
        (&self.certificate.0, &self.certificate.1)
    }
}
