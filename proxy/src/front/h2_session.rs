//! One HTTP/2 stream as pingora's proxy sees it, for requests that are forwarded.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use h2::{Reason, RecvStream};
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::protocols::Digest;
use pingora::protocols::http::HttpTask;
use pingora::protocols::http::body_buffer::FixedBuffer;
use pingora::protocols::http::custom::CustomMessageWrite;
use pingora::protocols::http::custom::server::Session;
use pingora::protocols::http::v1::client::http_req_header_to_wire;
use pingora::protocols::l4::socket::SocketAddr;
use pingora::{BError, Error, ErrorType, OrErr, Result};

use super::h2_reply::{Reply, Unsent};
use crate::fields;

/// Of an upload, how much is kept to be sent again to another origin.
const RETRY_BYTES_MAX: usize = 64 * 1024;

type Messages = Box<dyn Stream<Item = Result<Bytes>> + Unpin + Send + Sync + 'static>;

/// A request and the means to answer it.
pub(super) struct H2Session {
    pub(super) header: RequestHeader,
    body: RecvStream,
    body_bytes_read: usize,
    retry: Option<FixedBuffer>,
    pub(super) reply: Reply,
    body_bytes_sent: usize,
    /// The head of the final answer, once it has been sent.
    written: Option<Box<ResponseHeader>>,
    digest: Arc<Digest>,
    read_timeout: Option<Duration>,
    drain_timeout: Option<Duration>,
}

impl H2Session {
    pub(super) fn new(head: Parts, body: RecvStream, reply: Reply, digest: Arc<Digest>) -> Self {
        Self {
            header: head.into(),
            body,
            body_bytes_read: 0,
            retry: None,
            reply,
            body_bytes_sent: 0,
            written: None,
            digest,
            read_timeout: None,
            drain_timeout: None,
        }
    }

    /// Whether there is, and was, nothing to read.
    fn has_no_body(&self) -> bool {
        let announces_none = || {
            let length = self.header.headers.get(CONTENT_LENGTH);
            length.is_some_and(|length| length.as_bytes() == b"0")
        };
        self.body_bytes_read == 0 && (self.body.is_end_stream() || announces_none())
    }

    /// Whether there is nothing left to read.
    pub(super) fn has_whole_body(&self) -> bool {
        self.has_no_body() || self.body.is_end_stream()
    }

    async fn read(&mut self) -> Result<Option<Bytes>> {
        let data = self.body.data().await.transpose();
        let data = data.or_err(ErrorType::ReadError, "while reading the request body")?;
        if let Some(data) = &data {
            self.body_bytes_read += data.len();
            if let Some(retry) = &mut self.retry {
                retry.write_to_buffer(data);
            }
            // the client may send as much again; a stream that is gone needs no window
            let _ = self.body.flow_control().release_capacity(data.len());
        }
        Ok(data)
    }

    async fn write_head(&mut self, header: Box<ResponseHeader>, end: bool) -> Result<()> {
        if self.reply.is_ended() {
            return Ok(());
        }
        if header.status.is_informational() {
            self.reply.informational(header.status, &header.headers).await;
            return Ok(());
        }
        if self.written.is_some() {
            return Error::e_explain(ErrorType::InternalError, "an answer has one head");
        }
        let mut headers = header.headers.clone();
        fields::drop_hop_by_hop(&mut headers);
        self.reply.head(header.status, headers, end).map_err(unwritten)?;
        self.written = Some(header);
        Ok(())
    }

    async fn write_data(&mut self, data: Bytes, end: bool) -> Result<()> {
        if self.reply.is_ended() {
            return Ok(());
        }
        let bytes = data.len();
        self.reply.data(data, end).await.map_err(unwritten)?;
        self.body_bytes_sent += bytes;
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        self.reply.finish().map_err(unwritten)
    }

    /// Writes one piece of an answer; `true` when it is the last.
    async fn write_task(&mut self, task: HttpTask) -> Result<bool> {
        match task {
            HttpTask::Header(header, end) => {
                self.write_head(header, end).await?;
                Ok(end)
            }
            HttpTask::Body(data, end) => {
                // an empty piece says nothing over HTTP/2, and the end is told once for all kinds of tasks
                if let Some(data) = data.filter(|data| !data.is_empty()) {
                    self.write_data(data, end).await?;
                }
                Ok(end)
            }
            HttpTask::Trailer(Some(trailers)) if !self.reply.is_ended() => {
                self.reply.trailers(*trailers).map_err(unwritten)?;
                Ok(true)
            }
            HttpTask::Trailer(_) | HttpTask::Done => Ok(true),
            HttpTask::UpgradedBody(..) => {
                Error::e_explain(ErrorType::InternalError, "HTTP/2 has no upgrades")
            }
            HttpTask::Failed(error) => Err(error),
        }
    }
}

/// What pingora calls the reasons of a write that failed.
fn unwritten(error: Unsent) -> BError {
    let kind = match &error {
        Unsent::Slow(_) => ErrorType::WriteTimedout,
        Unsent::Reset(_) | Unsent::Closed => ErrorType::H2Error,
        Unsent::BrokenOff(_) | Unsent::H2(_) => ErrorType::WriteError,
    };
    Error::because(kind, "while writing the answer", error).into_down()
}

/// Gives the client `limit`, if there is one, for something that reads from it.
async fn within<T>(limit: Option<Duration>, read: impl Future<Output = Result<T>>) -> Result<T> {
    let Some(limit) = limit else {
        return read.await;
    };
    tokio::time::timeout(limit, read).await.unwrap_or_else(|_| {
        let why = format!("nothing of the request body came for {limit:?}");
        Error::e_explain(ErrorType::ReadTimedout, why)
    })
}

