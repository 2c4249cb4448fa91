//! What became of a request, and how long each part of it took.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::failure::Failure;
use super::response::Response;
use super::socket::Traffic;

/// One request and its response, or what went wrong.
#[derive(Debug)]
pub struct Exchange {
    /// When it was asked for.
    pub started: Instant,
    /// The same, in nanoseconds since the Unix epoch.
    pub started_unix_ns: u64,
    /// How long its parts took.
    pub timings: Timings,
    /// Bytes written to TCP for it, those of TLS and of its handshake among them. Over HTTP/2 the bytes since the last
    /// exchange on the same connection ended: exact in sum, blurred between exchanges at the same time.
    pub bytes_sent: u64,
    /// Bytes read from TCP for it; see [`Self::bytes_sent`].
    pub bytes_received: u64,
    /// The server's address; `None` if it was not reached.
    pub remote: Option<SocketAddr>,
    /// How it was encrypted; `None` if it was not.
    pub tls: Option<TlsInfo>,
    /// The response, or why there is none.
    pub outcome: Result<Response, Failure>,
}

/// Where the time went. `blocked` is all the time before `sending`; `connecting` and `tls_handshaking` are parts of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timings {
    /// Until there was a connection to send on, making it included.
    pub blocked: Duration,
    /// Always 0, as in k6; a DNS look-up is in `blocked`.
    pub looking_up: Duration,
    /// Connecting over TCP; 0 on a connection that was there.
    pub connecting: Duration,
    /// Shaking hands over TLS; 0 on a connection that was there.
    pub tls_handshaking: Duration,
    /// Until the request's last byte was written (HTTP/2: was handed to the connection).
    pub sending: Duration,
    /// From there to the response's first byte (HTTP/2: to the end of its head).
    pub waiting: Duration,
    /// From there to its last byte.
    pub receiving: Duration,
}

impl Timings {
    /// k6's `http_req_duration`: without what came before sending.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.sending + self.waiting + self.receiving
    }
}

/// How a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TlsInfo {
    /// As k6 writes it: `tls1.2`, `tls1.3`.
    pub version: &'static str,
    /// As IANA writes it: `TLS_AES_128_GCM_SHA256`.
    pub cipher: &'static str,
}

/// An exchange under way.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) started: Instant,
    pub(super) deadline: tokio::time::Instant,
    pub(super) connecting: Duration,
    pub(super) tls_handshaking: Duration,
    pub(super) sending_from: Option<Instant>,
    pub(super) written: Option<Instant>,
    pub(super) first_byte: Option<Instant>,
    pub(super) bytes_sent: u64,
    pub(super) bytes_received: u64,
    pub(super) remote: Option<SocketAddr>,
    pub(super) tls: Option<TlsInfo>,
    /// Of the connection that is being made.
    pub(super) dialled: Option<Rc<Traffic>>,
}

/// What a timeout that no clock can add stands for.
const NO_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 3600);

impl Progress {
    pub(super) fn start(timeout: Duration) -> Self {
        let started = Instant::now();
        Self {
            started,
            deadline: (started + timeout.min(NO_TIMEOUT)).into(),
            connecting: Duration::ZERO,
            tls_handshaking: Duration::ZERO,
            sending_from: None,
            written: None,
            first_byte: None,
            bytes_sent: 0,
            bytes_received: 0,
            remote: None,
            tls: None,
            dialled: None,
        }
    }

    /// A connection is there; what an earlier one did to the request is forgotten, but for the time it took.
    pub(super) fn sending(&mut self, remote: SocketAddr, tls: Option<TlsInfo>) {
        self.sending_from = Some(Instant::now());
        self.written = None;
        self.first_byte = None;
        self.remote = Some(remote);
        self.tls = tls;
    }

    /// Takes note of the bytes that went over a connection.
    pub(super) fn account(&mut self, traffic: &Traffic) {
        let (sent, received) = traffic.take();
        self.bytes_sent += sent;
        self.bytes_received += received;
    }

    pub(super) fn answered(&mut self) {
        self.first_byte.get_or_insert_with(Instant::now);
    }

    pub(super) fn timings(&self, ended: Instant) -> Timings {
        let sending_from = self.sending_from.unwrap_or(ended);
        let written = self.written.unwrap_or(ended);
        let first_byte = self.first_byte.unwrap_or(ended);
        Timings {
            blocked: sending_from - self.started,
            looking_up: Duration::ZERO,
            connecting: self.connecting,
            tls_handshaking: self.tls_handshaking,
            sending: written - sending_from,
            waiting: first_byte - written,
            receiving: ended - first_byte,
        }
    }
}
