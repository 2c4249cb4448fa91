//! The HTTP/1 front. A hit is answered here, from the connection's buffer to one write, before pingora's proxy comes into
//! play; what is not for the cache is handed to it with every byte that was read.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::poll;
use http::{HeaderValue, StatusCode};
use pingora::protocols::http::ServerSession;
use tokio::io::AsyncReadExt;

use super::Front;
use super::h1_answer::HeadWriter;
use super::h1_head::{Head, ReadHead, head_end, lines, parse};
use super::h1_send::ONE_WRITE_BYTES;
use super::log::{Answered, Asked};
use super::patience::Patience;
use crate::answer::Answer;
use crate::client_stream::{ClientStream, Lent};
use crate::key::Scheme;
use crate::problem::Problem;
use crate::read::{Plan, Read, coming};
use crate::request::{Protocol, ReadMethod, Request};

/// The buffer that a connection reads heads into.
const READ_BYTES: usize = 4 * 1024;

/// One client connection.
pub(crate) struct Connection {
    pub(super) front: Front,
    scheme: Scheme,
    client: Option<SocketAddr>,
    /// Bytes read and not yet used.
    buf: BytesMut,
    /// An answer being made.
    pub(super) out: BytesMut,
    key: String,
    text: String,
    /// For the next head, where its client asked and may know.
    pub(super) explained: Option<HeaderValue>,
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

/// What has come of waiting for a client.
enum Heard {
    /// Some bytes are in the buffer.
    Bytes,
    /// The time is over.
    Nothing,
    /// The client has closed, or this server stops while nothing is under way.
    End,
}

/// A request's end, as far as the connection is concerned.
pub(super) type KeepAlive = bool;

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
    pub(crate) async fn serve(mut self, mut stream: ClientStream) {
        let limit = self.front.proxy.config.server.keepalive_timeout;
        let mut patience = Patience::new(Instant::now().into(), limit);
        let mut shutdown = self.front.shutdown.clone();
        let mut stop = pin!(shutdown.begun());
        // once is enough: a task that is woken by it looks at the flag
        let _ = poll!(stop.as_mut());
        loop {
            let end = match self.read_head(&mut stream, &mut patience).await {
                Ok(Some(end)) => end,
                Ok(None) => break,
                Err(problem) => {
                    self.refuse(&mut stream, &problem).await;
                    break;
                }
            };
            let started = Instant::now();
            let mut ended = started;
            let keep_alive = match self.step(end, started) {
                Step::Send { body, keep_alive } => {
                    self.buf.advance(end);
                    let sent = self.send(&mut stream, body.as_ref()).await;
                    // a client may take its time for a large body; a small one is taken at once
                    if body.is_some() {
                        ended = Instant::now();
                    }
                    keep_alive && sent.is_ok()
                }
                Step::Wait => {
                    let head = self.buf.split_to(end).freeze();
                    // boxed: a miss is rare, and its state would otherwise be part of every idle connection
                    let keep_alive = Box::pin(self.wait(&head, &mut stream, started)).await;
                    ended = Instant::now();
                    keep_alive
                }
                Step::Forward => {
                    let head = self.buf.split_to(end).freeze();
                    let Some(returned) = Box::pin(self.forward(&head, stream)).await else {
                        return;
                    };
                    stream = returned;
                    ended = Instant::now();
                    true
                }
                Step::Refuse(problem) => {
                    self.buf.advance(end);
                    self.refuse(&mut stream, &problem).await;
                    false
                }
            };
            if !keep_alive || self.front.shutdown.has_begun() {
                break;
            }
            patience.renew(ended.into(), limit);
        }
        stream.close().await;
    }

    /// Reads until `buf` begins with a whole request head, and returns its length; `None` when the client or this server is
    /// done.
    ///
    /// # Errors
    /// The problem to answer before closing: too large, or too slow.
    async fn read_head(
        &mut self,
        stream: &mut ClientStream,
        patience: &mut Patience,
    ) -> Result<Option<usize>, Problem> {
        let mut looked = 0;
        let mut begun = false;
        loop {
            // RFC 9112 section 2.2: empty lines before the request line are passed over
            while let [b'\r' | b'\n', ..] = self.buf[..] {
                self.buf.advance(1);
                looked = 0;
            }
            let end = head_end(&self.buf, looked);
            let limits = &self.front.proxy.config.server;
            if end.unwrap_or(self.buf.len()) > limits.max_header_bytes {
                return Err(Problem::new(
                    StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                    format!(
                        "the request head is larger than {} bytes",
                        limits.max_header_bytes
                    ),
                ));
            }
            if end.is_some() {
                return Ok(end);
            }
            looked = self.buf.len();
            if !begun && !self.buf.is_empty() {
                begun = true;
                patience.renew(Instant::now().into(), limits.header_timeout);
            }
            match poll_fn(|cx| self.poll_read(cx, stream, patience)).await {
                Heard::Bytes => {}
                Heard::Nothing if self.buf.is_empty() => return Ok(None),
                Heard::Nothing => {
                    return Err(Problem::new(
                        StatusCode::REQUEST_TIMEOUT,
                        "the request head took too long",
                    ));
                }
                Heard::End => return Ok(None),
            }
        }
    }

