//! The HTTP/1 front. A hit is answered here, from the connection's buffer to one write, before pingora's proxy comes into
//! play; what is not for the cache is handed to it with every byte that was read.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderValue, StatusCode, Version};
use pingora::protocols::Stream;
use pingora::protocols::http::ServerSession;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::Front;
use super::h1_answer::{Framing, HeadWriter, LAST_CHUNK, chunk};
use super::h1_head::{FIELDS_MAX, Head, ReadHead, head_end, parse};
use super::log::{Answered, Asked};
use crate::answer::{Answer, Stored};
use crate::coalesce::{FillReader, ResponseHead};
use crate::key::Scheme;
use crate::problem::Problem;
use crate::read::{Plan, Read, coming};
use crate::request::{Protocol, ReadMethod, Request};
use crate::status::CacheStatus;

/// Bodies up to this size are sent in one write with their head.
const ONE_WRITE_BYTES: usize = 16 * 1024;
/// How long the head of an answer waits for the first piece of its body.
const FIRST_PIECE_WAIT: Duration = Duration::from_millis(2);
/// Larger bodies are sent in pieces of this size, each with the time that a slow client may take.
const PIECE_BYTES: usize = 256 * 1024;
/// How much, and for how long, a refused client may go on sending before it is cut.
const LINGER_BYTES_MAX: usize = 256 * 1024;
const LINGER_FOR: Duration = Duration::from_secs(1);
/// The buffer that a connection reads heads into.
const READ_BYTES: usize = 4 * 1024;

/// One client connection.
pub(crate) struct Connection {
    front: Front,
    scheme: Scheme,
    client: Option<SocketAddr>,
    /// Bytes read and not yet used.
    buf: BytesMut,
    /// An answer being made.
    out: BytesMut,
    key: String,
    text: String,
    /// For the next head, where its client asked and may know.
    explained: Option<HeaderValue>,
}

/// What happens to a request after a first look.
enum Step {
    /// The answer is in `out`; `body` follows it.
    Send {
        body: Option<Bytes>,
        keep_alive: bool,
    },
    /// It takes a tier, a fill or an origin.
    Wait,
    Forward,
    Refuse(Problem),
}

/// A request's end, as far as the connection is concerned.
type KeepAlive = bool;

impl Connection {
    pub(crate) fn new(front: Front, scheme: Scheme, client: Option<SocketAddr>) -> Self {
        Self {
            front,
            scheme,
            client,
            buf: BytesMut::new(),
            out: BytesMut::new(),
            key: String::new(),
            text: String::new(),
            explained: None,
        }
    }

    /// Answers requests until either side is done.
    pub(crate) async fn serve(mut self, mut stream: Stream) {
        loop {
            let head = match self.read_head(&mut stream).await {
                Ok(Some(head)) => head,
                Ok(None) => break,
                Err(problem) => {
                    self.refuse(&mut stream, &problem).await;
                    break;
                }
            };
            let started = Instant::now();
            let keep_alive = match self.step(&head, started) {
                Step::Send { body, keep_alive } => {
                    let sent = self.send(&mut stream, body.as_ref()).await;
                    keep_alive && sent.is_ok()
                }
                Step::Wait => {
                    // boxed: a miss is rare, and its state would otherwise be part of every idle connection
                    Box::pin(self.wait(&head, &mut stream, started)).await
                }
                Step::Forward => match Box::pin(self.forward(&head, stream)).await {
                    Some(returned) => {
                        stream = returned;
                        true
                    }
                    None => return,
                },
                Step::Refuse(problem) => {
                    self.refuse(&mut stream, &problem).await;
                    false
                }
            };
            if !keep_alive || *self.front.shutdown.borrow() {
                break;
            }
        }
        let _ = stream.shutdown().await;
    }

