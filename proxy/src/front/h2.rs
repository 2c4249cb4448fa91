//! The HTTP/2 front, over pingora's h2 server. Each stream walks the same road as an HTTP/1 request.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use http::header::{CONTENT_LENGTH, COOKIE};
use http::{HeaderValue, Method, StatusCode};
use pingora::http::ResponseHeader;
use pingora::protocols::http::ServerSession;
use pingora::protocols::http::v2::server::{H2Accept, HttpSession, default_h2_options, handshake};
use pingora::protocols::{Digest, Stream};

use super::h1_head::FIELDS_MAX;
use super::log::{Answered, Asked};
use super::upload::Upload;
use super::{Front, problem_answer, stopped};
use crate::answer::{Answer, Form, Stored};
use crate::coalesce::{FillReader, ResponseHead};
use crate::fields::{self, name::CACHE_STATUS};
use crate::key::Scheme;
use crate::problem::Problem;
use crate::proxy::Proxy;
use crate::read::Plan;
use crate::request::{Headers, Protocol, ReadMethod, Request};
use crate::status::CacheStatus;

/// Serves one client connection until either side is done.
pub(crate) async fn serve(front: Front, stream: Stream, client: Option<SocketAddr>) {
    let digest = Arc::new(Digest {
        ssl_digest: stream.get_ssl_digest(),
        timing_digest: stream.get_timing_digest(),
        proxy_digest: stream.get_proxy_digest(),
        socket_digest: stream.get_socket_digest(),
    });
    let mut shutdown = front.shutdown.clone();
    let limits = &front.proxy.config.server;
    let mut options = default_h2_options();
    options.max_header_list_size(u32::try_from(limits.max_header_bytes).unwrap_or(u32::MAX));
    let shaken = tokio::select! {
        shaken = tokio::time::timeout(limits.header_timeout, handshake(stream, Some(options))) => shaken,
        () = stopped(&mut shutdown) => return,
    };
    let Ok(Ok(mut connection)) = shaken else {
        tracing::debug!(?client, "an HTTP/2 handshake failed or took too long");
        return;
    };
    let idle_limit = limits.keepalive_timeout;
    let streams = Arc::new(());
    let mut stopping = false;
    loop {
        let accepted = tokio::select! {
            biased;
            () = stopped(&mut shutdown), if !stopping => {
                connection.graceful_shutdown();
                stopping = true;
                continue;
            }
            accepted = HttpSession::from_h2_conn(&mut connection, Arc::clone(&digest)) => accepted,
            () = tokio::time::sleep(idle_limit) => {
                // one reference is ours: no stream is open
                if Arc::strong_count(&streams) == 1 {
                    close(&mut connection).await;
                    return;
                }
                continue;
            }
        };
        match accepted {
            Ok(Some(H2Accept::Session(session))) => {
                let (front, open) = (front.clone(), Arc::clone(&streams));
                tokio::spawn(async move {
                    serve_stream(front, session, client).await;
                    drop(open);
                });
            }
            Ok(Some(_)) => {}
            Ok(None) => return,
            Err(error) => {
                tracing::debug!(%error, "an HTTP/2 connection ended");
                return;
            }
        }
    }
}

/// Says goodbye to an idle client.
async fn close(connection: &mut h2::server::Connection<Stream, bytes::Bytes>) {
    connection.graceful_shutdown();
    let goodbye = std::future::poll_fn(|cx| connection.poll_closed(cx));
    let _ = tokio::time::timeout(std::time::Duration::from_secs(1), goodbye).await;
}

async fn serve_stream(front: Front, mut session: HttpSession, client: Option<SocketAddr>) {
    let started = Instant::now();
    let limit = Some(front.proxy.config.server.body_timeout);
    session.set_write_timeout(limit);
    if let Some(cookie) = fields::joined_cookie(&session.req_header().headers)
        && session.req_header_mut().insert_header(COOKIE, cookie).is_err()
    {
        return;
    }
    let header = session.req_header();
    let method = match header.method {
        Method::GET => Some(ReadMethod::Get),
        Method::HEAD => Some(ReadMethod::Head),
        _ => None,
    };
    let too_many_fields = header.headers.len() > FIELDS_MAX;
    let method = method.filter(|_| !announces_body(header));
    if too_many_fields {
        let problem = Problem::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            format!("more than {FIELDS_MAX} header fields"),
        );
        return Sender::new(&front, session, false).refuse(&problem).await;
    }
    match method {
        Some(method) => serve_read(&front, session, method, client, started).await,
        None => forward(&front, session).await,
    }
}

