//! What went wrong with a request, in the numbers of k6
//! (<https://grafana.com/docs/k6/latest/javascript-api/error-codes/>).

use std::fmt;
use std::io;

use rustls::CertificateError;

/// Why there is no response. Messages name no address, so that they can be the value of a tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// k6's `error_code`.
    pub code: u16,
    /// k6's `error`.
    pub message: String,
}

/// What was being done to a connection when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum During {
    Dial,
    Read,
    Write,
}

impl fmt::Display for During {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dial => "dial",
            Self::Read => "read",
            Self::Write => "write",
        })
    }
}

impl Failure {
    /// None of the others.
    pub const GENERIC: u16 = 1000;
    /// The text is not a URL that a request can go to.
    pub const INVALID_URL: u16 = 1020;
    /// The exchange took longer than it may.
    pub const TIMEOUT: u16 = 1050;
    /// DNS failed.
    pub const DNS: u16 = 1100;
    /// DNS has no address for the name.
    pub const NO_SUCH_HOST: u16 = 1101;
    /// A connection failed.
    pub const TCP: u16 = 1200;
    /// The server no longer takes what is written.
    pub const BROKEN_PIPE: u16 = 1201;
    /// A connection failed with an error of the operating system that has no number of its own.
    pub const TCP_UNKNOWN: u16 = 1202;
    /// No connection came about.
    pub const DIAL: u16 = 1210;
    /// No connection came about in time.
    pub const DIAL_TIMEOUT: u16 = 1211;
    /// Nobody listens.
    pub const DIAL_REFUSED: u16 = 1212;
    /// No connection came about, with an error of the operating system that has no number of its own.
    pub const DIAL_UNKNOWN: u16 = 1213;
    /// The server reset the connection.
    pub const RESET: u16 = 1220;
    /// TLS failed.
    pub const TLS: u16 = 1300;
    /// The certificate's issuer is not trusted.
    pub const UNKNOWN_AUTHORITY: u16 = 1310;
    /// The certificate is somebody else's.
    pub const HOSTNAME: u16 = 1311;
    /// HTTP/2 failed.
    pub const HTTP2: u16 = 1600;
    /// The server sent GOAWAY; 1611 and up: with the reason `code - 1611`.
    pub const HTTP2_GOAWAY: u16 = 1610;
    /// The stream failed; 1631 and up: with the reason `code - 1631`.
    pub const HTTP2_STREAM: u16 = 1630;
    /// The connection failed; 1651 and up: with the reason `code - 1651`.
    pub const HTTP2_CONNECTION: u16 = 1650;
    /// The body is not what its `Content-Encoding` says.
    pub const DECOMPRESSION: u16 = 1701;

    pub(super) fn new(code: u16, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, message }
    }

    pub(super) fn timeout() -> Self {
        Self::new(Self::TIMEOUT, "request timeout")
    }

    /// The answer breaks the rules of HTTP.
    pub(super) fn malformed(what: impl fmt::Display) -> Self {
        Self::new(Self::GENERIC, format!("malformed HTTP response: {what}"))
    }

    pub(super) fn no_answer() -> Self {
        Self::new(
            Self::GENERIC,
            "EOF: the server closed the connection before it answered",
        )
    }

    pub(super) fn truncated() -> Self {
        Self::new(
            Self::GENERIC,
            "unexpected EOF: the server closed the connection in the middle of its answer",
        )
    }

    pub(super) fn of_io(during: During, error: &io::Error) -> Self {
        if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref()) {
            return Self::of_tls(tls);
        }
        let dial = during == During::Dial;
        match error.kind() {
            io::ErrorKind::ConnectionRefused if dial => {
                Self::new(Self::DIAL_REFUSED, "dial: connection refused")
            }
            io::ErrorKind::TimedOut if dial => Self::new(Self::DIAL_TIMEOUT, "dial: i/o timeout"),
            io::ErrorKind::ConnectionReset => {
                Self::new(Self::RESET, format!("{during}: connection reset by peer"))
            }
            io::ErrorKind::BrokenPipe => Self::new(Self::BROKEN_PIPE, format!("{during}: broken pipe")),
            io::ErrorKind::UnexpectedEof => Self::truncated(),
            _ => {
                let code = match (dial, error.raw_os_error()) {
                    (true, Some(_)) => Self::DIAL_UNKNOWN,
                    (true, None) => Self::DIAL,
                    (false, Some(_)) => Self::TCP_UNKNOWN,
                    (false, None) => Self::TCP,
                };
                Self::new(code, format!("{during}: {error}"))
            }
        }
    }

    /// The server broke off, or TLS was not what it spoke.
    pub(super) fn of_handshake(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::new(
                Self::TLS,
                "tls: EOF: the server closed the connection in the handshake",
            ),
            _ => Self::of_io(During::Read, error),
        }
    }

    fn of_tls(error: &rustls::Error) -> Self {
        use rustls::Error::InvalidCertificate;
        match error {
            InvalidCertificate(CertificateError::UnknownIssuer) => {
                Self::new(Self::UNKNOWN_AUTHORITY, "x509: unknown authority")
            }
            InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            ) => Self::new(Self::HOSTNAME, "x509: certificate doesn't match hostname"),
            other => Self::new(Self::TLS, format!("tls: {other}")),
        }
    }

    pub(super) fn of_http2(error: &h2::Error) -> Self {
        if let Some(io) = error.get_io() {
            return Self::of_io(During::Read, io);
        }
        let base = match (error.is_go_away(), error.is_reset(), error.is_remote()) {
            (true, _, true) => Self::HTTP2_GOAWAY,
            (true, _, false) => Self::HTTP2_CONNECTION,
            (_, true, _) => Self::HTTP2_STREAM,
            _ => return Self::new(Self::HTTP2, format!("http2: {error}")),
        };
        // The reasons of RFC 9113 §7 end at 13; a server may send any number.
        let code = error
            .reason()
            .and_then(|reason| u16::try_from(u32::from(reason)).ok())
            .filter(|reason| *reason <= 18)
            .map_or(base, |reason| base + 1 + reason);
        Self::new(code, format!("http2: {error}"))
    }
}
