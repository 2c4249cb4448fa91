//! `proxima explain`: asks a running proxy why a URL is answered the way it is.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use clap::{Args, ValueEnum};
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST};
use http::{HeaderName, HeaderValue, StatusCode};
use pingora::connectors::http::Connector;
use pingora::http::RequestHeader;
use pingora::upstreams::peer::HttpPeer;
use proxima_config::Overrides;
use serde_json::Value;

use super::{DEFAULT_FILE, fail, loaded, print};
use crate::explain::inquiry::{Inquiry, InquiryError};
use crate::explain::report::Report;
use crate::explain::text;

/// Longest wait for a connection, and for each part of the answer. The proxy may have to ask an origin first.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const READ_TIMEOUT: Duration = Duration::from_secs(60);
/// An explanation is a few KiB; what is larger is none.
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// Arguments of `proxima explain`.
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// URL as a client asks for it, scheme and host included.
    url: String,
    /// Configuration file of the proxy, for its admin address and token [default: proxima.toml, unless --admin is given].
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Admin address of the proxy, as HOST:PORT.
    #[arg(long, value_name = "ADDR")]
    admin: Option<String>,
    /// Token of the admin listener, where it asks for one [default: the one in the configuration].
    #[arg(
        long,
        value_name = "TOKEN",
        env = "PROXIMA_ADMIN_TOKEN",
        hide_env_values = true
    )]
    token: Option<String>,
    /// Header field of the request; may be repeated.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = field)]
    headers: Vec<(String, String)>,
    /// Method of the request.
    #[arg(long, value_enum, default_value_t = Method::Get)]
    method: Method,
    /// Do not ask an origin, even where nothing is stored.
    #[arg(long)]
    stored_only: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Methods that the cache answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Method {
    #[value(name = "GET", alias = "get")]
    Get,
    #[value(name = "HEAD", alias = "head")]
    Head,
}

/// Why there is no explanation, and what to do about it.
#[derive(Debug, thiserror::Error)]
enum ExplainError {
    #[error(transparent)]
    Url(#[from] InquiryError),
    #[error(
        "the configuration has no admin listener: write [admin] listen, or name the proxy's with --admin HOST:PORT"
    )]
    NoAdmin,
    #[error(
        "the configuration lets the system choose the admin port: take it from the line that `proxima run` printed and name it with --admin HOST:PORT"
    )]
    AnyPort,
    #[error("`{0}` is not an admin address: write HOST:PORT, as in 127.0.0.1:9090")]
    Address(String),
    #[error(
        "no proxy answers at the admin address {address}: {why}; is it running there? --admin HOST:PORT names another"
    )]
    Unreachable { address: String, why: String },
    #[error(
        "the proxy at {0} asks for another token: give that of its [admin] with --token or in PROXIMA_ADMIN_TOKEN"
    )]
    Token(String),
    #[error("{0} explains nothing: is it the admin address of a proxima of this version?")]
    NotAProxy(String),
    #[error("{0}")]
    Refused(String),
}

/// Where to ask.
struct Admin {
    /// As given or configured.
    address: String,
    token: Option<String>,
}

/// Prints the explanation.
pub(super) fn run(explain: &Explain) -> Result<(), ExitCode> {
    let inquiry = explain.inquiry();
    inquiry
        .question()
        .map_err(|error| fail(&ExplainError::Url(error)))?;
    let admin = explain.admin()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| fail(&error))?;
    let body = runtime
        .block_on(ask(&admin, &inquiry))
        .map_err(|error| fail(&error))?;
    let unreadable = |_| fail(&ExplainError::NotAProxy(admin.address.clone()));
    if explain.json {
        let value: Value = serde_json::from_slice(&body).map_err(unreadable)?;
        return print(&format!("{value:#}\n"));
    }
    let report: Report = serde_json::from_slice(&body).map_err(unreadable)?;
    print(&text::render(&report))
}

impl Explain {
    fn inquiry(&self) -> Inquiry {
        let method = match self.method {
            Method::Get => "GET",
            Method::Head => "HEAD",
        };
        Inquiry {
            url: self.url.clone(),
            method: method.to_owned(),
            headers: self.headers.clone(),
            stored_only: self.stored_only,
        }
    }

