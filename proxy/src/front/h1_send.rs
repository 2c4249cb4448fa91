//! Sending HTTP/1 answers: what is stored in one write, what is on its way as it comes.

use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::poll;
use http::{StatusCode, Version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::h1::{Connection, KeepAlive};
use super::h1_answer::{Framing, LAST_CHUNK, chunk};
use super::h1_head::ReadHead;
use super::log::Answered;
use crate::answer::{Stored, body_for};
use crate::client_stream::ClientStream;
use crate::coalesce::{FillReader, ResponseHead};
use crate::problem::Problem;
use crate::read::Read;
use crate::request::{Protocol, ReadMethod};
use crate::status::CacheStatus;

/// Bodies up to this size are sent in one write with their head.
pub(super) const ONE_WRITE_BYTES: usize = 16 * 1024;
/// How long the head of an answer waits for the first piece of its body.
const FIRST_PIECE_WAIT: Duration = Duration::from_millis(2);
/// Larger bodies are sent in pieces of this size, each with the time that a slow client may take.
const PIECE_BYTES: usize = 256 * 1024;
/// How much, and for how long, a refused client may go on sending before it is cut.
const LINGER_BYTES_MAX: usize = 256 * 1024;
const LINGER_FOR: Duration = Duration::from_secs(1);
impl Connection {
    pub(super) async fn send_stored(
        &mut self,
        stream: &mut ClientStream,
        read: &ReadHead<'_>,
        stored: &Stored,
        started: Instant,
    ) -> (KeepAlive, Answered) {
        self.out.clear();
        self.writer(read.keep_alive).stored(stored);
        let body = body_for(read.method, stored);
        let sent = self.send(stream, Some(&body)).await;
        let mut note = Answered::of(stored, started, body.len() as u64);
        note.cut_short = sent.is_err();
        (read.keep_alive && sent.is_ok(), note)
    }

    pub(super) async fn send_stream(
        &mut self,
        stream: &mut ClientStream,
        read: &ReadHead<'_>,
        plan: &Read<'_>,
        (head, mut reader, status): (&ResponseHead, FillReader, CacheStatus),
        started: Instant,
    ) -> (KeepAlive, Answered) {
        let version = if read.protocol == Protocol::Http10 {
            Version::HTTP_10
        } else {
            Version::HTTP_11
        };
        let no_body = read.method == ReadMethod::Head || matches!(head.status.as_u16(), 204 | 304);
        // the head waits a moment for the first piece, to leave with it; a slow origin must not hold it back
        let first = if no_body {
            None
        } else {
            tokio::time::timeout(FIRST_PIECE_WAIT, reader.next()).await.ok()
        };
        if let Some(Err(broken)) = first {
            let problem = Problem::new(StatusCode::BAD_GATEWAY, broken.to_string());
            self.explained = None; // of the answer that broke off
            return self.send_problem(stream, read, &problem, &status, started).await;
        }
        self.out.clear();
        let mut writer = self.writer(read.keep_alive);
        let framing = writer.stream(head, &status, version, no_body);
        let keep_alive = writer.keep_alive;
        let sent = if no_body {
            self.send(stream, None).await.map(|()| 0)
        } else {
            self.send_body(stream, first.and_then(Result::ok), reader, framing)
                .await
        };
        if let Err(error) = &sent {
            tracing::debug!(key = plan.key, %error, "an answer was cut short");
        }
        let cut_short = sent.is_err();
        let note = Answered {
            started,
            outcome: status.outcome,
            status: head.status.as_u16(),
            body_bytes: sent.unwrap_or(0),
            age_s: None,
            origin_took: (!status.collapsed).then_some(head.origin_took),
            cut_short,
        };
        (keep_alive && !cut_short, note)
    }

    pub(super) async fn send_problem(
        &mut self,
        stream: &mut ClientStream,
        read: &ReadHead<'_>,
        problem: &Problem,
        status: &CacheStatus,
        started: Instant,
    ) -> (KeepAlive, Answered) {
        self.out.clear();
        let head_only = read.method == ReadMethod::Head;
        let body_bytes = self
            .writer(read.keep_alive)
            .problem(problem, Some(status), head_only);
        let sent = self.send(stream, None).await;
        let note = Answered {
            started,
            outcome: status.outcome,
            status: problem.status.as_u16(),
            body_bytes,
            age_s: None,
            origin_took: None,
            cut_short: sent.is_err(),
        };
        (read.keep_alive && sent.is_ok(), note)
    }

    /// Sends the head in `out` and then the body as it comes. `first` is its first piece, or its end, if that is known.
    pub(super) async fn send_body(
        &mut self,
        stream: &mut ClientStream,
        mut first: Option<Option<Bytes>>,
        mut reader: FillReader,
        framing: Framing,
    ) -> io::Result<u64> {
        let mut body_bytes = 0;
        loop {
            let next = match first.take() {
                Some(next) => next,
                None => {
                    if !self.out.is_empty() {
                        self.send(stream, None).await?;
                        self.out.clear();
                    }
                    reader.next().await.map_err(io::Error::other)?
                }
            };
            let Some(data) = next else { break };
            body_bytes += data.len() as u64;
            if framing == Framing::Chunked {
                chunk(&mut self.out, &data);
                self.send(stream, None).await?;
            } else {
                self.send(stream, Some(&data)).await?;
            }
            self.out.clear();
        }
        if framing == Framing::Chunked {
            self.out.extend_from_slice(LAST_CHUNK);
        }
        self.send(stream, None).await?;
        Ok(body_bytes)
    }

    /// Sends `out` and then `body`, in one write where that is cheap.
    pub(super) async fn send(&mut self, stream: &mut ClientStream, body: Option<&Bytes>) -> io::Result<()> {
        let limit = self.front.proxy.config.server.body_timeout;
        let body = body.filter(|body| !body.is_empty());
        let apart = match body {
            Some(body) if body.len() <= ONE_WRITE_BYTES => {
                self.out.extend_from_slice(body);
                None
            }
            other => other,
        };
        let head = async {
            stream.write_all(&self.out).await?;
            stream.flush().await
        };
        within(limit, head).await?;
        for piece in apart.iter().flat_map(|body| body.chunks(PIECE_BYTES)) {
            let piece = async {
                stream.write_all(piece).await?;
                stream.flush().await
            };
            within(limit, piece).await?;
        }
        Ok(())
    }

    pub(super) async fn refuse(&mut self, stream: &mut ClientStream, problem: &Problem) {
        self.front.proxy.metrics.requests_refused.inc();
        self.out.clear();
        self.writer(false).problem(problem, None, false);
        match self.send(stream, None).await {
            Ok(()) => linger(stream).await,
            Err(error) => tracing::debug!(%error, "a refusal did not reach its client"),
        }
    }
}

/// Closes our side and reads a little of what still comes: a connection that is closed with bytes unread is reset, and the
/// client may never see why it was refused (RFC 9112 section 9.6).
async fn linger(stream: &mut ClientStream) {
    let discard = async {
        let mut left = LINGER_BYTES_MAX;
        let mut unread = [0; 4096];
        if stream.shutdown().await.is_err() {
            return;
        }
        while let Ok(read @ 1..) = stream.read(&mut unread).await {
            left = left.saturating_sub(read);
            if left == 0 {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(LINGER_FOR, Box::pin(discard)).await;
}

/// Gives a client `limit` to take some bytes.
async fn within(limit: Duration, write: impl Future<Output = io::Result<()>>) -> io::Result<()> {
    let mut write = pin!(write);
    // most are taken at once, and need no timer
    if let Poll::Ready(taken) = poll!(write.as_mut()) {
        return taken;
    }
    tokio::time::timeout(limit, write)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
