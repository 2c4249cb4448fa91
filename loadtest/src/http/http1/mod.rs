//! HTTP/1.1: one exchange at a time on a connection.
//!
//! Costs per request are what counts here: one write, one read for a small response, and no read to learn that there is
//! nothing to read (a read that does not fill its buffer tells the runtime that the socket is drained).

mod buffer;
mod chunked;
mod head;
mod write;

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use bytes::Bytes;
use http::Method;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use self::buffer::Buffer;
use self::chunked::Decoder;
use self::head::{Framing, Head};
use super::HEAD_BYTES_MAX;
use super::body::{Body, check_length};
use super::exchange::Progress;
use super::failure::{During, Failure};
use super::request::Request;
use super::response::{Headers, Response};
use super::retry::{Broken, Stage};
use super::socket::Link;

/// A server that sends more interim responses to one request is not going to answer it.
const INTERIM_RESPONSES_MAX: usize = 8;
/// A longer body is not copied behind the head but written by the same call from where it is.
const COPIED_BODY_BYTES_MAX: usize = 16 * 1024;
/// What a body's length is believed without having seen any of it.
const TRUSTED_BODY_BYTES: usize = 1024 * 1024;

/// A connection, and what it reuses from request to request.
#[derive(Debug)]
pub(super) struct Connection {
    link: Link,
    unread: Buffer,
    head: Vec<u8>,
    /// Kept and only ever put off: that is cheaper than a new timer for each request.
    deadline: Pin<Box<Sleep>>,
}

impl Connection {
    pub(super) fn new(link: Link, deadline: tokio::time::Instant) -> Self {
        Self {
            link,
            unread: Buffer::new(),
            head: Vec::new(),
            deadline: Box::pin(tokio::time::sleep_until(deadline)),
        }
    }

    /// The server has neither closed it nor said something unasked, as far as is known without waiting.
    pub(super) fn is_fresh(&mut self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        let mut byte = [0];
        let read = Pin::new(&mut self.link.stream).poll_read(&mut context, &mut ReadBuf::new(&mut byte));
        read.is_pending()
    }

    /// One exchange; `close`: the last one. Returns whether there may be another one, too.
    pub(super) async fn exchange(
        &mut self,
        request: &Request,
        close: bool,
        progress: &mut Progress,
    ) -> Result<(Response, bool), Broken> {
        self.deadline.as_mut().reset(progress.deadline);
        progress.sending(self.link.remote, self.link.tls);
        let result = self.converse(request, close, progress).await;
        progress.account(&self.link.traffic);
        result
    }

    async fn converse(
        &mut self,
        request: &Request,
        close: bool,
        progress: &mut Progress,
    ) -> Result<(Response, bool), Broken> {
        let whole = self.send(request, close).await?;
        let written = Instant::now();
        progress.written = Some(written);
        if !self.unread.filled().is_empty() {
            progress.first_byte = Some(written);
        }
        let head = self.read_head(request, progress).await?;
        let headers = Headers::raw(&self.unread.filled()[..head.len]);
        self.unread.consume(head.len);
        let body = self
            .read_body(head.framing, !request.discard_body)
            .await
            .map_err(Broken::late)?;
        let reusable = whole
            && !close
            && head.keep_alive
            && head.framing != Framing::UntilClose
            && self.unread.filled().is_empty();
        let response = Response {
            status: head.status,
            proto: head.proto,
            headers,
            body,
        };
        Ok((response, reusable))
    }

