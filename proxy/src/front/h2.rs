//! The HTTP/2 front, over the h2 crate. Each stream walks the same road as an HTTP/1 request.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::Reason;
use h2::server::{Builder, SendResponse};
use http::header::{AGE, CONTENT_LENGTH, COOKIE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use pingora::http::RequestHeader;
use pingora::protocols::http::ServerSession;
use pingora::protocols::{Digest, Stream};

use super::h1_head::FIELDS_MAX;
use super::h2_head::{self, Malformed};
use super::h2_reply::{Reply, Unsent};
use super::h2_session::H2Session;
use super::log::{Answered, Asked};
use super::upload::Upload;
use super::{Front, problem_answer, stopped};
use crate::answer::{Answer, Form, Stored};
use crate::coalesce::{FillReader, ResponseHead};
use crate::fields::{self, name::CACHE_STATUS, name::EXPLAIN};
use crate::key::Scheme;
use crate::problem::Problem;
use crate::proxy::Proxy;
use crate::read::{Plan, Read, coming};
use crate::request::{Headers, Protocol, ReadMethod, Request};
use crate::status::CacheStatus;

/// Streams that a client may have open at once.
const STREAMS_MAX: u32 = 100;
/// Malformed requests that are refused one by one; a client that sends more loses its connection.
const MALFORMED_MAX: usize = 32;
/// How long a client may take to hear that its connection closes.
const GOODBYE_FOR: Duration = Duration::from_secs(1);

type H2Connection = h2::server::Connection<Stream, Bytes>;

/// Serves one client connection until either side is done.
pub(crate) async fn serve(front: Front, stream: Stream, client: Option<SocketAddr>) {
    let digest = Arc::new(Digest {
        ssl_digest: stream.get_ssl_digest(),
        timing_digest: stream.get_timing_digest(),
        proxy_digest: stream.get_proxy_digest(),
        socket_digest: stream.get_socket_digest(),
    });
    let Some(mut connection) = shake_hands(&front, stream, client).await else {
        return;
    };
    let mut shutdown = front.shutdown.clone();
    let idle_limit = front.proxy.config.server.keepalive_timeout;
    let streams = Arc::new(());
    let mut stopping = false;
    let mut malformed = 0;
    loop {
        let accepted = tokio::select! {
            biased;
            () = stopped(&mut shutdown), if !stopping => {
                connection.graceful_shutdown();
                stopping = true;
                continue;
            }
            accepted = connection.accept() => accepted,
            () = tokio::time::sleep(idle_limit) => {
                // one reference is ours: no stream is open
                if Arc::strong_count(&streams) == 1 {
                    connection.graceful_shutdown();
                    return say_goodbye(&mut connection).await;
                }
                continue;
            }
        };
        let (request, respond) = match accepted {
            Some(Ok(accepted)) => accepted,
            Some(Err(error)) => {
                tracing::debug!(%error, "an HTTP/2 connection ended");
                return;
            }
            None => return,
        };
        if let Err(why) = h2_head::check(request.method(), request.uri(), request.headers()) {
            refuse_malformed(&front, respond, why);
            malformed += 1;
            if malformed == MALFORMED_MAX {
                connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
                return say_goodbye(&mut connection).await;
            }
            continue;
        }
        let reply = Reply::new(respond, Some(front.proxy.config.server.body_timeout));
        let session = H2Session::new(request, reply, Arc::clone(&digest));
        let (front, open) = (front.clone(), Arc::clone(&streams));
        tokio::spawn(async move {
            serve_stream(front, session, client).await;
            drop(open);
        });
    }
}

/// Exchanges settings with a client; `None` when that fails or takes too long.
async fn shake_hands(front: &Front, stream: Stream, client: Option<SocketAddr>) -> Option<H2Connection> {
    let limits = &front.proxy.config.server;
    let mut options = Builder::new();
    options.max_concurrent_streams(STREAMS_MAX);
    options.max_header_list_size(u32::try_from(limits.max_header_bytes).unwrap_or(u32::MAX));
    let mut shutdown = front.shutdown.clone();
    let shaken = tokio::select! {
        shaken = tokio::time::timeout(limits.header_timeout, options.handshake(stream)) => shaken,
        () = stopped(&mut shutdown) => return None,
    };
    let connection = shaken.ok().and_then(Result::ok);
    if connection.is_none() {
        tracing::debug!(?client, "an HTTP/2 handshake failed or took too long");
    }
    connection
}

/// Lets a client hear that its connection closes.
async fn say_goodbye(connection: &mut H2Connection) {
    let goodbye = std::future::poll_fn(|cx| connection.poll_closed(cx));
    let _ = tokio::time::timeout(GOODBYE_FOR, goodbye).await;
}

/// Answers a request that RFC 9113 section 8.1.1 lets nobody pass on.
fn refuse_malformed(front: &Front, respond: SendResponse<Bytes>, why: Malformed) {
    tracing::debug!(%why, "a malformed HTTP/2 request");
    front.proxy.metrics.requests_refused.inc();
    if let Err(error) = Reply::new(respond, None).head(StatusCode::BAD_REQUEST, HeaderMap::new(), true) {
        tracing::debug!(%error, "a refusal did not reach its client");
    }
}

async fn serve_stream(front: Front, mut session: H2Session, client: Option<SocketAddr>) {
    let started = Instant::now();
    if let Some(cookie) = fields::joined_cookie(&session.header.headers)
        && session.header.insert_header(COOKIE, cookie).is_err()
    {
        return;
    }
    let header = &session.header;
    if header.headers.len() > FIELDS_MAX {
        let problem = Problem::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            format!("more than {FIELDS_MAX} header fields"),
        );
        return Sender::new(&front, session.reply, false).refuse(&problem).await;
    }
    let method = match header.method {
        Method::GET => Some(ReadMethod::Get),
        Method::HEAD => Some(ReadMethod::Head),
        _ => None,
    };
    match method.filter(|_| !announces_body(header)) {
        Some(method) => serve_read(&front, session, method, client, started).await,
        None => forward(&front, session).await,
    }
}

