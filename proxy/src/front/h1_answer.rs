//! Writing HTTP/1 answers: a stored head is sent as it lies in memory, followed by the few fields that differ each time.

use std::time::SystemTime;

use bytes::{BufMut, BytesMut};
use http::{HeaderValue, Version};

use crate::answer::{Form, Stored};
use crate::coalesce::{Hint, ResponseHead};
use crate::fields;
use crate::problem::Problem;
use crate::proxy::Proxy;
use crate::status::CacheStatus;

/// How the end of a body of unknown length is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// `Content-Length`, or no body at all.
    Counted,
    /// RFC 9112 section 7.1.
    Chunked,
    /// By closing: HTTP/1.0.
    Close,
}

/// Writes the heads of answers into a buffer that the connection keeps.
pub(super) struct HeadWriter<'w> {
    pub(super) out: &'w mut BytesMut,
    /// Room for the text of `Cache-Status`.
    pub(super) text: &'w mut String,
    pub(super) proxy: &'w Proxy,
    pub(super) keep_alive: bool,
    /// `Proxima-Explain`, where the client asked for it and may know.
    pub(super) explained: Option<HeaderValue>,
}

impl HeadWriter<'_> {
    /// Head of a stored response.
    pub(super) fn stored(&mut self, stored: &Stored) {
        match &stored.form {
            Form::Whole => self.out.put_slice(stored.entry.head()),
            Form::NotModified => self.not_modified(stored),
            Form::Made(made) => self
                .out
                .put_slice(&fields::write_head(made.status, &made.headers)),
        }
        if let Some(age_s) = stored.age_s {
            self.number("age: ", age_s);
        }
        self.finish(Some(&stored.status));
    }

    /// RFC 9110 section 15.4.5: the fields of the 200 that a 304 repeats.
    fn not_modified(&mut self, stored: &Stored) {
        self.out.put_slice(b"HTTP/1.1 304 Not Modified\r\n");
        for name in &fields::OF_NOT_MODIFIED {
            for value in stored.entry.headers().get_all(name) {
                self.line(name.as_str(), value.as_bytes());
            }
        }
    }

    /// What comes before an answer (RFC 9110 section 15.2).
    pub(super) fn hint(&mut self, hint: &Hint) {
        self.out
            .put_slice(&fields::write_head(hint.status, &hint.headers));
        self.out.put_slice(b"\r\n");
    }

    /// Head of an answer whose body is on its way. Returns how the body's end is told.
    pub(super) fn stream(
        &mut self,
        head: &ResponseHead,
        status: &CacheStatus,
        version: Version,
        no_body: bool,
    ) -> Framing {
        let framing = match (head.content_length, version) {
            _ if no_body => Framing::Counted,
            (Some(_), _) => Framing::Counted,
            (None, Version::HTTP_10) => Framing::Close,
            (None, _) => Framing::Chunked,
        };
        if framing == Framing::Close {
            self.keep_alive = false;
        }
        self.out
            .put_slice(&fields::write_head(head.status, &head.headers));
        if framing == Framing::Chunked {
            self.line("transfer-encoding", b"chunked");
        }
        if let Some(age_s) = head.age_given_s {
            self.number("age: ", u64::from(age_s));
        }
        self.finish(Some(status));
        framing
    }

    /// A whole answer of our own, body included unless the request was HEAD.
    pub(super) fn problem(
        &mut self,
        problem: &Problem,
        status: Option<&CacheStatus>,
        head_only: bool,
    ) -> u64 {
        let body = problem.body();
        let line = (
            problem.status.as_u16(),
            problem.status.canonical_reason().unwrap_or(""),
        );
        self.out
            .put_slice(format!("HTTP/1.1 {} {}\r\n", line.0, line.1).as_bytes());
        self.line("content-type", Problem::CONTENT_TYPE.as_bytes());
        self.line("cache-control", b"no-store");
        self.line("date", httpdate::fmt_http_date(SystemTime::now()).as_bytes());
        self.number("content-length: ", body.len() as u64);
        if let Some(retry_after_s) = problem.retry_after_s {
            self.number("retry-after: ", u64::from(retry_after_s));
        }
        self.finish(status);
        if head_only {
            return 0;
        }
        self.out.put_slice(&body);
        body.len() as u64
    }

    fn line(&mut self, name: &str, value: &[u8]) {
        self.out.put_slice(name.as_bytes());
        self.out.put_slice(b": ");
        self.out.put_slice(value);
        self.out.put_slice(b"\r\n");
    }

    fn number(&mut self, name: &str, value: u64) {
        self.out.put_slice(name.as_bytes());
        self.out.put_slice(itoa::Buffer::new().format(value).as_bytes());
        self.out.put_slice(b"\r\n");
    }

    fn finish(&mut self, status: Option<&CacheStatus>) {
        if let Some(status) = status {
            self.text.clear();
            self.text.push_str("cache-status: ");
            status.write(&self.proxy.cache_name, self.text);
            self.out.put_slice(self.text.as_bytes());
            self.out.put_slice(b"\r\n");
        }
        if let Some(explained) = self.explained.take() {
            self.line(fields::name::EXPLAIN.as_str(), explained.as_bytes());
        }
        let connection: &[u8] = if self.keep_alive {
            b"connection: keep-alive\r\n\r\n"
        } else {
            b"connection: close\r\n\r\n"
        };
        self.out.put_slice(connection);
    }
}

/// Frames one piece of a chunked body.
pub(super) fn chunk(out: &mut BytesMut, data: &[u8]) {
    out.put_slice(format!("{:x}\r\n", data.len()).as_bytes());
    out.put_slice(data);
    out.put_slice(b"\r\n");
}

/// The end of a chunked body.
pub(super) const LAST_CHUNK: &[u8] = b"0\r\n\r\n";
