//! A new connection.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use super::exchange::Progress;
use super::failure::{During, Failure};
use super::network::Network;
use super::socket::{Link, Socket, Stream, Traffic};
use super::target::Origin;
use super::tls;

/// How long the addresses of a name may take to connect to one of them, as in k6.
const DIAL_TIMEOUT: Duration = Duration::from_secs(30);

/// The application protocol that a server chose by ALPN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// Connects to a server, over TLS if its URL says so. The time it took is in `progress`, the deadline is not heeded.
pub(super) async fn connect(
    network: &Rc<Network>,
    origin: &Origin,
    progress: &mut Progress,
) -> Result<(Link, Protocol), Failure> {
    let addresses = network.resolver.resolve(origin).await?;
    let started = Instant::now();
    let dialled = tokio::time::timeout(DIAL_TIMEOUT, dial(&addresses)).await;
    progress.connecting = started.elapsed();
    let (tcp, remote) = dialled
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        .map_err(|error| Failure::of_io(During::Dial, &error))?;
    progress.remote = Some(remote);
    let traffic = Rc::<Traffic>::default();
    progress.dialled = Some(traffic.clone());
    let socket = Socket {
        tcp,
        traffic: traffic.clone(),
    };
    if !origin.secure {
        let link = Link {
            stream: Stream::Plain(socket),
            traffic,
            remote,
            tls: None,
        };
        return Ok((link, Protocol::Http1));
    }
    let started = Instant::now();
    let shaken = shake_hands(network, origin, socket, remote).await;
    progress.tls_handshaking = started.elapsed();
    shaken
}

/// The first address that takes the connection; the last one's error if none does.
async fn dial(addresses: &[SocketAddr]) -> io::Result<(TcpStream, SocketAddr)> {
    let mut last = io::ErrorKind::AddrNotAvailable.into();
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(tcp) => {
                // A request is one write: waiting for more would only delay it.
                tcp.set_nodelay(true)?;
                return Ok((tcp, *address));
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// In a task of its own: its stack is larger than a VU's.
async fn shake_hands(
    network: &Rc<Network>,
    origin: &Origin,
    socket: Socket,
    remote: SocketAddr,
) -> Result<(Link, Protocol), Failure> {
    let name = origin.server_name()?;
    let connector = TlsConnector::from(network.tls.clone());
    let traffic = socket.traffic.clone();
    let handshake = tokio::task::spawn_local(async move { connector.connect(name, socket).await });
    let tls = Attended(handshake)
        .await?
        .map_err(|error| Failure::of_handshake(&error))?;
    let (_, connection) = tls.get_ref();
    let protocol = match connection.alpn_protocol() {
        Some(b"h2") => Protocol::Http2,
        _ => Protocol::Http1,
    };
    let link = Link {
        tls: tls::info(connection),
        stream: Stream::Tls(Box::new(tls)),
        traffic,
        remote,
    };
    Ok((link, protocol))
}

/// A task that ends when nobody waits for it any more.
struct Attended<T>(JoinHandle<T>);

impl<T> Drop for Attended<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<T> Future for Attended<T> {
    type Output = Result<T, Failure>;

    fn poll(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        std::pin::Pin::new(&mut self.0).poll(cx).map_err(|error| {
            // The shard is going down, or the TLS library panicked.
            Failure::new(Failure::TLS, format!("tls: the handshake did not end: {error}"))
        })
    }
}