    /// Reads what has come. A connection whose client has been quiet for a while has no buffers until it says something.
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut ClientStream,
        patience: &mut Patience,
    ) -> Poll<Heard> {
        self.buf.reserve(READ_BYTES);
        let read = pin!(stream.read_buf(&mut self.buf)).poll(cx);
        match read {
            Poll::Ready(Ok(1..)) => return Poll::Ready(Heard::Bytes),
            Poll::Ready(_) => return Poll::Ready(Heard::End),
            Poll::Pending => {}
        }
        if self.buf.is_empty() && self.front.shutdown.has_begun() {
            return Poll::Ready(Heard::End);
        }
        let over = patience.poll(cx);
        if patience.is_quiet() && self.buf.is_empty() {
            (self.buf, self.out) = (BytesMut::new(), BytesMut::new());
            (self.key, self.text) = (String::new(), String::new());
        }
        over.map(|()| Heard::Nothing)
    }

    /// A first look at a request: answers it at once if L1 can.
    fn step(&mut self, end: usize, started: Instant) -> Step {
        let mut lines = lines();
        let read = match parse(&self.buf[..end], &mut lines) {
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
        let body = match read.method {
            ReadMethod::Head => &[],
            ReadMethod::Get => stored.body_bytes(),
        };
        let body_bytes = body.len() as u64;
        let apart = if body.len() <= ONE_WRITE_BYTES {
            self.out.extend_from_slice(body);
            None
        } else {
            Some(stored.body())
        };
        proxy.note(
            plan.route,
            &asked(&read, self.client),
            &Answered::of(&stored, started, body_bytes),
        );
        Step::Send {
            body: apart,
            keep_alive: read.keep_alive,
        }
    }

    /// Answers a request that L1 alone could not.
    async fn wait(&mut self, head: &[u8], stream: &mut ClientStream, started: Instant) -> KeepAlive {
        let mut lines = lines();
        let Ok(Head::Read(read)) = parse(head, &mut lines) else {
            return false;
        };
        let proxy = self.front.proxy.clone();
        let mut key = std::mem::take(&mut self.key); // given back at the end: its room is for the next request
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
        proxy.note(plan.route, &asked(&read, self.client), &note);
        self.key = key;
        keep_alive
    }

    /// Waits for the answer, and passes on what the origin says before it. A client of HTTP/1.0 would take that for the answer.
    async fn answer(&mut self, stream: &mut ClientStream, plan: &mut Read<'_>, protocol: Protocol) -> Answer {
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

    pub(super) fn writer(&mut self, keep_alive: bool) -> HeadWriter<'_> {
        HeadWriter {
            out: &mut self.out,
            text: &mut self.text,
            proxy: &self.front.proxy,
            keep_alive,
            explained: self.explained.take(),
        }
    }

    /// Hands a request to pingora's proxy with every byte that was read of it, and takes the connection back.
    async fn forward(&mut self, head: &[u8], stream: ClientStream) -> Option<ClientStream> {
        let mut read = BytesMut::with_capacity(head.len() + self.buf.len());
        read.extend_from_slice(head);
        read.extend_from_slice(&self.buf);
        self.buf.clear();
        let mut session = ServerSession::new_http1(Box::new(Lent::new(stream)));
        session.set_pipelined_prefix(read);
        let limit = self.front.proxy.config.server.body_timeout;
        session.set_read_timeout(Some(limit));
        session.set_write_timeout(Some(limit));
        Lent::returned(self.front.forward(session).await?, limit).await
    }
}

fn request<'h>(read: &ReadHead<'h>, scheme: Scheme, client: Option<SocketAddr>) -> Request<'h> {
    Request {
        method: read.method,
        protocol: read.protocol,
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