    /// Writes the request; `false` if the server answered instead of taking all of it.
    async fn send(&mut self, request: &Request, close: bool) -> Result<bool, Broken> {
        self.head.clear();
        write::head(&mut self.head, request, close);
        let mut body = request.body.as_ref();
        if body.len() <= COPIED_BODY_BYTES_MAX {
            self.head.extend_from_slice(body);
            body = &[];
        }
        let length = self.head.len() + body.len();
        let mut sent = 0;
        // TLS says that it has taken what it has not written yet; TCP flushes for nothing.
        let mut flushed = self.link.tls.is_none();
        while sent < length || !flushed {
            let count = poll_fn(|cx| self.poll_send(cx, &request.method, sent, body)).await;
            flushed |= sent == length;
            match count {
                Ok(0) if sent < length => return Ok(false),
                Ok(count) => sent += count,
                Err(failure) if failure.code == Failure::TIMEOUT => return Err(Broken::late(failure)),
                // It may have said why before it went away.
                Err(_) if !self.unread.filled().is_empty() => return Ok(false),
                Err(_) if sent > 0 && self.fill().await.is_ok_and(|count| count > 0) => return Ok(false),
                Err(failure) => {
                    let stage = if sent == 0 {
                        Stage::Unsent
                    } else {
                        Stage::Unanswered
                    };
                    return Err(Broken { failure, stage });
                }
            }
        }
        Ok(true)
    }

