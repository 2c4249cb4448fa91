//! The configuration read again while the proxy runs: checked whole, compared with what runs, applied where that can be
//! done without a restart.

mod changes;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use proxima_config::{Config, Overrides, Problems};
use tokio::sync::Mutex;
use tokio::task::{JoinError, spawn_blocking};

use crate::clock::UnixMillis;
use crate::metrics::Metrics;
use crate::problem::Problem;
use crate::proxy::Proxy;
use crate::server::{StartError, check_files};
use crate::tls::Certificates;

pub(crate) use changes::Reloaded;
use changes::compare;

/// Longest time from the wish for a reload to its end, the wait for those before it included. A file on a dead network
/// drive must not hold up whoever asks.
const RELOAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Where the configuration of a proxy comes from, so that it can be read again.
#[derive(Debug, Clone)]
pub enum Source {
    /// A file, and the flags that stand above it.
    File {
        /// As named at the start; relative to the working directory.
        path: PathBuf,
        /// The flags of the start; they stand above the file every time that it is read.
        overrides: Box<Overrides>,
    },
    /// Flags alone.
    Flags(Box<Overrides>),
}

impl Source {
    /// Reads and checks the configuration.
    ///
    /// # Errors
    /// Every problem.
    pub fn load(&self) -> Result<Config, Problems> {
        match self {
            Self::File { path, overrides } => proxima_config::load(path, overrides),
            Self::Flags(overrides) => proxima_config::from_flags(overrides),
        }
    }
}

/// Why a reload has changed nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReloadError {
    #[error("the configuration stays as it was, because the new one is not good:\n{}", proxima_config::render(.0, false))]
    Config(Problems),
    #[error("the configuration stays as it was: {0}")]
    File(#[from] StartError),
    #[error(
        "this proxy was started from flags alone, so there is no file to read again; start it with `-c FILE`, or again with other flags. Certificates are read again all the same"
    )]
    NoFile,
    #[error(
        "the configuration stays as it was: it could not be read within {} s; look whether its files can be read, then ask again",
        RELOAD_TIMEOUT.as_secs()
    )]
    Late,
    #[error("the configuration stays as it was: reading it broke off ({0}); `proxima check` may say more")]
    BrokeOff(#[from] JoinError),
}

impl ReloadError {
    /// As an answer to `POST /reload`.
    pub(crate) fn problem(&self) -> Problem {
        let status = match self {
            Self::Config(_) | Self::File(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NoFile => StatusCode::CONFLICT,
            Self::Late => StatusCode::SERVICE_UNAVAILABLE,
            Self::BrokeOff(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Problem::new(status, self.to_string())
    }
}

/// Reads the configuration of one proxy again, whenever asked.
pub(crate) struct Reloader {
    proxy: Arc<Proxy>,
    source: Source,
    /// In use by the TLS listeners; `None` without any.
    certificates: Option<Arc<Certificates>>,
    /// Held by the one reload that is under way.
    turn: Mutex<()>,
}

impl Reloader {
    pub(crate) fn new(proxy: Arc<Proxy>, source: Source, certificates: Option<Arc<Certificates>>) -> Self {
        // the configuration that a proxy starts with is the first that was read
        note(&proxy.metrics, true);
        Self {
            proxy,
            source,
            certificates,
            turn: Mutex::new(()),
        }
    }

    /// Reads the configuration and the certificates again, once reloads that were asked for earlier have ended, and
    /// says in the log what came of it.
    ///
    /// # Errors
    /// [`ReloadError`]; the configuration is then as it was.
    pub(crate) async fn reload(&self) -> Result<Reloaded, ReloadError> {
        match tokio::time::timeout(RELOAD_TIMEOUT, self.in_turn()).await {
            Ok(result) => result,
            Err(_) => self.told(Err(ReloadError::Late)),
        }
    }

    async fn in_turn(&self) -> Result<Reloaded, ReloadError> {
        let _turn = self.turn.lock().await;
        let result = self.attempt().await;
        self.told(result)
    }

    async fn attempt(&self) -> Result<Reloaded, ReloadError> {
        if let Source::Flags(_) = self.source {
            self.read_certificates();
            return Err(ReloadError::NoFile);
        }
        let source = self.source.clone();
        // beside the requests: a big file takes a while to check, and a drive may be slow
        let new = spawn_blocking(move || read(&source)).await??;
        // no await from here on: whoever gives up waiting leaves all of it done or nothing
        let ring = self.proxy.ring_config.borrow().clone();
        let reloaded = compare(&self.proxy.config, ring.as_ref(), &new);
        self.proxy.ring_config.send_if_modified(|ring| {
            let changed = *ring != new.cache.ring;
            ring.clone_from(&new.cache.ring);
            changed
        });
        self.read_certificates();
        Ok(reloaded)
    }

    /// Puts what came of a reload into the log and the metrics.
    fn told(&self, result: Result<Reloaded, ReloadError>) -> Result<Reloaded, ReloadError> {
        match &result {
            Ok(reloaded) => {
                note(&self.proxy.metrics, true);
                if reloaded.needs_restart.is_empty() {
                    tracing::info!("configuration read again: {reloaded}");
                } else {
                    tracing::warn!("configuration read again: {reloaded}");
                }
            }
            // nothing that anybody has to mend: whoever renews certificates may send SIGHUP
            Err(error @ ReloadError::NoFile) => tracing::info!("{error}"),
            Err(error) => {
                note(&self.proxy.metrics, false);
                tracing::error!("{error}");
            }
        }
        result
    }

    /// Reads the certificates again if their files have changed since that was last done.
    pub(crate) fn poll_certificates(&self) {
        let certificates = self.certificates.as_ref();
        if certificates.is_some_and(|in_use| in_use.have_changed()) {
            self.read_certificates();
        }
    }

    fn read_certificates(&self) {
        let Some(certificates) = &self.certificates else {
            return;
        };
        let result = match certificates.reload() {
            Ok(()) => {
                tracing::info!("certificates were read again");
                "ok"
            }
            Err(error) => {
                tracing::error!(%error, "certificates stay as they were");
                "failed"
            }
        };
        let reloads = &self.proxy.metrics.certificate_reloads;
        reloads.with_label_values(&[result]).inc();
    }
}

/// The whole configuration, checked as `proxima check` does.
fn read(source: &Source) -> Result<Config, ReloadError> {
    let config = source.load().map_err(ReloadError::Config)?;
    check_files(&config)?;
    Ok(config)
}

fn note(metrics: &Metrics, successful: bool) {
    metrics.config_last_reload_successful.set(i64::from(successful));
    if successful {
        let now_s = UnixMillis::now().0 as f64 / 1000.0;
        metrics.config_last_reload_success_timestamp.set(now_s);
    }
}
