//! Writes, and all that is not for the cache: pingora's proxy streams them to the nearest healthy origin. A write that
//! succeeds raises floors before its answer goes out.

mod context;
mod max_forwards;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, Method, StatusCode, Version};
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::proxy::{FailToProxy, ProxyHttp, Session};
use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, ErrorSource, ErrorType, Result};

pub(crate) use self::context::Context;
use crate::clock::UnixMillis;
use crate::fetch::{is_timeout, reason};
use crate::fields;
use crate::front::log::{Answered, Asked};
use crate::front::problem_answer;
use crate::front::upload::Upload;
use crate::key::{self, Scheme};
use crate::policy::age::Timing;
use crate::posted::{Post, Posted};
use crate::problem::Problem;
use crate::proxy::{Invalidated, Proxy, Written};
use crate::reference;
use crate::request::{Headers, Protocol};
use crate::status::{CacheStatus, Outcome};
use crate::upstream::health::note_failure;
use crate::upstream::{Candidate, Origin};

/// The callbacks that pingora's proxy makes.
pub(crate) struct Forward {
    proxy: Arc<Proxy>,
}

impl Forward {
    pub(crate) fn new(proxy: Arc<Proxy>) -> Self {
        Self { proxy }
    }

    /// Moves past the origin being tried, which has failed; `true` when there is another.
    fn next_origin(&self, context: &mut Context, why: &str) -> bool {
        if let Some(failed) = context.candidates.get(context.attempt).cloned() {
            self.count(&failed.origin, "failed");
            note_failure(&failed.origin, why);
            let same = |candidate: &Candidate| Arc::ptr_eq(&candidate.origin, &failed.origin);
            while context.candidates.get(context.attempt).is_some_and(same) {
                context.attempt += 1;
            }
        }
        context.attempt < context.candidates.len()
    }

    /// Moves past an address that takes no connection; `true` when there is another, of this origin or the next.
    fn next_address(&self, context: &mut Context, why: &str) -> bool {
        if let Some(candidate) = context.candidates.get(context.attempt) {
            self.count(&candidate.origin, "failed");
            candidate.refused(why);
            context.attempt += 1;
        }
        context.attempt < context.candidates.len()
    }

    fn count(&self, origin: &Origin, result: &str) {
        self.proxy
            .metrics
            .origin_requests
            .with_label_values(&[origin.region.as_str(), result])
            .inc();
    }

    /// RFC 9111 section 4.4: an unsafe method that succeeds makes what is stored under its URLs doubtful. So does one
    /// whose answer was lost.
    fn invalidate(&self, context: &Context, response: Option<&ResponseHeader>) -> Invalidated {
        let none = HeaderMap::new();
        let fields = response.map_or(&none, |response| &response.headers);
        let mut targets = vec![context.target.clone()];
        targets.extend(reference::locations(
            fields,
            context.scheme,
            &context.host,
            &context.target,
        ));
        let position = fields.get(fields::name::POSITION);
        self.proxy.invalidate(&Written {
            host: &context.host,
            targets,
            tags: fields::surrogate_keys(fields),
            position: position.and_then(|value| value.to_str().ok()?.parse().ok()),
            asked_at: context.asked_at_ms,
        })
    }

    /// What there is to store of a POST's answer.
    fn posted(
        &self,
        request: &RequestHeader,
        response: &ResponseHeader,
        invalidated: Invalidated,
        context: &Context,
    ) -> Option<Posted> {
        let route = context
            .route
            .as_ref()
            .filter(|_| request.method == Method::POST)?;
        let post = Post {
            proxy: &self.proxy,
            route,
            scheme: context.scheme,
            host: &context.host,
            target: &context.target,
            request: &request.headers,
            status: response.status,
            response: &response.headers,
            timing: Timing {
                requested_at: context.asked_at_ms,
                received_at: UnixMillis::now(),
            },
        };
        Posted::begin(&post, invalidated)
    }

    async fn refuse(&self, session: &mut Session, context: &mut Context, problem: Problem) -> Result<bool> {
        self.proxy.metrics.requests_refused.inc();
        session.set_keepalive(None);
        send_problem(session, &problem, None).await?;
        context.failure = Some(problem);
        Ok(true)
    }
}

#[async_trait]
impl ProxyHttp for Forward {
    type CTX = Context;

    fn new_ctx(&self) -> Context {
        Context::new()
    }

