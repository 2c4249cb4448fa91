//! Listeners: accept, TLS, and on to the front that speaks the client's protocol.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

use crate::client_stream::ClientStream;
use crate::front::{Front, h1, h2};
use crate::key::Scheme;
use crate::metrics::Metrics;

/// Pause after a failed accept (out of file descriptors, for one), so that the loop does not spin.
const ACCEPT_RETRY_AFTER: Duration = Duration::from_millis(50);

/// One bound listener.
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    /// Set for TLS.
    pub(crate) acceptor: Option<TlsAcceptor>,
}

/// Accepts connections until the server stops. `places` bounds how many are served at once.
pub(crate) async fn accept(listener: Listener, front: Front, places: Arc<Semaphore>, open: TaskTracker) {
    let mut shutdown = front.shutdown.clone();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let accepted = tokio::select! {
            accepted = listener.socket.accept() => accepted,
            () = shutdown.begun() => return,
        };
        let (socket, client) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_RETRY_AFTER).await;
                continue;
            }
        };
        let (front, acceptor) = (front.clone(), listener.acceptor.clone());
        open.spawn(async move {
            let _open = Open::new(&front.proxy.metrics);
            connection(socket, client, front, acceptor).await;
            drop(place);
        });
    }
}

/// Counts a connection for as long as it lives, however it ends.
struct Open(Arc<Metrics>);

impl Open {
    fn new(metrics: &Arc<Metrics>) -> Self {
        metrics.connections_total.inc();
        metrics.connections.inc();
        Self(Arc::clone(metrics))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.connections.dec();
    }
}

async fn connection(socket: TcpStream, client: SocketAddr, front: Front, acceptor: Option<TlsAcceptor>) {
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%client, %error, "small answers may be held back");
    }
    let Some(acceptor) = acceptor else {
        h1::Connection::new(front, Scheme::Http, Some(client))
            .serve(ClientStream::Plain(socket))
            .await;
        return;
    };
    // boxed: the handshake's state is large and short-lived
    let Some(stream) = Box::pin(shake_hands(socket, client, &front, acceptor)).await else {
        return;
    };
    if stream.speaks_h2() {
        // boxed as well: an HTTP/2 connection is large, and others should not have to be as large as that
        Box::pin(h2::serve(front, stream, Some(client))).await;
    } else {
        h1::Connection::new(front, Scheme::Https, Some(client))
            .serve(stream)
            .await;
    }
}

/// Begins TLS; `None` when that fails or takes too long.
async fn shake_hands(
    socket: TcpStream,
    client: SocketAddr,
    front: &Front,
    acceptor: TlsAcceptor,
) -> Option<ClientStream> {
    let limit = front.proxy.config.server.header_timeout;
    match tokio::time::timeout(limit, acceptor.accept(socket)).await {
        Ok(Ok(stream)) => Some(ClientStream::Tls(Box::new(stream))),
        failed => {
            front.proxy.metrics.tls_handshake_failures.inc();
            if let Ok(Err(error)) = failed {
                tracing::debug!(%client, %error, "a TLS handshake failed");
            }
            None
        }
    }
}