/// Answers a GET or HEAD without a body.
async fn serve_read(
    front: &Front,
    session: HttpSession,
    method: ReadMethod,
    client: Option<SocketAddr>,
    started: Instant,
) {
    let header = session.req_header().clone();
    let target = header.uri.path_and_query().map_or("/", |target| target.as_str());
    let host = fields::authority(&header.uri, &header.headers);
    let request = Request {
        method,
        scheme: Scheme::Https,
        host: &host,
        target,
        headers: Headers::Map(&header.headers),
        client,
    };
    let mut key = String::new();
    let mut sender = Sender::new(front, session, method == ReadMethod::Head);
    match front.proxy.plan(request, &mut key) {
        Plan::Forward => forward(front, sender.session).await,
        Plan::Refuse(problem) => sender.refuse(&problem).await,
        Plan::Read(read) => {
            let answer = match front.proxy.answer_now(&read) {
                Some(stored) => Answer::Stored(stored),
                None => front.proxy.answer(&read).await,
            };
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

/// Forwards a stream, unless its upload stops coming: pingora has no read timeout for HTTP/2.
async fn forward(front: &Front, session: HttpSession) {
    let limit = front.proxy.config.server.body_timeout;
    let uploads = !session.is_body_done();
    let upload = Arc::new(Upload::default());
    let forwarding = upload.watch(front.forward(ServerSession::new_http2(session)));
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
fn announces_body(header: &pingora::http::RequestHeader) -> bool {
    header
        .headers
        .get(CONTENT_LENGTH)
        .is_some_and(|length| length.as_bytes() != b"0")
}

/// Writes one stream's answer.
struct Sender {
    session: HttpSession,
    proxy: Arc<Proxy>,
    head_only: bool,
}

impl Sender {
    fn new(front: &Front, session: HttpSession, head_only: bool) -> Self {
        Self {
            session,
            proxy: Arc::clone(&front.proxy),
            head_only,
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
                answered.age_s = Some(stored.age_s);
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

    async fn stored(&mut self, stored: &Stored) -> pingora::Result<u64> {
        let fields = match &stored.form {
            Form::Made(made) => &made.headers,
            Form::Whole | Form::NotModified => stored.entry.headers(),
        };
        let not_modified = matches!(stored.form, Form::NotModified);
        let mut header = ResponseHeader::build(stored.code(), Some(fields.len() + 2))?;
        for (name, value) in fields {
            if !not_modified || fields::OF_NOT_MODIFIED.contains(name) {
                header.append_header(name.clone(), value.clone())?;
            }
        }
        header.insert_header(http::header::AGE, HeaderValue::from(stored.age_s))?;
        self.insert_status(&mut header, &stored.status)?;
        let body = if self.head_only {
            bytes::Bytes::new()
        } else {
            stored.body()
        };
        self.session
            .write_response_header(Box::new(header), body.is_empty())?;
        let length = body.len() as u64;
        if length > 0 {
            self.session.write_body(body, true).await?;
        }
        Ok(length)
    }

    async fn stream(
        &mut self,
        head: &ResponseHead,
        mut reader: FillReader,
        status: &CacheStatus,
    ) -> pingora::Result<u64> {
        let mut header = ResponseHeader::build(head.status, Some(head.headers.len() + 2))?;
        for (name, value) in &head.headers {
            header.append_header(name.clone(), value.clone())?;
        }
        if let Some(age_s) = head.age_given_s {
            header.insert_header(http::header::AGE, HeaderValue::from(age_s))?;
        }
        self.insert_status(&mut header, status)?;
        let no_body =
            self.head_only || matches!(head.status.as_u16(), 204 | 304) || head.content_length == Some(0);
        self.session.write_response_header(Box::new(header), no_body)?;
        if no_body {
            return Ok(0);
        }
        let mut sent = 0;
        loop {
            let Ok(next) = reader.next().await else {
                self.session.shutdown_with_reason(h2::Reason::INTERNAL_ERROR);
                return pingora::Error::e_explain(
                    pingora::ErrorType::ConnectionClosed,
                    "the origin broke off before the end of the body",
                );
            };
            let Some(data) = next else {
                self.session.finish()?;
                return Ok(sent);
            };
            sent += data.len() as u64;
            self.session.write_body(data, false).await?;
        }
    }

    async fn problem(&mut self, problem: &Problem, status: Option<&CacheStatus>) -> pingora::Result<u64> {
        let (mut header, body) = problem_answer(problem)?;
        if let Some(status) = status {
            self.insert_status(&mut header, status)?;
        }
        self.session
            .write_response_header(Box::new(header), self.head_only)?;
        if self.head_only {
            return Ok(0);
        }
        let length = body.len() as u64;
        self.session.write_body(body, true).await?;
        Ok(length)
    }

    fn insert_status(&self, header: &mut ResponseHeader, status: &CacheStatus) -> pingora::Result<()> {
        let mut text = String::with_capacity(64);
        status.write(&self.proxy.cache_name, &mut text);
        header.append_header(CACHE_STATUS, text)?;
        Ok(())
    }
}
