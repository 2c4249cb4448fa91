//! HTTP/2: all exchanges with a server on one connection, which has a task of its own.

use std::cell::Cell;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::time::Instant;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, SendStream};
use http::{HeaderName, HeaderValue, Uri, header};

use super::HEAD_BYTES_MAX;
use super::body::Body;
use super::exchange::{Progress, TlsInfo};
use super::failure::Failure;
use super::request::Request;
use super::response::{Headers, Proto, Response};
use super::retry::Broken;
use super::socket::{Link, Traffic};

/// What a server may send ahead of being read: to one stream and in all, as Go's client allows.
const WINDOW_BYTES: (u32, u32) = (4 << 20, 1 << 30);

/// Fields that say something about an HTTP/1 connection (RFC 9113 §8.2.2), or are written from elsewhere.
const LEFT_OUT: [HeaderName; 7] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::HOST,
    header::CONTENT_LENGTH,
];

/// A connection that exchanges share. It ends when nobody has it and no exchange is under way.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    sender: SendRequest<Bytes>,
    traffic: Rc<Traffic>,
    remote: SocketAddr,
    tls: Option<TlsInfo>,
}

impl Connection {
    /// Begins to speak HTTP/2.
    pub(super) async fn start(link: Link) -> Result<Self, Failure> {
        let (stream_window, window) = WINDOW_BYTES;
        let handshake = h2::client::Builder::new()
            .initial_window_size(stream_window)
            .initial_connection_window_size(window)
            .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX))
            .enable_push(false)
            .handshake(link.stream);
        let (sender, connection) = handshake.await.map_err(|e| Failure::of_http2(&e))?;
        // What ends it is told to each of its streams.
        tokio::task::spawn_local(async move { drop(connection.await) });
        Ok(Self {
            sender,
            traffic: link.traffic,
            remote: link.remote,
            tls: link.tls,
        })
    }

    /// One exchange. The deadline is not heeded; dropping it resets the stream.
    pub(super) async fn exchange(
        &mut self,
        request: &Request,
        progress: &mut Progress,
    ) -> Result<Response, Broken> {
        let result = self.converse(request, progress).await;
        progress.account(&self.traffic);
        result
    }

    pub(super) fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    async fn converse(&mut self, request: &Request, progress: &mut Progress) -> Result<Response, Broken> {
        let unsent = |error: h2::Error| Broken::unsent(Failure::of_http2(&error));
        progress.remote = Some(self.remote);
        poll_fn(|cx| self.sender.poll_ready(cx)).await.map_err(unsent)?;
        let (response, stream) = self
            .sender
            .send_request(head(request).map_err(Broken::late)?, request.body.is_empty())
            .map_err(unsent)?;
        // The server may limit how many streams are open: waiting for one is waiting for a connection.
        poll_fn(|cx| self.sender.poll_ready(cx)).await.map_err(unsent)?;
        progress.sending(self.remote, self.tls);
        let first_byte = Cell::new(None);
        let mut sending = pin!(send(stream, request.body.clone()));
        let mut receiving = pin!(receive(response, !request.discard_body, &first_byte));
        poll_fn(|cx| {
            // Both at the same time: the server may answer before it has read everything.
            if progress.written.is_none() && sending.as_mut().poll(cx).is_ready() {
                progress.written = Some(Instant::now());
            }
            let received = receiving.as_mut().poll(cx);
            if progress.first_byte.is_none()
                && let Some(at) = first_byte.get()
            {
                let written = *progress.written.get_or_insert(at);
                progress.first_byte = Some(written.max(at));
            }
            received
        })
        .await
    }
}

fn head(request: &Request) -> Result<http::Request<()>, Failure> {
    let target = &request.target;
    let mut head = http::Request::new(());
    *head.method_mut() = request.method.clone();
    *head.uri_mut() = match request.header(&header::HOST) {
        None => target.uri().clone(),
        Some(host) => with_authority(target.uri(), host)?,
    };
    let headers = head.headers_mut();
    for (name, value) in &request.headers {
        if !LEFT_OUT.contains(name) && (name != header::TE || value == "trailers") {
            headers.append(name, value.clone());
        }
    }
    if let Some(authorization) = target.authorization()
        && !headers.contains_key(header::AUTHORIZATION)
    {
        headers.insert(header::AUTHORIZATION, authorization.clone());
    }
    if request.has_content_length() {
        headers.insert(header::CONTENT_LENGTH, request.body.len().into());
    }
    Ok(head)
}

fn with_authority(uri: &Uri, host: &HeaderValue) -> Result<Uri, Failure> {
    let mut parts = uri.clone().into_parts();
    let authority = host.as_bytes().try_into();
    parts.authority = Some(authority.map_err(|error: http::uri::InvalidUri| {
        Failure::new(Failure::INVALID_URL, format!("invalid Host header: {error}"))
    })?);
    // Cannot fail: all parts are there.
    Uri::from_parts(parts).map_err(|error| Failure::new(Failure::INVALID_URL, error.to_string()))
}

/// Sends a body as far as the server wants to have it. Why it did not want all of it, the response tells.
async fn send(mut stream: SendStream<Bytes>, mut body: Bytes) {
    while !body.is_empty() {
        stream.reserve_capacity(body.len());
        let Some(Ok(capacity)) = poll_fn(|cx| stream.poll_capacity(cx)).await else {
            return;
        };
        let part = body.split_to(capacity.min(body.len()));
        if stream.send_data(part, body.is_empty()).is_err() {
            return;
        }
    }
}

async fn receive(
    response: ResponseFuture,
    keep: bool,
    first_byte: &Cell<Option<Instant>>,
) -> Result<Response, Broken> {
    let (head, mut stream) = response.await.map_err(|error| broken(&error))?.into_parts();
    first_byte.set(Some(Instant::now()));
    let late = |error: h2::Error| Broken::late(Failure::of_http2(&error));
    let mut body = Body::new(keep);
    while let Some(part) = stream.data().await {
        let part = part.map_err(late)?;
        body.push(&part).map_err(Broken::late)?;
        // The window opens again as soon as the bytes are out of the connection.
        stream.flow_control().release_capacity(part.len()).map_err(late)?;
    }
    Ok(Response {
        status: head.status.as_u16(),
        proto: Proto::Http2,
        headers: Headers::map(head.headers),
        body: body.into_bytes(),
    })
}

/// Why no answer came.
fn broken(error: &h2::Error) -> Broken {
    let failure = Failure::of_http2(error);
    match error.reason() {
        // RFC 9113 §8.7: the server says that it has not looked at the request.
        Some(Reason::REFUSED_STREAM) if error.is_remote() => Broken::unsent(failure),
        Some(Reason::NO_ERROR) if error.is_go_away() => Broken::unanswered(failure),
        None if error.is_io() => Broken::unanswered(failure),
        _ => Broken::late(failure),
    }
}
