//! What the VUs of a shard share to reach servers.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use rustls::{ClientConfig, RootCertStore};

use super::dns::Resolver;
use super::failure::Failure;
use super::target::Target;
use super::tls;
use crate::options::Options;

/// Parsed URLs that a thread keeps before it forgets them all.
const TARGETS_MAX: usize = 4_096;

/// Names, trust and limits of a shard's connections.
#[derive(Debug)]
pub struct Network {
    pub(super) resolver: Resolver,
    pub(super) tls: Arc<ClientConfig>,
    pub(super) no_connection_reuse: bool,
    /// Idle connections that a VU keeps, in all and to one server.
    pub(super) idle_max: (usize, usize),
    targets: RefCell<HashMap<Box<str>, Rc<Target>>>,
    /// The same moment on both clocks: one of them is enough to ask.
    epoch: (Instant, u64),
}

/// Why nothing can be reached.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// Trusted certificates were named and cannot be read.
    #[error("trusted certificates: {0}; check SSL_CERT_FILE and SSL_CERT_DIR, or set insecureSkipTLSVerify")]
    Roots(#[source] rustls_native_certs::Error),
    /// The TLS library cannot be set up.
    #[error("tls: {0}")]
    Tls(#[from] rustls::Error),
}

impl Network {
    /// With the system's trusted certificates, or those of `SSL_CERT_FILE` and `SSL_CERT_DIR`. Reading them takes
    /// milliseconds; [`Self::with_roots`] shares them between shards.
    ///
    /// # Errors
    /// If trusted certificates are there and none can be read. A system without any trusts nobody, which requests tell.
    pub fn new(options: &Options) -> Result<Rc<Self>, NetworkError> {
        let roots = if options.insecure_skip_tls_verify {
            RootCertStore::empty()
        } else {
            Self::native_roots()?
        };
        Self::with_roots(options, Arc::new(roots))
    }

    /// The certificates that [`Self::new`] trusts.
    ///
    /// # Errors
    /// See [`Self::new`].
    pub fn native_roots() -> Result<RootCertStore, NetworkError> {
        let mut found = rustls_native_certs::load_native_certs();
        if found.certs.is_empty()
            && let Some(error) = found.errors.pop()
        {
            return Err(NetworkError::Roots(error));
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(found.certs);
        Ok(roots)
    }

    /// With these trusted certificates.
    ///
    /// # Errors
    /// If the TLS library cannot be set up.
    pub fn with_roots(options: &Options, roots: Arc<RootCertStore>) -> Result<Rc<Self>, NetworkError> {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let limit = |connections| if connections == 0 { usize::MAX } else { connections };
        Ok(Rc::new(Self {
            resolver: Resolver::new(&options.hosts),
            tls: tls::config(roots, options.insecure_skip_tls_verify)?,
            no_connection_reuse: options.no_connection_reuse,
            idle_max: (limit(options.batch), limit(options.batch_per_host)),
            targets: RefCell::default(),
            epoch: (Instant::now(), u64::try_from(unix.as_nanos()).unwrap_or(u64::MAX)),
        }))
    }

    /// Where a URL leads. Virtual users ask for the same ones, so they are parsed once for all of a thread.
    ///
    /// # Errors
    /// As [`Target::parse`].
    pub fn target(&self, url: &str) -> Result<Rc<Target>, Failure> {
        let mut targets = self.targets.borrow_mut();
        if let Some(target) = targets.get(url) {
            return Ok(target.clone());
        }
        let target = Rc::new(Target::parse(url)?);
        if targets.len() >= TARGETS_MAX {
            targets.clear();
        }
        targets.insert(url.into(), target.clone());
        Ok(target)
    }

    /// A moment of this process in nanoseconds since the Unix epoch.
    pub(super) fn unix_ns(&self, at: Instant) -> u64 {
        let (instant, unix_ns) = self.epoch;
        let since = at.saturating_duration_since(instant).as_nanos();
        unix_ns.saturating_add(u64::try_from(since).unwrap_or(u64::MAX))
    }
}
