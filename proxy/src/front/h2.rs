//! The HTTP/2 front, over the h2 crate. What L1 has is answered by the connection's own task; what has to wait gets a task of its
//! own (`h2_stream`).

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::poll;
use h2::server::{Builder, SendResponse};
use h2::{Reason, RecvStream};
use http::request::Parts;
use http::{HeaderMap, Request, StatusCode};
use pingora::protocols::Digest;

use super::Front;
use super::cork::{Cork, Corked, corked};
use super::h2_fields;
use super::h2_head::{Malformed, ReadHead, read};
use super::h2_reply::Reply;
use super::h2_session::H2Session;
use super::h2_stream;
use super::log::Answered;
use super::patience::Patience;
use crate::answer::body_for;
use crate::client_stream::ClientStream;
use crate::read::Plan;
use crate::routes::RouteState;

/// Streams that a client may have open at once.
const STREAMS_MAX: u32 = 100;
/// Malformed requests that are refused one by one; a client that sends more loses its connection.
const MALFORMED_MAX: usize = 32;
/// How long a client may take to hear that its connection closes.
const GOODBYE_FOR: Duration = Duration::from_secs(1);

type Incoming = (Request<RecvStream>, SendResponse<Bytes>);

/// One client connection.
struct Connection {
    front: Front,
    client: Option<SocketAddr>,
    frames: h2::server::Connection<Corked, Bytes>,
    cork: Cork,
    patience: Patience,
    digest: Arc<Digest>,
    /// Held by every stream that has a task: one reference is this connection's.
    streams: Arc<()>,
    malformed: usize,
    stopping: bool,
    key: String,
    text: String,
}

/// What a connection waits for.
#[expect(
    clippy::large_enum_variant,
    reason = "a request is the common case, and a box would be an allocation for each hit"
)]
enum Event {
    Request(Incoming),
    /// The client has said nothing for long.
    Silence,
    /// This server stops.
    Stop,
    /// Nothing more will come.
    End,
}

/// Serves one client connection until either side is done.
pub(crate) async fn serve(front: Front, stream: ClientStream, client: Option<SocketAddr>) {
    let digest = Arc::new(stream.digest());
    let (stream, cork) = corked(stream);
    let Some(frames) = shake_hands(&front, stream, &cork, client).await else {
        return;
    };
    let mut shutdown = front.shutdown.clone();
    let mut stop = pin!(shutdown.begun());
    // once is enough: a task that is woken by it looks at the flag
    let _ = poll!(stop.as_mut());
    let limit = front.proxy.config.server.keepalive_timeout;
    let connection = Connection {
        front,
        client,
        frames,
        cork,
        patience: Patience::new(Instant::now().into(), limit),
        digest,
        streams: Arc::new(()),
        malformed: 0,
        stopping: false,
        key: String::new(),
        text: String::new(),
    };
    connection.serve(limit).await;
}

/// Exchanges settings with a client; `None` when that fails or takes too long.
async fn shake_hands(
    front: &Front,
    stream: Corked,
    cork: &Cork,
    client: Option<SocketAddr>,
) -> Option<h2::server::Connection<Corked, Bytes>> {
    let limits = &front.proxy.config.server;
    let mut options = Builder::new();
    options.max_concurrent_streams(STREAMS_MAX);
    options.max_header_list_size(u32::try_from(limits.max_header_bytes).unwrap_or(u32::MAX));
    let mut shutdown = front.shutdown.clone();
    let mut handshake = pin!(options.handshake(stream));
    let uncorked = poll_fn(|cx| {
        let shaken = handshake.as_mut().poll(cx);
        let _ = cork.poll_out(cx); // a failure shows at the next read
        shaken
    });
    let shaken = tokio::select! {
        shaken = tokio::time::timeout(limits.header_timeout, uncorked) => shaken,
        () = shutdown.begun() => return None,
    };
    let frames = shaken.ok().and_then(Result::ok);
    if frames.is_none() {
        tracing::debug!(?client, "an HTTP/2 handshake failed or took too long");
    }
    frames
}

impl Connection {
    async fn serve(mut self, limit: Duration) {
        loop {
            match poll_fn(|cx| self.poll_event(cx)).await {
                Event::Request((request, respond)) => {
                    let started = Instant::now();
                    self.patience.renew(started.into(), limit);
                    if self.take(request, respond, started).is_err() {
                        self.malformed += 1;
                    }
                    if self.malformed == MALFORMED_MAX {
                        self.frames.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
                        return self.say_goodbye().await;
                    }
                }
                // somebody waits for an answer, or takes one
                Event::Silence if Arc::strong_count(&self.streams) > 1 || self.cork.has_moved() => {
                    self.patience.renew(Instant::now().into(), limit);
                }
                Event::Silence => {
                    self.frames.graceful_shutdown();
                    return self.say_goodbye().await;
                }
                Event::Stop => {
                    self.frames.graceful_shutdown();
                    self.stopping = true;
                }
                Event::End => return self.say_goodbye().await,
            }
        }
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        if !self.stopping && self.front.shutdown.has_begun() {
            return Poll::Ready(Event::Stop);
        }
        match self.frames.poll_accept(cx) {
            Poll::Ready(Some(Ok(incoming))) => return Poll::Ready(Event::Request(incoming)),
            Poll::Ready(Some(Err(error))) => {
                tracing::debug!(%error, "an HTTP/2 connection ended");
                return Poll::Ready(Event::End);
            }
            Poll::Ready(None) => return Poll::Ready(Event::End),
            Poll::Pending => {}
        }
        // every stream has said what it can say now
        if let Poll::Ready(Err(error)) = self.cork.poll_out(cx) {
            tracing::debug!(%error, "an HTTP/2 connection broke");
            return Poll::Ready(Event::End);
        }
        let over = self.patience.poll(cx);
        if self.patience.turned_quiet() {
            self.cork.shrink();
            (self.key, self.text) = (String::new(), String::new());
        }
        over.map(|()| Event::Silence)
    }