    /// Flags before the file; a file is needed for what no flag says.
    fn admin(&self) -> Result<Admin, ExitCode> {
        let configured = if self.admin.is_none() || self.config.is_some() {
            let file = self.config.clone().unwrap_or_else(|| DEFAULT_FILE.into());
            loaded(proxima_config::load(&file, &Overrides::default()))?.admin
        } else {
            None
        };
        let address = match (&self.admin, &configured) {
            (Some(given), _) => given
                .trim_start_matches("http://")
                .trim_end_matches('/')
                .to_owned(),
            (None, Some(admin)) if admin.listen.port() == 0 => return Err(fail(&ExplainError::AnyPort)),
            (None, Some(admin)) => reachable(admin.listen).to_string(),
            (None, None) => return Err(fail(&ExplainError::NoAdmin)),
        };
        let of_file = || configured.as_ref().and_then(|admin| admin.token.clone());
        Ok(Admin {
            address,
            token: self.token.clone().or_else(of_file),
        })
    }
}

/// What listens on every address of this machine is asked at its loopback address.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let mut address = listen;
    if listen.ip().is_unspecified() {
        address.set_ip(match listen {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

/// Reads `Name: value`.
fn field(text: &str) -> Result<(String, String), InquiryError> {
    let wrong = || InquiryError::Field(text.to_owned());
    let (name, value) = text.split_once(':').ok_or_else(wrong)?;
    let (name, value) = (name.trim(), value.trim());
    let good = HeaderName::from_bytes(name.as_bytes()).is_ok() && HeaderValue::from_str(value).is_ok();
    good.then(|| (name.to_owned(), value.to_owned()))
        .ok_or_else(wrong)
}

/// Asks the proxy. Returns the body of its answer.
async fn ask(admin: &Admin, inquiry: &Inquiry) -> Result<Bytes, ExplainError> {
    let mut addresses = tokio::net::lookup_host(&admin.address)
        .await
        .map_err(|_| ExplainError::Address(admin.address.clone()))?;
    let address = addresses
        .next()
        .ok_or_else(|| ExplainError::Address(admin.address.clone()))?;
    let body = Bytes::from(serde_json::to_vec(inquiry).unwrap_or_default());
    let (status, answer) =
        exchange(address, admin, body)
            .await
            .map_err(|error| ExplainError::Unreachable {
                address: admin.address.clone(),
                why: crate::fetch::reason(&error),
            })?;
    match status {
        StatusCode::OK => Ok(answer),
        StatusCode::UNAUTHORIZED => Err(ExplainError::Token(admin.address.clone())),
        _ => Err(refusal(&answer).unwrap_or_else(|| ExplainError::NotAProxy(admin.address.clone()))),
    }
}

/// What a problem document says.
fn refusal(answer: &[u8]) -> Option<ExplainError> {
    let document: Value = serde_json::from_slice(answer).ok()?;
    Some(ExplainError::Refused(document["detail"].as_str()?.to_owned()))
}

async fn exchange(address: SocketAddr, admin: &Admin, body: Bytes) -> pingora::Result<(StatusCode, Bytes)> {
    let mut peer = HttpPeer::new(address, false, String::new());
    peer.options.connection_timeout = Some(CONNECT_TIMEOUT);
    let (mut session, _) = Connector::new(None).get_http_session(&peer).await?;
    session.set_read_timeout(Some(READ_TIMEOUT));
    session
        .write_request_header(Box::new(request(admin, &body)?))
        .await?;
    session.write_request_body(body, true).await?;
    session.finish_request_body().await?;
    session.read_response_header().await?;
    let status = session
        .response_header()
        .map_or(StatusCode::BAD_GATEWAY, |header| header.status);
    let mut answer = BytesMut::new();
    while let Some(piece) = session.read_response_body().await? {
        answer.extend_from_slice(&piece);
        if answer.len() > ANSWER_BYTES_MAX {
            return pingora::Error::e_explain(pingora::ErrorType::ReadError, "an answer without end");
        }
    }
    session.shutdown().await;
    Ok((status, answer.freeze()))
}

fn request(admin: &Admin, body: &Bytes) -> pingora::Result<RequestHeader> {
    let mut request = RequestHeader::build("POST", b"/explain", Some(4))?;
    request.insert_header(HOST, &admin.address)?;
    request.insert_header(CONTENT_TYPE, "application/json")?;
    request.insert_header(CONTENT_LENGTH, body.len())?;
    if let Some(token) = &admin.token {
        request.insert_header(AUTHORIZATION, format!("Bearer {token}"))?;
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_written_as_curl_takes_them() {
        assert_eq!(field("Accept:  a/b ").unwrap(), ("Accept".into(), "a/b".into()));
        for text in ["accept", ": x", "a b: c", "a: b\nc"] {
            assert!(field(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_listens_everywhere_is_asked_here() {
        for (listen, asked) in [
            ("0.0.0.0:9090", "127.0.0.1:9090"),
            ("[::]:9090", "[::1]:9090"),
            ("10.0.0.1:9090", "10.0.0.1:9090"),
        ] {
            assert_eq!(reachable(listen.parse().unwrap()).to_string(), asked);
        }
    }
}
