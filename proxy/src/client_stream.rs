//! A client's connection as a stream of bytes, with or without TLS.

use std::io::{self, IoSlice};
use std::os::fd::AsRawFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use pingora::protocols::raw_connect::ProxyDigest;
use pingora::protocols::tls::SslDigest;
use pingora::protocols::{
    Digest, GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl, Stream,
    TimingDigest, UniqueID,
};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufWriter, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// What is kept back while pingora's proxy has more to write: it writes the head of an answer and each piece of its body apart.
const FORWARDED_BYTES: usize = 16 * 1024;
/// How long a client may take to hear that its connection closes.
const CLOSE_FOR: Duration = Duration::from_secs(1);

/// An open connection. It buffers nothing: an idle client costs no more than its socket and its TLS session.
#[derive(Debug)]
pub(crate) enum ClientStream {
    /// As it comes.
    Plain(TcpStream),
    /// In a box: a TLS session is large, and the connection's task holds the stream in place.
    Tls(Box<TlsStream<TcpStream>>),
}

impl ClientStream {
    /// Whether the client chose HTTP/2 (RFC 9113 section 3.2).
    pub(crate) fn speaks_h2(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(stream) => stream.get_ref().1.alpn_protocol() == Some(b"h2"),
        }
    }

    /// What pingora's proxy wants to know of the connection.
    pub(crate) fn digest(&self) -> Digest {
        Digest {
            ssl_digest: self.ssl_digest(),
            socket_digest: Some(self.socket_digest()),
            ..Digest::default()
        }
    }

    /// Closes, without waiting for a client that takes nothing: TLS has its goodbye to send, behind all that was not taken.
    pub(crate) async fn close(&mut self) {
        close(self).await;
    }

    /// The addresses are asked for at once: once the socket is closed, its number may be another connection's.
    fn socket_digest(&self) -> Arc<SocketDigest> {
        let digest = SocketDigest::from_raw_fd(self.socket().as_raw_fd());
        let (_, _) = (digest.peer_addr(), digest.local_addr());
        Arc::new(digest)
    }

    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }

    /// That there is one says that there is TLS; nobody asks for more.
    fn ssl_digest(&self) -> Option<Arc<SslDigest>> {
        matches!(self, Self::Tls(_)).then(|| Arc::new(SslDigest::new("", "", None, None, Vec::new())))
    }
}

async fn close(stream: &mut (impl AsyncWrite + Unpin)) {
    let closed = tokio::time::timeout(CLOSE_FOR, stream.shutdown()).await;
    if !matches!(closed, Ok(Ok(()))) {
        tracing::debug!("a connection was not closed in order");
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write_vectored(cx, bufs),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// A connection while pingora's proxy has it.
#[derive(Debug)]
pub(crate) struct Lent(BufWriter<ClientStream>);

impl Lent {
    /// Lends a connection.
    pub(crate) fn new(stream: ClientStream) -> Self {
        Self(BufWriter::with_capacity(FORWARDED_BYTES, stream))
    }

    /// Takes back a connection that was lent; `None` when its client does not take what was still to be sent within `limit`.
    pub(crate) async fn returned(stream: Stream, limit: Duration) -> Option<ClientStream> {
        let mut lent: Box<Self> = stream.into_any().downcast().ok()?;
        tokio::time::timeout(limit, lent.0.flush()).await.ok()?.ok()?;
        Some(lent.0.into_inner())
    }
}

impl AsyncRead for Lent {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let lent = &mut self.get_mut().0;
        let read = Pin::new(&mut *lent).poll_read(cx, buf);
        if read.is_pending() {
            // pingora waits for more of either side: what it has written so far must not wait as well. A failure shows at the next
            // write.
            let _ = Pin::new(lent).poll_flush(cx);
        }
        read
    }
}

impl AsyncWrite for Lent {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().0).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_shutdown(cx)
    }
}

#[async_trait]
impl Shutdown for Lent {
    async fn shutdown(&mut self) {
        close(&mut self.0).await;
    }
}

impl UniqueID for Lent {
    fn id(&self) -> i32 {
        self.0.get_ref().socket().as_raw_fd()
    }
}

impl Ssl for Lent {
    fn get_ssl_digest(&self) -> Option<Arc<SslDigest>> {
        self.0.get_ref().ssl_digest()
    }
}

impl GetTimingDigest for Lent {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        Vec::new()
    }
}

impl GetProxyDigest for Lent {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        None
    }
}

impl GetSocketDigest for Lent {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        Some(self.0.get_ref().socket_digest())
    }
}

impl Peek for Lent {}
