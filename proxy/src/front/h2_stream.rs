//! One HTTP/2 stream with a task of its own: a read that cannot be answered at a glance, or a request that is forwarded. It walks
//! the same road as an HTTP/1 request.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use h2::Reason;
use http::header::{AGE, COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};
use pingora::protocols::http::ServerSession;

use super::h1_head::FIELDS_MAX;
use super::h2_fields;
use super::h2_head;
use super::h2_reply::{Reply, Unsent};
use super::h2_session::H2Session;
use super::log::Answered;
use super::upload::Upload;
use super::{Front, problem_answer};
use crate::answer::{Answer, Stored};
use crate::coalesce::{FillReader, ResponseHead};
use crate::fields::{self, name::EXPLAIN};
use crate::problem::Problem;
use crate::proxy::Proxy;
use crate::read::{Plan, Read, coming};
use crate::request::ReadMethod;
use crate::status::CacheStatus;

/// Serves one stream.
pub(super) async fn serve(
    front: Front,
    mut session: H2Session,
    client: Option<SocketAddr>,
    started: Instant,
) {
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
    // the cookie was in pieces, if it was: now the head may be one for the cache
    match h2_head::read(header) {
        Ok(Some(_)) => serve_read(&front, session, client, started).await,
        _ => forward(&front, session).await,
    }
}

/// Answers a GET or HEAD without a body.
async fn serve_read(front: &Front, session: H2Session, client: Option<SocketAddr>, started: Instant) {
    let header = &session.header;
    let Ok(Some(head)) = h2_head::read(header) else {
        return;
    };
    let mut key = String::new();
    let head_only = head.method == ReadMethod::Head;
    match front.proxy.plan(head.request(header, client), &mut key) {
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
            front
                .proxy
                .note(read.route, &head.asked(header, client), &answered);
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
                answered = Answered::of(&stored, started, 0);
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
        let fields = h2_fields::of_stored(&self.proxy, stored, self.explained.take(), &mut String::new());
        let status = StatusCode::from_u16(stored.code()).unwrap_or(StatusCode::OK);
        let body = if self.head_only {
            Bytes::new()
        } else {
            stored.body()
        };
        self.whole(status, fields, body).await
    }

    async fn stream(
        &mut self,
        head: &ResponseHead,
        mut reader: FillReader,
        status: &CacheStatus,
    ) -> Result<u64, Unsent> {
        let mut headers = h2_fields::with_room(&head.headers);
        if let Some(age_s) = head.age_given_s {
            headers.insert(AGE, HeaderValue::from(age_s));
        }
        h2_fields::add_status(&self.proxy, &mut headers, status, &mut String::new());
        headers.extend(self.explained.take().map(|explained| (EXPLAIN, explained)));
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
            h2_fields::add_status(&self.proxy, &mut head.headers, status, &mut String::new());
        }
        head.headers
            .extend(self.explained.take().map(|explained| (EXPLAIN, explained)));
        let body = if self.head_only { Bytes::new() } else { body };
        self.whole(problem.status, head.headers, body).await
    }

    /// Sends an answer that is whole in memory.
    async fn whole(&mut self, status: StatusCode, headers: HeaderMap, body: Bytes) -> Result<u64, Unsent> {
        let bytes = body.len() as u64;
        if let Some(rest) = self.reply.whole(status, headers, body)? {
            self.reply.data(rest, true).await?;
        }
        Ok(bytes)
    }
}