    /// Writes once, or flushes what was written. A server that answers before it has read everything is listened to
    /// meanwhile: otherwise each side could wait for the other. 0 if it does not want the rest.
    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        method: &Method,
        sent: usize,
        body: &[u8],
    ) -> Poll<Result<usize, Failure>> {
        let stream = Pin::new(&mut self.link.stream);
        let written = match self.head.get(sent..) {
            _ if sent == self.head.len() + body.len() => stream.poll_flush(cx).map_ok(|()| 0),
            Some(head) if body.is_empty() => stream.poll_write(cx, head),
            Some(head) if !head.is_empty() => {
                let parts = [head, body].map(std::io::IoSlice::new);
                stream.poll_write_vectored(cx, &parts)
            }
            _ => stream.poll_write(cx, &body[sent - self.head.len()..]),
        };
        match written {
            Poll::Ready(Ok(count)) => Poll::Ready(Ok(count)),
            Poll::Ready(Err(error)) => Poll::Ready(Err(Failure::of_io(During::Write, &error))),
            Poll::Pending => {
                while self.unread.filled().len() < HEAD_BYTES_MAX {
                    let stream = Pin::new(&mut self.link.stream);
                    match self.unread.poll_fill(cx, stream) {
                        Poll::Ready(Ok(1..)) => {}
                        _ => break,
                    }
                }
                match head::parse(self.unread.filled(), method) {
                    Ok(Some(head)) if head.status >= 400 => Poll::Ready(Ok(0)),
                    _ => self.poll_deadline(cx),
                }
            }
        }
    }

    async fn read_head(&mut self, request: &Request, progress: &mut Progress) -> Result<Head, Broken> {
        let mut interim = 0;
        loop {
            if !self.unread.filled().is_empty() {
                progress.answered();
                let parsed = head::parse(self.unread.filled(), &request.method).map_err(Broken::late)?;
                match parsed {
                    Some(head) if head.is_interim() && interim == INTERIM_RESPONSES_MAX => {
                        let failure = Failure::malformed("too many interim responses");
                        return Err(Broken::late(failure));
                    }
                    Some(head) if head.is_interim() => {
                        interim += 1;
                        self.unread.consume(head.len);
                        continue;
                    }
                    Some(head) => return Ok(head),
                    None => {}
                }
            }
            let unanswered = progress.first_byte.is_none();
            match self.fill().await {
                Ok(1..) => {}
                Ok(0) if unanswered => return Err(Broken::unanswered(Failure::no_answer())),
                Ok(0) => return Err(Broken::late(Failure::truncated())),
                Err(failure) if unanswered => {
                    // TLS, too, ends in the middle if its end was not announced.
                    let silent = failure == Failure::truncated();
                    let failure = if silent { Failure::no_answer() } else { failure };
                    return Err(Broken::unanswered(failure));
                }
                Err(failure) => return Err(Broken::late(failure)),
            }
        }
    }

    async fn read_body(&mut self, framing: Framing, keep: bool) -> Result<Bytes, Failure> {
        match framing {
            Framing::Empty => Ok(Bytes::new()),
            Framing::Length(length) => {
                check_length(length)?;
                // Not cut off: it is at most 1 GiB.
                self.read_length(usize::try_from(length).unwrap_or(usize::MAX), keep)
                    .await
            }
            Framing::Chunked => self.read_chunked(keep).await,
            Framing::UntilClose => self.read_until_close(keep).await,
        }
    }

    async fn read_length(&mut self, length: usize, keep: bool) -> Result<Bytes, Failure> {
        let there = self.unread.filled().len().min(length);
        if there < length && keep {
            return self.read_long(length).await;
        }
        let body = match keep {
            true => Bytes::copy_from_slice(&self.unread.filled()[..there]),
            false => Bytes::new(),
        };
        self.unread.consume(there);
        let mut left = length - there;
        while left > 0 {
            self.fill_more().await?;
            let count = self.unread.filled().len().min(left);
            self.unread.consume(count);
            left -= count;
        }
        Ok(body)
    }

    /// Reads a body that is not yet all there to where it stays.
    async fn read_long(&mut self, length: usize) -> Result<Bytes, Failure> {
        // With a byte to spare, the last read does not fill its room, and so tells that the socket is drained. It also
        // shows bytes that do not belong to the response.
        let spare = length + 1;
        let mut body = vec![0; spare.min(TRUSTED_BODY_BYTES)];
        let mut filled = self.unread.filled().len();
        body.resize(body.len().max(filled), 0);
        body[..filled].copy_from_slice(self.unread.filled());
        self.unread.consume(filled);
        while filled < length {
            if filled == body.len() {
                body.resize(spare.min(body.len() * 2), 0);
            }
            let mut room = ReadBuf::new(&mut body[filled..]);
            let read = poll_fn(|cx| {
                let stream = Pin::new(&mut self.link.stream);
                match stream.poll_read(cx, &mut room) {
                    Poll::Ready(result) => Poll::Ready(result.map_err(|e| Failure::of_io(During::Read, &e))),
                    Poll::Pending => match self.deadline.as_mut().poll(cx) {
                        Poll::Ready(()) => Poll::Ready(Err(Failure::timeout())),
                        Poll::Pending => Poll::Pending,
                    },
                }
            });
            read.await?;
            match room.filled().len() {
                0 => return Err(Failure::truncated()),
                count => filled += count,
            }
        }
        if filled > length {
            return Err(Failure::malformed("its body is longer than its content-length"));
        }
        body.truncate(length);
        Ok(body.into())
    }

    async fn read_chunked(&mut self, keep: bool) -> Result<Bytes, Failure> {
        let (mut decoder, mut body) = (Decoder::Size, Body::new(keep));
        loop {
            let used = decoder.decode(self.unread.filled(), &mut body)?;
            self.unread.consume(used);
            if decoder.is_done() {
                return Ok(body.into_bytes());
            }
            self.fill_more().await?;
        }
    }

    async fn read_until_close(&mut self, keep: bool) -> Result<Bytes, Failure> {
        let mut body = Body::new(keep);
        loop {
            let there = self.unread.filled();
            body.push(there)?;
            let used = there.len();
            self.unread.consume(used);
            if self.fill().await? == 0 {
                return Ok(body.into_bytes());
            }
        }
    }

    async fn fill_more(&mut self) -> Result<(), Failure> {
        match self.fill().await? {
            0 => Err(Failure::truncated()),
            _ => Ok(()),
        }
    }

    /// Reads once; 0 at the end.
    async fn fill(&mut self) -> Result<usize, Failure> {
        poll_fn(|cx| {
            let stream = Pin::new(&mut self.link.stream);
            match self.unread.poll_fill(cx, stream) {
                Poll::Ready(read) => Poll::Ready(read.map_err(|e| Failure::of_io(During::Read, &e))),
                Poll::Pending => self.poll_deadline(cx),
            }
        })
        .await
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, Failure>> {
        self.deadline.as_mut().poll(cx).map(|()| Err(Failure::timeout()))
    }
}