    /// Lets a client hear that its connection closes.
    async fn say_goodbye(mut self) {
        let goodbye = poll_fn(|cx| {
            let closed = self.frames.poll_closed(cx);
            match self.cork.poll_out(cx) {
                Poll::Ready(Ok(())) => closed.map(drop),
                Poll::Ready(Err(_)) => Poll::Ready(()),
                Poll::Pending => Poll::Pending,
            }
        });
        let _ = tokio::time::timeout(GOODBYE_FOR, goodbye).await;
    }

    /// Answers a request at once if it can be, or gives it a task of its own.
    ///
    /// # Errors
    /// [`Malformed`] for one that has been refused.
    fn take(
        &mut self,
        request: Request<RecvStream>,
        respond: SendResponse<Bytes>,
        started: Instant,
    ) -> Result<(), Malformed> {
        let (head, body) = request.into_parts();
        let limit = self.front.proxy.config.server.body_timeout;
        let mut reply = Reply::new(respond, Some(limit));
        let read = match read(&head) {
            Ok(read) => read,
            Err(why) => {
                refuse(&self.front, reply, why);
                return Err(why);
            }
        };
        let answer = read.map_or(AtOnce::No, |read| {
            self.answer_now(&head, read, &mut reply, started)
        });
        if matches!(answer, AtOnce::Done) {
            return Ok(());
        }
        let (front, client, open) = (self.front.clone(), self.client, Arc::clone(&self.streams));
        let digest = Arc::clone(&self.digest);
        tokio::spawn(async move {
            match answer {
                AtOnce::Rest(rest) => rest.send(&front, &head, reply, client).await,
                _ => {
                    h2_stream::serve(front, H2Session::new(head, body, reply, digest), client, started).await;
                }
            }
            drop(open);
        });
        Ok(())
    }

    /// Answers a GET or HEAD if L1 can.
    fn answer_now(
        &mut self,
        head: &Parts,
        read: ReadHead<'_>,
        reply: &mut Reply,
        started: Instant,
    ) -> AtOnce {
        let proxy = &self.front.proxy;
        let request = read.request(head, self.client);
        let Plan::Read(plan) = proxy.plan(request, &mut self.key) else {
            return AtOnce::No;
        };
        let Some(stored) = proxy.answer_now(&plan) else {
            return AtOnce::No;
        };
        let explained = proxy.explained_stored(&plan, &stored);
        let fields = h2_fields::of_stored(proxy, &stored, explained, &mut self.text);
        proxy.l1.weigh_again(plan.hash, &stored.entry); // its fields may have been made just now
        let body = body_for(read.method, &stored);
        let mut answered = Answered::of(&stored, started, body.len() as u64);
        let status = StatusCode::from_u16(stored.code()).unwrap_or(StatusCode::OK);
        match reply.whole(status, fields, body) {
            Ok(None) => {}
            Ok(Some(body)) => {
                return AtOnce::Rest(Box::new(Rest {
                    body,
                    route: Arc::clone(plan.route),
                    answered,
                }));
            }
            Err(error) => {
                tracing::debug!(%error, "an answer was cut short");
                (answered.cut_short, answered.body_bytes) = (true, 0);
            }
        }
        proxy.note(plan.route, &read.asked(head, self.client), &answered);
        AtOnce::Done
    }
}

/// What has become of a request after a first look.
enum AtOnce {
    /// Answered.
    Done,
    /// Answered but for a body that the client has no room for now.
    Rest(Box<Rest>),
    /// L1 does not answer it.
    No,
}

/// A body whose client takes it at its own pace.
struct Rest {
    body: Bytes,
    route: Arc<RouteState>,
    answered: Answered,
}

impl Rest {
    async fn send(
        self: Box<Self>,
        front: &Front,
        head: &Parts,
        mut reply: Reply,
        client: Option<SocketAddr>,
    ) {
        let Self {
            body,
            route,
            mut answered,
        } = *self;
        if let Err(error) = reply.data(body, true).await {
            tracing::debug!(%error, "an answer was cut short");
            (answered.cut_short, answered.body_bytes) = (true, 0);
        }
        if let Ok(Some(read)) = read(head) {
            front.proxy.note(&route, &read.asked(head, client), &answered);
        }
    }
}

fn refuse(front: &Front, mut reply: Reply, why: Malformed) {
    tracing::debug!(%why, "a malformed HTTP/2 request");
    front.proxy.metrics.requests_refused.inc();
    if let Err(error) = reply.head(StatusCode::BAD_REQUEST, HeaderMap::new(), true) {
        tracing::debug!(%error, "a refusal did not reach its client");
    }
}