/// Answers a GET or HEAD without a body.
async fn serve_read(
    front: &Front,
    session: H2Session,
    method: ReadMethod,
    client: Option<SocketAddr>,
    started: Instant,
) {
    let header = &session.header;
    let target = header.uri.path_and_query().map_or("/", |target| target.as_str());
    let host = fields::authority(&header.uri, &header.headers);
    let request = Request {
        method,
        protocol: Protocol::Http2,
        scheme: Scheme::Https,
        host: &host,
        target,
        headers: Headers::Map(&header.headers),
        client,
    };
    let mut key = String::new();
    let head_only = method == ReadMethod::Head;
    match front.proxy.plan(request, &mut key) {
        plan @ Plan::Forward => {
            drop(plan); // it borrows the request
            forward(front, session).await;
        }
        Plan::Refuse(problem) => {
            Sender::new(front, session.reply, head_only)
                .refuse(&problem)
                .await;
        }
        Plan::Read(mut read) => {
            let mut reply = session.reply;
            let answer = match front.proxy.answer_now(&read) {
                Some(stored) => Answer::Stored(stored),
                None => wait(front, &mut read, &mut reply).await,
            };
            let mut sender = Sender::new(front, reply, head_only);
            sender.explained = front.proxy.explained(&read, &answer);
            let answered = sender.answer(answer, started).await;
            let asked = Asked {
                client,
                protocol: Protocol::Http2.as_str(),
                method: method.as_str(),
                host: &host,
                target,
                headers: read.request.headers,
            };
            front.proxy.note(&read.route, &asked, &answered);
        }
    }
}

/// Waits for the answer, and passes on what the origin says before it.
async fn wait(front: &Front, read: &mut Read<'_>, reply: &mut Reply) -> Answer {
    let mut hints = read.hear_hints();
    let mut answering = pin!(front.proxy.answer(read));
    loop {
        let come = coming(&mut hints, answering.as_mut()).await;
        for hint in come.hints {
            reply.informational(hint.status, &hint.headers).await;
        }
        if let Some(answer) = come.answer {
            return answer;
        }
    }
}

/// Forwards a stream, unless its upload stops coming.
async fn forward(front: &Front, session: H2Session) {
    let limit = front.proxy.config.server.body_timeout;
    let uploads = !session.has_whole_body();
    let upload = Arc::new(Upload::default());
    let forwarding = upload.watch(front.forward(ServerSession::new_custom(Box::new(session))));
    tokio::select! {
        _ = forwarding => {}
        () = upload.stalled(limit), if uploads => {
            tracing::debug!("an upload stopped coming");
            front.proxy.metrics.requests_refused.inc();
        }
    }
}

/// Whether a request says that it has content. The end of its stream does not tell: a stream that its client has reset
/// meanwhile never ends, and must not reach an origin for that. Content that a GET brings unannounced goes nowhere.
fn announces_body(header: &RequestHeader) -> bool {
    header
        .headers
        .get(CONTENT_LENGTH)
        .is_some_and(|length| length.as_bytes() != b"0")
}

/// Writes one stream's answer.
struct Sender {
    reply: Reply,
    proxy: Arc<Proxy>,
    head_only: bool,
    /// `Proxima-Explain`, where the client asked for it and may know.
    explained: Option<HeaderValue>,
}

impl Sender {
    fn new(front: &Front, reply: Reply, head_only: bool) -> Self {
        Self {
            reply,
            proxy: Arc::clone(&front.proxy),
            head_only,
            explained: None,
        }
    }

