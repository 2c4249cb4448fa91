//! Serving: accepts connections, and on a signal lets the requests in flight finish.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use http::HeaderValue;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::api::{App, FEEDS_MAX, router};
use crate::store::{Store, keep_up};

/// What `serve` was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) region: String,
    pub(crate) max_age_seconds: u32,
    pub(crate) feed_retention_rows: u32,
    pub(crate) drain: Duration,
}

const CONNECTIONS_MAX: usize = 4_096;
/// For the head of a request, and so for a kept connection to sit idle: longer than proxies keep theirs, so
/// that it is they who hang up.
const HEAD_TIMEOUT: Duration = Duration::from_secs(120);
const HEAD_BYTES_MAX: usize = 64 << 10;
/// After `accept` failed, most likely for want of file descriptors.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Serves `db` at `listen` until SIGTERM or SIGINT.
pub(crate) async fn run(listen: SocketAddr, db: &Path, settings: Settings) -> anyhow::Result<()> {
    let store = Store::open(db).await?;
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}"))?;
    let address = listener
        .local_addr()
        .context("cannot tell the address listened on")?;
    let stopping = CancellationToken::new();
    let app = Arc::new(App {
        store: store.clone(),
        region: HeaderValue::from_str(&settings.region).context("--region is not a field value")?,
        cache_control: HeaderValue::try_from(format!("public, max-age={}", settings.max_age_seconds))?,
        feeds: Arc::new(Semaphore::new(FEEDS_MAX)),
        stopping: stopping.clone(),
    });
    stop_on_signal(stopping.clone())?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "listening on http://{address}").and_then(|()| stdout.flush())?;
    tracing::info!(%address, region = settings.region, db = %db.display(), "serving");
    tokio::select! {
        () = accept(listener, router(app), &stopping, settings.drain) => {}
        () = store.watch_file() => {}
        () = keep_up(&store, settings.feed_retention_rows) => {}
    }
    store.close().await;
    tracing::info!("stopped");
    Ok(())
}

fn stop_on_signal(stopping: CancellationToken) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping; requests in flight may finish");
        stopping.cancel();
    });
    Ok(())
}

async fn accept(listener: TcpListener, router: Router, stopping: &CancellationToken, drain: Duration) {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let free = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (
                place.expect("the semaphore is never closed"),
                listener.accept().await,
            )
        };
        let (place, accepted) = tokio::select! {
            () = stopping.cancelled() => break,
            accepted = free => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                sleep(ACCEPT_RETRY).await;
                continue;
            }
        };
        let connection = graceful.watch(connection(stream, router.clone()));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(place);
        });
    }
    drop(listener);
    if timeout(drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish in time");
    }
}

fn connection(
    stream: TcpStream,
    router: Router,
) -> hyper::server::conn::http1::Connection<TokioIo<TcpStream>, TowerToHyperService<Router>> {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
}
