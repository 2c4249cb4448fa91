//! The answering half of one HTTP/2 stream. It sends fields as they are given and passes informational responses on, neither of
//! which pingora's own session does.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, SendStream};
use http::header::DATE;
use http::{HeaderMap, Response, StatusCode};
use pingora::protocols::http::date::get_cached_date;

use crate::coalesce::BrokenOff;
use crate::fields;

/// Larger bodies are sent in pieces of this size, each with the time that a slow client may take.
const PIECE_BYTES: usize = 256 * 1024;
/// Informational responses to one request: they are not subject to flow control, so a client that does not read would have
/// them pile up here.
const INFORMATIONAL_MAX: usize = 64;

/// Why an answer did not reach its client whole.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unsent {
    #[error("the client took nothing for {0:?}")]
    Slow(Duration),
    #[error("the client reset the stream: {0}")]
    Reset(Reason),
    #[error("the stream is closed")]
    Closed,
    #[error(transparent)]
    BrokenOff(#[from] BrokenOff),
    #[error(transparent)]
    H2(#[from] h2::Error),
}

/// Writes one stream's answer. Dropped before its end, it resets the stream, so that nobody takes half an answer for whole.
pub(super) struct Reply {
    respond: SendResponse<Bytes>,
    /// There once the head has been sent.
    body: Option<SendStream<Bytes>>,
    ended: bool,
    informational: usize,
    /// How long the client may take for each piece of the body.
    pub(super) write_timeout: Option<Duration>,
}

impl Reply {
    pub(super) fn new(respond: SendResponse<Bytes>, write_timeout: Option<Duration>) -> Self {
        Self {
            respond,
            body: None,
            ended: false,
            informational: 0,
            write_timeout,
        }
    }

    /// Whether the end of the answer has been sent.
    pub(super) fn is_ended(&self) -> bool {
        self.ended
    }

    /// Sends an informational response (RFC 9110 section 15.2) ahead of the head. One that cannot be sent is left out: it is
    /// a courtesy, and what keeps it from its client will keep the answer too.
    pub(super) async fn informational(&mut self, status: StatusCode, headers: &HeaderMap) {
        // HTTP/2 has no 101 (RFC 9113 section 8.6)
        let passes = status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS;
        if !passes || self.body.is_some() || self.informational == INFORMATIONAL_MAX {
            return;
        }
        // h2 would queue it for a stream that is no more
        if poll_fn(|cx| Poll::Ready(self.poll_reset(cx).is_ready())).await {
            return;
        }
        self.informational += 1;
        let mut headers = headers.clone();
        fields::drop_hop_by_hop(&mut headers);
        if let Err(error) = self.respond.send_informational(response(status, headers)) {
            tracing::debug!(%error, %status, "an informational response was not sent");
        }
    }

    /// Sends the head, and with `end` the end of the answer. A `Date` is the origin's: one is added only where there is none
    /// (RFC 9110 section 6.6.1).
    pub(super) fn head(
        &mut self,
        status: StatusCode,
        mut headers: HeaderMap,
        end: bool,
    ) -> Result<(), Unsent> {
        if !headers.contains_key(DATE) {
            headers.insert(DATE, get_cached_date());
        }
        let body = self.respond.send_response(response(status, headers), end)?;
        self.body = Some(body);
        self.ended = end;
        Ok(())
    }

    /// Sends an answer that is whole in memory. Gives the body back where the client has no room for all of it now.
    pub(super) fn whole(
        &mut self,
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Option<Bytes>, Unsent> {
        self.head(status, headers, body.is_empty())?;
        let Some(stream) = self.body.as_mut().filter(|_| !body.is_empty()) else {
            return Ok(None);
        };
        stream.reserve_capacity(body.len());
        if stream.capacity() < body.len() {
            return Ok(Some(body));
        }
        stream.send_data(body, true)?;
        self.ended = true;
        Ok(None)
    }

    /// Sends a part of the body as fast as the client takes it.
    pub(super) async fn data(&mut self, mut data: Bytes, end: bool) -> Result<(), Unsent> {
        while data.len() > PIECE_BYTES {
            let piece = data.split_to(PIECE_BYTES);
            self.piece(piece, false).await?;
        }
        self.piece(data, end).await
    }

    async fn piece(&mut self, piece: Bytes, end: bool) -> Result<(), Unsent> {
        let limit = self.write_timeout;
        let body = self.body.as_mut().ok_or(Unsent::Closed)?;
        let sending = send(body, piece, end);
        match limit {
            Some(limit) => tokio::time::timeout(limit, sending)
                .await
                .unwrap_or(Err(Unsent::Slow(limit)))?,
            None => sending.await?,
        }
        self.ended = end;
        Ok(())
    }

    /// Sends trailer fields, which end the answer.
    pub(super) fn trailers(&mut self, trailers: HeaderMap) -> Result<(), Unsent> {
        self.body
            .as_mut()
            .ok_or(Unsent::Closed)?
            .send_trailers(trailers)?;
        self.ended = true;
        Ok(())
    }

    /// Ends the answer, unless it has ended. An answer without a head cannot end.
    pub(super) fn finish(&mut self) -> Result<(), Unsent> {
        if let Some(body) = self.body.as_mut().filter(|_| !self.ended) {
            body.send_data(Bytes::new(), true)?;
            self.ended = true;
        }
        Ok(())
    }

    /// Gives the answer up, unless it has ended.
    pub(super) fn reset(&mut self, reason: Reason) {
        if !self.ended {
            self.respond.send_reset(reason);
            self.ended = true;
        }
    }

    /// Waits until the client resets the stream, or the connection fails.
    pub(super) async fn abandoned(&mut self) -> Unsent {
        match poll_fn(|cx| self.poll_reset(cx)).await {
            Ok(reason) => Unsent::Reset(reason),
            Err(error) => error.into(),
        }
    }

    fn poll_reset(&mut self, cx: &mut Context<'_>) -> Poll<Result<Reason, h2::Error>> {
        match &mut self.body {
            Some(body) => body.poll_reset(cx),
            None => self.respond.poll_reset(cx),
        }
    }
}

fn response(status: StatusCode, headers: HeaderMap) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// Sends a piece within the windows of the stream and its connection.
async fn send(body: &mut SendStream<Bytes>, mut piece: Bytes, end: bool) -> Result<(), Unsent> {
    loop {
        let room = if piece.is_empty() {
            0
        } else {
            body.reserve_capacity(piece.len());
            poll_fn(|cx| poll_room(body, cx)).await?
        };
        let part = piece.split_to(room.min(piece.len()));
        let last = piece.is_empty();
        body.send_data(part, end && last)?;
        if last {
            return Ok(());
        }
    }
}

fn poll_room(body: &mut SendStream<Bytes>, cx: &mut Context<'_>) -> Poll<Result<usize, Unsent>> {
    let at_once = body.capacity();
    if at_once > 0 {
        return Poll::Ready(Ok(at_once));
    }
    // none will come: the stream has been reset
    let more = ready!(body.poll_capacity(cx)).ok_or(Unsent::Closed)?;
    Poll::Ready(more.map_err(Unsent::from))
}