    /// Reads one request head; `None` when the client or this server is done.
    ///
    /// # Errors
    /// The problem to answer before closing: too large, or too slow.
    async fn read_head(&mut self, stream: &mut Stream) -> Result<Option<Bytes>, Problem> {
        let config = self.front.proxy.config.clone();
        let limits = &config.server;
        let mut deadline: Option<tokio::time::Instant> = None;
        let mut looked = 0;
        loop {
            // RFC 9112 section 2.2: empty lines before the request line are passed over
            while let [b'\r' | b'\n', ..] = self.buf[..] {
                self.buf.advance(1);
                looked = 0;
            }
            let end = head_end(&self.buf, looked);
            if end.unwrap_or(self.buf.len()) > limits.max_header_bytes {
                return Err(Problem::new(
                    StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                    format!(
                        "the request head is larger than {} bytes",
                        limits.max_header_bytes
                    ),
                ));
            }
            if let Some(end) = end {
                return Ok(Some(self.buf.split_to(end).freeze()));
            }
            looked = self.buf.len();
            let idle = self.buf.is_empty();
            if !idle && deadline.is_none() {
                deadline = Some(tokio::time::Instant::now() + limits.header_timeout);
            }
            let until = deadline.unwrap_or_else(|| tokio::time::Instant::now() + limits.keepalive_timeout);
            self.buf.reserve(READ_BYTES);
            let read = tokio::select! {
                biased;
                read = stream.read_buf(&mut self.buf) => read,
                _ = self.front.shutdown.changed(), if idle => return Ok(None),
                () = tokio::time::sleep_until(until) => {
                    let slow = Problem::new(StatusCode::REQUEST_TIMEOUT, "the request head took too long");
                    return if idle { Ok(None) } else { Err(slow) };
                }
            };
            if !matches!(read, Ok(1..)) {
                return Ok(None);
            }
        }
    }

    /// A first look at a request: answers it at once if L1 can.
    fn step(&mut self, head: &Bytes, started: Instant) -> Step {
        let mut lines = [httparse::EMPTY_HEADER; FIELDS_MAX];
        let read = match parse(head, &mut lines) {
            Ok(Head::Read(read)) => read,
            Ok(Head::Other) => return Step::Forward,
            Err(problem) => return Step::Refuse(problem),
        };
        let proxy = &self.front.proxy;
        let plan = match proxy.plan(request(&read, self.scheme, self.client), &mut self.key) {
            Plan::Read(plan) => plan,
            Plan::Forward => return Step::Forward,
            Plan::Refuse(problem) => return Step::Refuse(problem),
        };
        let Some(stored) = proxy.answer_now(&plan) else {
            return Step::Wait;
        };
        self.out.clear();
        let mut writer = HeadWriter {
            out: &mut self.out,
            text: &mut self.text,
            proxy,
            keep_alive: read.keep_alive,
            explained: proxy.explained_stored(&plan, &stored),
        };
        writer.stored(&stored);
        let body = body_for(read.method, &stored);
        let body_bytes = body.len() as u64;
        let apart = if body.len() <= ONE_WRITE_BYTES {
            self.out.extend_from_slice(&body);
            None
        } else {
            Some(body)
        };
        proxy.note(
            &plan.route,
            &asked(&read, self.client),
            &answered(&stored, started, body_bytes, false),
        );
        Step::Send {
            body: apart,
            keep_alive: read.keep_alive,
        }
    }

    /// Answers a request that L1 alone could not.
    async fn wait(&mut self, head: &Bytes, stream: &mut Stream, started: Instant) -> KeepAlive {
        let mut lines = [httparse::EMPTY_HEADER; FIELDS_MAX];
        let Ok(Head::Read(read)) = parse(head, &mut lines) else {
            return false;
        };
        let proxy = self.front.proxy.clone();
        let mut key = std::mem::take(&mut self.key);
        let Plan::Read(mut plan) = proxy.plan(request(&read, self.scheme, self.client), &mut key) else {
            return false;
        };
        let answer = self.answer(stream, &mut plan, read.protocol).await;
        self.explained = proxy.explained(&plan, &answer);
        let (keep_alive, note) = match answer {
            Answer::Stored(stored) => self.send_stored(stream, &read, &stored, started).await,
            Answer::Stream { head, reader, status } => {
                self.send_stream(stream, &read, &plan, (&head, reader, status), started)
                    .await
            }
            Answer::Problem { problem, status } => {
                self.send_problem(stream, &read, &problem, &status, started).await
            }
        };
        proxy.note(&plan.route, &asked(&read, self.client), &note);
        keep_alive
    }

