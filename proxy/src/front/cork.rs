//! A cork in an HTTP/2 connection. The h2 crate writes every frame of an answer apart; here small ones are gathered until nobody
//! has anything to add, and leave together, in one TLS record and one write as long as they fit in one.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::client_stream::ClientStream;

/// What is gathered at most: the longest TLS record (RFC 8446 section 5.1).
const GATHERED_BYTES: usize = 16 * 1024;

/// A connection as the h2 crate sees it: it takes what it is given and never flushes.
pub(super) struct Corked(Arc<Mutex<Bottle>>);

/// The other hold on it, which lets out what has been gathered. Only the connection's own task has either, so that nobody waits
/// for the lock.
pub(super) struct Cork(Arc<Mutex<Bottle>>);

struct Bottle {
    stream: ClientStream,
    gathered: Vec<u8>,
    /// How much of it has been written.
    written: usize,
    /// Whether the client has taken anything since that was last asked.
    moved: bool,
}

/// Puts a cork in.
pub(super) fn corked(stream: ClientStream) -> (Corked, Cork) {
    let bottle = Arc::new(Mutex::new(Bottle {
        stream,
        gathered: Vec::new(),
        written: 0,
        moved: false,
    }));
    (Corked(Arc::clone(&bottle)), Cork(bottle))
}

impl Cork {
    /// Writes everything that has been gathered.
    pub(super) fn poll_out(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.lock().poll_flush(cx)
    }

    /// Whether the client has taken anything since this was last asked.
    pub(super) fn has_moved(&self) -> bool {
        std::mem::take(&mut self.0.lock().moved)
    }

    /// Gives memory back that a quiet connection does not need.
    pub(super) fn shrink(&self) {
        let mut bottle = self.0.lock();
        if bottle.gathered.is_empty() {
            bottle.gathered = Vec::new();
        }
    }
}

impl Bottle {
    fn poll_empty(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.gathered.len() {
            let left = &self.gathered[self.written..];
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, left))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += written;
            self.moved = true;
        }
        self.gathered.clear();
        self.written = 0;
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_empty(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }
}

impl AsyncRead for Corked {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.lock().stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Corked {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut bottle = self.0.lock();
        let bytes: usize = bufs.iter().map(|buf| buf.len()).sum();
        if bottle.gathered.len() + bytes > GATHERED_BYTES {
            ready!(bottle.poll_empty(cx))?;
        }
        if bytes > GATHERED_BYTES {
            let written = ready!(Pin::new(&mut bottle.stream).poll_write_vectored(cx, bufs))?;
            bottle.moved = true;
            return Poll::Ready(Ok(written));
        }
        bufs.iter().for_each(|buf| bottle.gathered.extend_from_slice(buf));
        Poll::Ready(Ok(bytes))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut bottle = self.0.lock();
        ready!(bottle.poll_flush(cx))?;
        Pin::new(&mut bottle.stream).poll_shutdown(cx)
    }
}