    async fn request_filter(&self, session: &mut Session, context: &mut Context) -> Result<bool> {
        let header = session.req_header();
        let tls = session.digest().is_some_and(|digest| digest.ssl_digest.is_some());
        context.scheme = if tls { Scheme::Https } else { Scheme::Http };
        context.host = fields::authority(&header.uri, &header.headers).to_owned();
        if !context.host.is_empty() && !key::is_host(&context.host) {
            let problem = Problem::bad_request("the Host field is not a host name");
            return self.refuse(session, context, problem).await;
        }
        if matches!(header.method, Method::GET | Method::HEAD) {
            context.outcome = Outcome::Bypass;
        }
        if let Err(error) = context.set_target(header) {
            let problem = Problem::bad_request(error.to_string());
            return self.refuse(session, context, problem).await;
        }
        if max_forwards::ends_here(session.req_header()) {
            let mut status = String::new();
            CacheStatus::from(context.outcome).write(&self.proxy.cache_name, &mut status);
            let answer = max_forwards::answer(session.req_header(), &status)?;
            session.write_response_header(Box::new(answer), true).await?;
            return Ok(true);
        }
        let path = context.target.split('?').next().unwrap_or_default();
        context.route = Some(Arc::clone(self.proxy.routes.find(path)));
        context.candidates = self.proxy.upstreams.candidates();
        Ok(false)
    }

    async fn upstream_peer(&self, _: &mut Session, context: &mut Context) -> Result<Box<HttpPeer>> {
        let Some(candidate) = context.candidates.get(context.attempt) else {
            return Error::e_explain(ErrorType::ConnectError, "no origin can be reached");
        };
        context.asked_at = Some(Instant::now());
        context.asked_at_ms = UnixMillis::now();
        Ok(Box::new(candidate.peer(self.proxy.upstreams.config())))
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        request: &mut RequestHeader,
        context: &mut Context,
    ) -> Result<()> {
        context.sent = true;
        if context.target.starts_with('/') {
            request.set_raw_path(context.target.as_bytes())?;
        }
        let client = session.client_addr().and_then(|addr| addr.as_inet()).copied();
        let mut headers = request.headers.clone();
        let protocol = match session.req_header().version {
            Version::HTTP_2 => Protocol::Http2,
            Version::HTTP_10 => Protocol::Http10,
            _ => Protocol::Http11,
        };
        let asked_for = (context.scheme, context.host.as_str());
        fields::for_forward(&mut headers, client, asked_for, protocol);
        for name in request.headers.keys().cloned().collect::<Vec<_>>() {
            request.remove_header(&name);
        }
        max_forwards::count_down(&request.method, &mut headers);
        for (name, value) in &headers {
            request.append_header(name.clone(), value.clone())?;
        }
        request.insert_header(HOST, self.proxy.origin_host(&context.host))?;
        Ok(())
    }

    async fn request_body_filter(
        &self,
        _: &mut Session,
        body: &mut Option<Bytes>,
        end_of_stream: bool,
        _: &mut Context,
    ) -> Result<()> {
        if body.is_some() || end_of_stream {
            Upload::moved(end_of_stream);
        }
        if end_of_stream && body.as_ref().is_some_and(Bytes::is_empty) {
            // HTTP/2 may end a body with an empty frame. pingora 0.9.1 writes that as a last chunk and then writes the last
            // chunk, and the origin takes the second one for the start of the next request on its connection.
            *body = None;
        }
        Ok(())
    }

    fn fail_to_connect(
        &self,
        _: &mut Session,
        _: &HttpPeer,
        context: &mut Context,
        mut error: Box<Error>,
    ) -> Box<Error> {
        // nothing was sent: any method may be tried elsewhere
        error.set_retry(self.next_address(context, &reason(&error)));
        error
    }

    fn error_while_proxy(
        &self,
        peer: &HttpPeer,
        session: &mut Session,
        error: Box<Error>,
        context: &mut Context,
        reused: bool,
    ) -> Box<Error> {
        let mut error = error.more_context(format!("origin at {peer}"));
        let repeatable = session.req_header().method.is_idempotent()
            || session.req_header().headers.contains_key("idempotency-key");
        let unanswered = session.response_written().is_none();
        let body_at_hand = !session.as_ref().retry_buffer_truncated();
        if *error.esource() != ErrorSource::Upstream {
            error.set_retry(false);
        } else if reused && !is_timeout(&error) {
            // the origin closed an idle connection as we picked it: the same origin again, on a new one
            error.set_retry(repeatable && unanswered && body_at_hand);
        } else {
            let another = self.next_origin(context, &reason(&error));
            error.set_retry(another && repeatable && unanswered && body_at_hand);
        }
        error
    }