    /// Waits for the answer, and passes on what the origin says before it. A client of HTTP/1.0 would take that for the answer.
    async fn answer(&mut self, stream: &mut Stream, plan: &mut Read<'_>, protocol: Protocol) -> Answer {
        let proxy = self.front.proxy.clone();
        if protocol == Protocol::Http10 {
            return proxy.answer(plan).await;
        }
        let mut hints = plan.hear_hints();
        let mut answering = pin!(proxy.answer(plan));
        loop {
            let come = coming(&mut hints, answering.as_mut()).await;
            self.out.clear();
            come.hints.iter().for_each(|hint| self.writer(true).hint(hint));
            if !come.hints.is_empty()
                && let Err(error) = self.send(stream, None).await
            {
                tracing::debug!(%error, "a hint did not reach its client");
            }
            if let Some(answer) = come.answer {
                return answer;
            }
        }
    }

    fn writer(&mut self, keep_alive: bool) -> HeadWriter<'_> {
        HeadWriter {
            out: &mut self.out,
            text: &mut self.text,
            proxy: &self.front.proxy,
            keep_alive,
            explained: self.explained.take(),
        }
    }

    async fn send_stored(
        &mut self,
        stream: &mut Stream,
        read: &ReadHead<'_>,
        stored: &Stored,
        started: Instant,
    ) -> (KeepAlive, Answered) {
        self.out.clear();
        self.writer(read.keep_alive).stored(stored);
        let body = body_for(read.method, stored);
        let sent = self.send(stream, Some(&body)).await;
        let note = answered(stored, started, body.len() as u64, sent.is_err());
        (read.keep_alive && sent.is_ok(), note)
    }

    async fn send_stream(
        &mut self,
        stream: &mut Stream,
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

    async fn send_problem(
        &mut self,
        stream: &mut Stream,
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
    async fn send_body(
        &mut self,
        stream: &mut Stream,
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
    async fn send(&mut self, stream: &mut Stream, body: Option<&Bytes>) -> io::Result<()> {
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

    async fn refuse(&mut self, stream: &mut Stream, problem: &Problem) {
        self.front.proxy.metrics.requests_refused.inc();
        self.out.clear();
        self.writer(false).problem(problem, None, false);
        match self.send(stream, None).await {
            Ok(()) => linger(stream).await,
            Err(error) => tracing::debug!(%error, "a refusal did not reach its client"),
        }
    }

    /// Hands a request to pingora's proxy with every byte that was read of it, and takes the connection back.
    async fn forward(&mut self, head: &Bytes, stream: Stream) -> Option<Stream> {
        let mut read = BytesMut::with_capacity(head.len() + self.buf.len());
        read.extend_from_slice(head);
        read.extend_from_slice(&self.buf);
        self.buf.clear();
        let mut session = ServerSession::new_http1(stream);
        session.set_pipelined_prefix(read);
        let limit = Some(self.front.proxy.config.server.body_timeout);
        session.set_read_timeout(limit);
        session.set_write_timeout(limit);
        self.front.forward(session).await
    }
}

/// Closes our side and reads a little of what still comes: a connection that is closed with bytes unread is reset, and the
/// client may never see why it was refused (RFC 9112 section 9.6).
async fn linger(stream: &mut Stream) {
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
    tokio::time::timeout(limit, write)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

fn request<'h>(read: &ReadHead<'h>, scheme: Scheme, client: Option<SocketAddr>) -> Request<'h> {
    Request {
        method: read.method,
        scheme,
        host: read.host,
        target: read.target,
        headers: read.headers,
        client,
    }
}

fn asked<'h>(read: &ReadHead<'h>, client: Option<SocketAddr>) -> Asked<'h> {
    Asked {
        client,
        protocol: read.protocol.as_str(),
        method: read.method.as_str(),
        host: read.host,
        target: read.target,
        headers: read.headers,
    }
}

fn answered(stored: &Stored, started: Instant, body_bytes: u64, cut_short: bool) -> Answered {
    Answered {
        started,
        outcome: stored.status.outcome,
        status: stored.code(),
        body_bytes,
        age_s: stored.age_s,
        origin_took: stored.origin_took,
        cut_short,
    }
}

fn body_for(method: ReadMethod, stored: &Stored) -> Bytes {
    match method {
        ReadMethod::Head => Bytes::new(),
        ReadMethod::Get => stored.body(),
    }
}