#[async_trait]
impl Session for H2Session {
    fn req_header(&self) -> &RequestHeader {
        &self.header
    }

    fn req_header_mut(&mut self) -> &mut RequestHeader {
        &mut self.header
    }

    async fn read_body_bytes(&mut self) -> Result<Option<Bytes>> {
        within(self.read_timeout, self.read()).await
    }

    async fn drain_request_body(&mut self) -> Result<()> {
        let limit = self.drain_timeout;
        let drain = async {
            while !self.has_whole_body() && self.read().await?.is_some() {}
            Ok(())
        };
        within(limit, drain).await
    }

    async fn write_response_header(&mut self, header: Box<ResponseHeader>, end: bool) -> Result<()> {
        self.write_head(header, end).await
    }

    async fn write_response_header_ref(&mut self, header: &ResponseHeader, end: bool) -> Result<()> {
        self.write_head(Box::new(header.clone()), end).await
    }

    async fn write_body(&mut self, data: Bytes, end: bool) -> Result<()> {
        self.write_data(data, end).await
    }

    async fn write_trailers(&mut self, trailers: HeaderMap) -> Result<()> {
        self.write_task(HttpTask::Trailer(Some(Box::new(trailers))))
            .await?;
        Ok(())
    }

    async fn response_duplex_vec(&mut self, tasks: Vec<HttpTask>) -> Result<bool> {
        let mut ended = false;
        for task in tasks {
            ended |= self.write_task(task).await?;
        }
        if ended {
            self.end()?;
        }
        Ok(ended)
    }

    fn set_read_timeout(&mut self, timeout: Option<Duration>) {
        self.read_timeout = timeout;
    }

    fn get_read_timeout(&self) -> Option<Duration> {
        self.read_timeout
    }

    fn set_write_timeout(&mut self, timeout: Option<Duration>) {
        self.reply.write_timeout = timeout;
    }

    fn get_write_timeout(&self) -> Option<Duration> {
        self.reply.write_timeout
    }

    fn set_total_drain_timeout(&mut self, timeout: Option<Duration>) {
        self.drain_timeout = timeout;
    }

    fn get_total_drain_timeout(&self) -> Option<Duration> {
        self.drain_timeout
    }

    fn request_summary(&self) -> String {
        let target = self
            .header
            .uri
            .path_and_query()
            .map_or("", |target| target.as_str());
        let host = fields::authority(&self.header.uri, &self.header.headers);
        format!("{} {target}, Host: {host}", self.header.method)
    }

    fn response_written(&self) -> Option<&ResponseHeader> {
        self.written.as_deref()
    }

    async fn shutdown(&mut self, code: u32, _: &str) {
        self.reply.reset(Reason::from(code));
    }

    async fn abandon(&mut self, _: &str) {
        self.reply.reset(Reason::INTERNAL_ERROR);
    }

    fn is_body_done(&mut self) -> bool {
        self.has_whole_body()
    }

    async fn finish(&mut self) -> Result<()> {
        self.end()
    }

    fn is_body_empty(&mut self) -> bool {
        self.has_no_body()
    }

    /// Reads on, or, with nothing left to read, waits until the client leaves.
    async fn read_body_or_idle(&mut self, no_body_expected: bool) -> Result<Option<Bytes>> {
        if no_body_expected || self.has_whole_body() {
            let left = self.reply.abandoned().await;
            return Err(Error::because(ErrorType::H2Error, "the client left", left));
        }
        self.read_body_bytes().await
    }

    fn body_bytes_sent(&self) -> usize {
        self.body_bytes_sent
    }

    fn body_bytes_read(&self) -> usize {
        self.body_bytes_read
    }

    fn digest(&self) -> Option<&Digest> {
        Some(&self.digest)
    }

    fn digest_mut(&mut self) -> Option<&mut Digest> {
        Arc::get_mut(&mut self.digest)
    }

    fn client_addr(&self) -> Option<&SocketAddr> {
        self.digest.socket_digest.as_ref()?.peer_addr()
    }

    fn server_addr(&self) -> Option<&SocketAddr> {
        self.digest.socket_digest.as_ref()?.local_addr()
    }

    fn pseudo_raw_h1_request_header(&self) -> Bytes {
        http_req_header_to_wire(&self.header).map_or_else(Bytes::new, BytesMut::freeze)
    }

    fn enable_retry_buffering(&mut self) {
        self.retry
            .get_or_insert_with(|| FixedBuffer::new(RETRY_BYTES_MAX));
    }

    fn retry_buffer_truncated(&self) -> bool {
        self.retry.as_ref().is_some_and(FixedBuffer::is_truncated)
    }

    fn get_retry_buffer(&self) -> Option<Bytes> {
        let whole = self.retry.as_ref().filter(|retry| !retry.is_truncated())?;
        whole.get_buffer()
    }

    // A stream has no messages beside its request and answer. That there is no writer tells pingora so.

    async fn finish_custom(&mut self) -> Result<()> {
        Ok(())
    }

    fn take_custom_message_reader(&mut self) -> Option<Messages> {
        None
    }

    fn restore_custom_message_reader(&mut self, _: Messages) -> Result<()> {
        Ok(())
    }

    fn take_custom_message_writer(&mut self) -> Option<Box<dyn CustomMessageWrite>> {
        None
    }

    fn restore_custom_message_writer(&mut self, _: Box<dyn CustomMessageWrite>) -> Result<()> {
        Ok(())
    }
}