    async fn response_filter(
        &self,
        session: &mut Session,
        response: &mut ResponseHeader,
        context: &mut Context,
    ) -> Result<()> {
        response.remove_header(&fields::name::EXPLAIN); // it is for us alone to say
        if response.status.is_informational() {
            return Ok(());
        }
        // pingora frames the body anew; the field that says how is its own to handle
        for name in fields::hop_by_hop(&response.headers) {
            if name != TRANSFER_ENCODING {
                response.remove_header(&name);
            }
        }
        if response.status == StatusCode::NO_CONTENT {
            response.remove_header(&CONTENT_LENGTH); // RFC 9110 section 8.6
        }
        context.origin_took = context.asked_at.map(|asked| asked.elapsed());
        if let Some(Candidate { origin, .. }) = context.candidates.get(context.attempt) {
            origin.health.answered();
            self.count(origin, "answered");
        }
        let method = &session.req_header().method;
        if !method.is_safe() && (response.status.is_success() || response.status.is_redirection()) {
            let mut invalidated = self.invalidate(context, Some(response));
            if !response.headers.contains_key(fields::name::POSITION) {
                // time decides then, in whole milliseconds: whoever has this answer asks in a later one, and what else was
                // heard of in this one cannot be told from it
                tokio::time::sleep(Duration::from_millis(1)).await;
                let (tags, epoch) = (&invalidated.tags, invalidated.epoch);
                let alone = self.proxy.coherence.unmoved_since(tags, epoch);
                invalidated.counts_from = invalidated.counts_from.filter(|_| alone);
            }
            context.posted = self.posted(session.req_header(), response, invalidated, context);
        }
        let mut status = String::new();
        CacheStatus::from(context.outcome).write(&self.proxy.cache_name, &mut status);
        response.append_header(fields::name::CACHE_STATUS, status)?;
        if let Some(route) = context
            .route
            .as_ref()
            .filter(|_| context.outcome == Outcome::Bypass)
        {
            let asked = (context.scheme, context.host.as_str(), context.target.as_str());
            let explained = self
                .proxy
                .explained_bypass(route, asked, &session.req_header().headers);
            if let Some(value) = explained {
                response.insert_header(fields::name::EXPLAIN, value)?;
            }
        }
        Ok(())
    }

    fn response_body_filter(
        &self,
        _: &mut Session,
        body: &mut Option<Bytes>,
        end_of_stream: bool,
        context: &mut Context,
    ) -> Result<Option<Duration>> {
        if let Some(piece) = body
            && let Some(posted) = context.posted.take()
        {
            context.posted = posted.with(piece);
        }
        if end_of_stream && let Some(posted) = context.posted.take() {
            posted.store();
        }
        Ok(None)
    }

    async fn fail_to_proxy(
        &self,
        session: &mut Session,
        error: &Error,
        context: &mut Context,
    ) -> FailToProxy {
        if context.sent && !session.req_header().method.is_safe() {
            // the origin may have done it all the same
            self.invalidate(context, None);
        }
        let gone = FailToProxy {
            error_code: 0,
            can_reuse_downstream: false,
        };
        let problem = match error.esource() {
            ErrorSource::Downstream => match error.etype() {
                ErrorType::InvalidHTTPHeader => Problem::bad_request("malformed request"),
                ErrorType::ReadTimedout => {
                    Problem::new(StatusCode::REQUEST_TIMEOUT, "the request body stopped coming")
                }
                _ => return gone, // the client has left: there is nobody to tell
            },
            _ if is_timeout(error) => Problem::new(StatusCode::GATEWAY_TIMEOUT, reason(error)),
            _ => Problem::new(StatusCode::BAD_GATEWAY, reason(error)),
        };
        if session.response_written().is_some() {
            return gone;
        }
        let code = problem.status.as_u16();
        if let Err(error) = send_problem(session, &problem, Some((&self.proxy, context.outcome))).await {
            tracing::debug!(%error, "a problem did not reach its client");
        }
        context.failure = Some(problem);
        FailToProxy {
            error_code: code,
            can_reuse_downstream: false,
        }
    }

    async fn logging(&self, session: &mut Session, error: Option<&Error>, context: &mut Context) {
        let Some(route) = &context.route else { return };
        let header = session.req_header();
        let written = session
            .response_written()
            .map(|response| response.status.as_u16());
        let failed = context.failure.as_ref().map(|problem| problem.status.as_u16());
        let asked = Asked {
            client: session.client_addr().and_then(|addr| addr.as_inet()).copied(),
            protocol: if header.version == http::Version::HTTP_2 {
                "HTTP/2"
            } else {
                "HTTP/1.1"
            },
            method: header.method.as_str(),
            host: &context.host,
            target: &context.target,
            headers: Headers::Map(&header.headers),
        };
        let answered = Answered {
            started: context.started,
            outcome: context.outcome,
            status: written.or(failed).unwrap_or(499), // nginx's code for a client that left
            body_bytes: session.body_bytes_sent() as u64,
            age_s: None,
            origin_took: context.origin_took,
            cut_short: error.is_some() && failed.is_none(),
        };
        self.proxy.note(route, &asked, &answered);
    }
}

async fn send_problem(
    session: &mut Session,
    problem: &Problem,
    cache: Option<(&Proxy, Outcome)>,
) -> Result<()> {
    let (head, body) = problem_answer(problem);
    let mut header = ResponseHeader::from(head);
    if let Some((proxy, outcome)) = cache {
        let mut status = String::new();
        CacheStatus::from(outcome).write(&proxy.cache_name, &mut status);
        header.insert_header(fields::name::CACHE_STATUS, status)?;
    }
    session.write_response_header(Box::new(header), false).await?;
    session.write_response_body(Some(body), true).await
}