    /// Answers a request that goes nowhere.
    async fn refuse(mut self, problem: &Problem) {
        self.proxy.metrics.requests_refused.inc();
        if let Err(error) = self.problem(problem, None).await {
            tracing::debug!(%error, "a refusal did not reach its client");
        }
    }

    async fn answer(&mut self, answer: Answer, started: Instant) -> Answered {
        let mut answered = Answered {
            started,
            outcome: crate::status::Outcome::UriMiss,
            status: 0,
            body_bytes: 0,
            age_s: None,
            origin_took: None,
            cut_short: false,
        };
        let sent = match answer {
            Answer::Stored(stored) => {
                answered.outcome = stored.status.outcome;
                answered.status = stored.code();
                answered.age_s = stored.age_s;
                answered.origin_took = stored.origin_took;
                self.stored(&stored).await
            }
            Answer::Stream { head, reader, status } => {
                answered.outcome = status.outcome;
                answered.status = head.status.as_u16();
                answered.origin_took = (!status.collapsed).then_some(head.origin_took);
                self.stream(&head, reader, &status).await
            }
            Answer::Problem { problem, status } => {
                answered.outcome = status.outcome;
                answered.status = problem.status.as_u16();
                self.problem(&problem, Some(&status)).await
            }
        };
        match sent {
            Ok(bytes) => answered.body_bytes = bytes,
            Err(error) => {
                tracing::debug!(%error, "an answer was cut short");
                answered.cut_short = true;
            }
        }
        answered
    }

    async fn stored(&mut self, stored: &Stored) -> Result<u64, Unsent> {
        let fields = match &stored.form {
            Form::Made(made) => &made.headers,
            Form::Whole | Form::NotModified => stored.entry.headers(),
        };
        let not_modified = matches!(stored.form, Form::NotModified);
        let status = StatusCode::from_u16(stored.code()).unwrap_or(StatusCode::OK);
        let mut headers = HeaderMap::with_capacity(fields.len() + 2);
        for (name, value) in fields {
            if !not_modified || fields::OF_NOT_MODIFIED.contains(name) {
                headers.append(name.clone(), value.clone());
            }
        }
        headers.extend(stored.age_s.map(|age_s| (AGE, HeaderValue::from(age_s))));
        self.add_status(&mut headers, &stored.status);
        let body = if self.head_only {
            Bytes::new()
        } else {
            stored.body()
        };
        self.whole(status, headers, body).await
    }

    async fn stream(
        &mut self,
        head: &ResponseHead,
        mut reader: FillReader,
        status: &CacheStatus,
    ) -> Result<u64, Unsent> {
        let mut headers = HeaderMap::with_capacity(head.headers.len() + 2);
        for (name, value) in &head.headers {
            headers.append(name.clone(), value.clone());
        }
        if let Some(age_s) = head.age_given_s {
            headers.insert(AGE, HeaderValue::from(age_s));
        }
        self.add_status(&mut headers, status);
        let no_body =
            self.head_only || matches!(head.status.as_u16(), 204 | 304) || head.content_length == Some(0);
        self.reply.head(head.status, headers, no_body)?;
        if no_body {
            return Ok(0);
        }
        let mut sent = 0;
        loop {
            let next = tokio::select! {
                next = reader.next() => next,
                why = self.reply.abandoned() => return Err(why),
            };
            match next {
                Ok(Some(data)) => {
                    sent += data.len() as u64;
                    self.reply.data(data, false).await?;
                }
                Ok(None) => {
                    self.reply.finish()?;
                    return Ok(sent);
                }
                Err(broken_off) => {
                    self.reply.reset(Reason::INTERNAL_ERROR);
                    return Err(broken_off.into());
                }
            }
        }
    }

    async fn problem(&mut self, problem: &Problem, status: Option<&CacheStatus>) -> Result<u64, Unsent> {
        let (mut head, body) = problem_answer(problem);
        if let Some(status) = status {
            self.add_status(&mut head.headers, status);
        }
        let body = if self.head_only { Bytes::new() } else { body };
        self.whole(problem.status, head.headers, body).await
    }

    /// Sends an answer that is whole in memory.
    async fn whole(&mut self, status: StatusCode, headers: HeaderMap, body: Bytes) -> Result<u64, Unsent> {
        let bytes = body.len() as u64;
        self.reply.head(status, headers, bytes == 0)?;
        if bytes > 0 {
            self.reply.data(body, true).await?;
        }
        Ok(bytes)
    }

    fn add_status(&mut self, headers: &mut HeaderMap, status: &CacheStatus) {
        let mut text = String::with_capacity(64);
        status.write(&self.proxy.cache_name, &mut text);
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.append(CACHE_STATUS, value);
        }
        headers.extend(self.explained.take().map(|explained| (EXPLAIN, explained)));
    }
}
