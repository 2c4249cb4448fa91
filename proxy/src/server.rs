//! A running proxy: everything bound first, then served until told to stop, then drained.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pingora::proxy::HttpProxy;
use pingora::server::configuration::ServerConf;
use proxima_config::Config;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::accept::{Listener, accept};
use crate::admin;

use crate::feed;
use crate::forward::Forward;
use crate::front::Front;
use crate::proxy::{Proxy, ProxyError};
use crate::region_tier;
use crate::reload::{Reloader, Source};
use crate::shutdown::shutdown;
use crate::tls::{Certificates, TlsError};
use crate::upstream::{health, resolve};

/// An end to pingora's own loop. Which tries a request really has is decided by `Forward`, from the retry budget.
const FORWARD_TRIES_MAX: usize = 64;
/// How long a starting proxy waits for the change feed's snapshot before it says that it is ready without.
const NEWS_WAIT: Duration = Duration::from_secs(2);

/// Why a proxy does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}; {}", listen_remedy(source))]
    Listen {
        /// The address as configured.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// A certificate or key cannot be used.
    #[error("{0}")]
    Tls(String),
    /// The access log or a metric.
    #[error("{0}")]
    Proxy(String),
}

impl From<TlsError> for StartError {
    fn from(error: TlsError) -> Self {
        Self::Tls(error.to_string())
    }
}

impl From<ProxyError> for StartError {
    fn from(error: ProxyError) -> Self {
        Self::Proxy(error.to_string())
    }
}

fn listen_remedy(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            "another program holds it (`ss -ltnp` shows which); stop that or configure another address"
        }
        std::io::ErrorKind::PermissionDenied => {
            "ports below 1024 need CAP_NET_BIND_SERVICE; grant it or configure a higher port"
        }
        std::io::ErrorKind::AddrNotAvailable => "this machine has no such address; configure one that it has",
        _ => "configure another address",
    }
}

/// Checks the files that a configuration names, as a start would.
///
/// # Errors
/// [`StartError::Tls`] for the first certificate or key that cannot be used.
pub fn check_files(config: &Config) -> Result<(), StartError> {
    Certificates::load(&config.server.certificates)?;
    Ok(())
}

/// A proxy whose addresses are bound and that serves nothing yet.
pub struct Server {
    proxy: Arc<Proxy>,
    listeners: Vec<Listener>,
    admin: Option<TcpListener>,
    reloader: Arc<Reloader>,
    addresses: Addresses,
}

/// Where a proxy listens; ports are the real ones where the configuration said 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addresses {
    /// Plain HTTP.
    pub http: Vec<SocketAddr>,
    /// TLS.
    pub https: Vec<SocketAddr>,
    /// The operators' listener.
    pub admin: Option<SocketAddr>,
}

impl Server {
    /// Binds every address and loads every certificate. `source` is where `config` was read, and is read again when a
    /// reload is asked for.
    ///
    /// # Errors
    /// [`StartError`], with what to do about it.
    pub async fn bind(config: Config, source: Source) -> Result<Self, StartError> {
        let proxy = Proxy::new(config)?;
        let server = &proxy.config.server;
        let mut listeners = Vec::new();
        let mut addresses = Addresses::default();
        for address in &server.listen {
            let socket = listen(*address).await?;
            addresses.http.extend(socket.local_addr());
            listeners.push(Listener {
                socket,
                acceptor: None,
            });
        }
        let mut certificates = None;
        if !server.tls_listen.is_empty() {
            let loaded = Certificates::load(&server.certificates)?;
            let acceptor = loaded.acceptor()?;
            for address in &server.tls_listen {
                let socket = listen(*address).await?;
                addresses.https.extend(socket.local_addr());
                listeners.push(Listener {
                    socket,
                    acceptor: Some(acceptor.clone()),
                });
            }
            certificates = Some(loaded);
        }
        let mut admin = None;
        if let Some(config) = &proxy.config.admin {
            let socket = listen(config.listen).await?;
            addresses.admin = socket.local_addr().ok();
            admin = Some(socket);
        }
        Ok(Self {
            reloader: Arc::new(Reloader::new(Arc::clone(&proxy), source, certificates)),
            proxy,
            listeners,
            admin,
            addresses,
        })
    }

