//! What was read from a connection and not yet used.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

/// Enough for most responses; a test can have thousands of connections.
const BYTES_MIN: usize = 8 * 1024;
/// What a connection that brings large bodies grows to, so that they need fewer calls.
const BYTES_USUAL_MAX: usize = 64 * 1024;

/// A window of read bytes, reused by all responses of a connection.
#[derive(Debug)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    pub(super) fn new() -> Self {
        Self {
            bytes: vec![0; BYTES_MIN],
            start: 0,
            end: 0,
        }
    }

    pub(super) fn filled(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.start += count;
        debug_assert!(self.start <= self.end);
    }

    /// Reads once, behind what is there; returns how much, 0 at the end. Callers bound what they leave unused.
    pub(super) fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        stream: Pin<&mut impl AsyncRead>,
    ) -> Poll<io::Result<usize>> {
        self.make_room();
        let mut room = ReadBuf::new(&mut self.bytes[self.end..]);
        ready!(stream.poll_read(cx, &mut room))?;
        let count = room.filled().len();
        self.end += count;
        Poll::Ready(Ok(count))
    }

    fn make_room(&mut self) {
        let full = self.end == self.bytes.len();
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            if full && self.bytes.len() < BYTES_USUAL_MAX {
                self.bytes.resize(self.bytes.len() * 2, 0);
            }
        } else if full && self.start > 0 {
            self.bytes.copy_within(self.start.., 0);
            (self.start, self.end) = (0, self.end - self.start);
        } else if full {
            self.bytes.resize(self.bytes.len() * 2, 0);
        }
    }
}