    /// Where the proxy listens.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Serves until `stop` is ready, then lets requests in flight finish within the configured grace. `ready` is called
    /// once requests are being answered.
    pub async fn run(self, stop: impl Future<Output = ()>, ready: impl FnOnce(&Addresses)) {
        let (stopper, shutdown) = shutdown();
        let front = Front {
            proxy: Arc::clone(&self.proxy),
            forwarder: Arc::new(forwarder(&self.proxy)),
            shutdown: shutdown.clone(),
        };
        let background = background(&self.proxy, &self.reloader);
        let open = TaskTracker::new();
        let places = Arc::new(Semaphore::new(self.proxy.config.server.max_connections));
        wait_for_news(&self.proxy).await;
        for listener in self.listeners {
            tokio::spawn(accept(listener, front.clone(), Arc::clone(&places), open.clone()));
        }
        if let Some(listener) = self.admin {
            tokio::spawn(admin::serve(
                listener,
                Arc::clone(&self.proxy),
                self.reloader,
                shutdown,
            ));
        }
        ready(&self.addresses);
        stop.await;
        stopper.stop();
        places.close();
        open.close();
        let grace = self.proxy.config.server.shutdown_grace;
        if tokio::time::timeout(grace, open.wait()).await.is_err() {
            tracing::warn!(
                connections = open.len(),
                "requests were cut off: they outlasted the grace of {grace:?}"
            );
        }
        background.iter().for_each(tokio::task::JoinHandle::abort);
        let log = Arc::clone(&self.proxy);
        let _ = tokio::task::spawn_blocking(move || log.access_log.close()).await;
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| StartError::Listen { address, source })
}

fn forwarder(proxy: &Arc<Proxy>) -> HttpProxy<Forward> {
    let upstream = &proxy.config.upstream;
    let conf = ServerConf {
        max_retries: FORWARD_TRIES_MAX,
        ca_file: upstream.ca.as_ref().map(|path| path.display().to_string()),
        ..ServerConf::default()
    };
    let mut forwarder = HttpProxy::new(Forward::new(Arc::clone(proxy)), Arc::new(conf));
    forwarder.handle_init_modules();
    forwarder
}

/// Everything that runs beside the requests.
fn background(proxy: &Arc<Proxy>, reloader: &Arc<Reloader>) -> Vec<tokio::task::JoinHandle<()>> {
    let mut tasks = vec![
        tokio::spawn(resolve::resolve_all(Arc::clone(&proxy.upstreams))),
        tokio::spawn(health::check_all(Arc::clone(&proxy.upstreams))),
        tokio::spawn(feed::listen(Arc::clone(proxy))),
        tokio::spawn(feed::tidy(Arc::clone(proxy))),
        tokio::spawn(region_tier::keep_ring(Arc::clone(proxy))),
        tokio::spawn(poll_certificates(
            Arc::clone(reloader),
            proxy.config.server.certificate_poll,
        )),
    ];
    // installed here and now: from the moment that the proxy is ready, SIGHUP must not end it
    match signal(SignalKind::hangup()) {
        Ok(hangup) => tasks.push(tokio::spawn(reload_on_hangup(Arc::clone(reloader), hangup))),
        Err(error) => {
            tracing::error!(%error, "SIGHUP cannot be waited for; ask for reloads with `proxima reload`");
        }
    }
    tasks
}

async fn poll_certificates(reloader: Arc<Reloader>, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    loop {
        ticks.tick().await;
        reloader.poll_certificates();
    }
}

/// Reads the configuration again on SIGHUP, which would otherwise end the process.
async fn reload_on_hangup(reloader: Arc<Reloader>, mut hangup: Signal) {
    while hangup.recv().await.is_some() {
        // what came of it is in the log
        let _ = reloader.reload().await;
    }
}

/// Gives the ring's names a moment to resolve, and the change feed one to say what happened before this start: until then
/// nothing in the ring counts as fresh.
async fn wait_for_news(proxy: &Proxy) {
    let has_ring = || proxy.ring_config.borrow().is_none() || proxy.ring.load().is_some();
    let informed = async {
        while !proxy.coherence.is_current() || !has_ring() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let late = tokio::time::timeout(NEWS_WAIT, informed).await.is_err();
    if late && !proxy.coherence.is_current() {
        tracing::warn!(
            "no origin's change feed answers yet; until one does, stored responses count as stale"
        );
    }
}
