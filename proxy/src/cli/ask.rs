//! How a command finds a running proxy's admin listener and asks it something.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use clap::Args;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST};
use http::{Method, StatusCode};
use pingora::connectors::http::Connector;
use pingora::http::RequestHeader;
use pingora::upstreams::peer::HttpPeer;
use proxima_config::Overrides;
use serde_json::Value;

use super::{DEFAULT_FILE, fail, loaded};

/// Longest wait for a connection, and for each part of the answer. The proxy may have to ask an origin first.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const READ_TIMEOUT: Duration = Duration::from_secs(60);
/// An answer is a few KiB; what is larger is none.
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// Which proxy to ask.
#[derive(Debug, Args)]
pub(super) struct AdminFlags {
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
}

/// Why a proxy has no answer, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
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
    #[error("{0} does not answer as a proxy does: is it the admin address of a proxima of this version?")]
    NotAProxy(String),
    #[error("{0}")]
    Refused(String),
}

/// Where to ask.
pub(super) struct Admin {
    /// As given or configured.
    address: String,
    token: Option<String>,
}

impl AdminFlags {
    /// Flags before the file; a file is needed for what no flag says.
    pub(super) fn find(&self) -> Result<Admin, ExitCode> {
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
            (None, Some(admin)) if admin.listen.port() == 0 => return Err(fail(&AskError::AnyPort)),
            (None, Some(admin)) => reachable(admin.listen).to_string(),
            (None, None) => return Err(fail(&AskError::NoAdmin)),
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

impl Admin {
    /// Posts JSON, or nothing, to a path of the proxy. Returns the body of its answer; why there is none is printed.
    pub(super) fn ask(&self, path: &str, body: Bytes) -> Result<Bytes, ExitCode> {
        self.send(Method::POST, path, body)
    }

    /// [`Self::ask`] that only reads.
    pub(super) fn get(&self, path: &str) -> Result<Bytes, ExitCode> {
        self.send(Method::GET, path, Bytes::new())
    }

    fn send(&self, method: Method, path: &str, body: Bytes) -> Result<Bytes, ExitCode> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| fail(&error))?;
        runtime
            .block_on(self.answer(method, path, body))
            .map_err(|error| fail(&error))
    }

    /// Prints that an answer is none.
    pub(super) fn unreadable(&self) -> ExitCode {
        fail(&AskError::NotAProxy(self.address.clone()))
    }

    async fn answer(&self, method: Method, path: &str, body: Bytes) -> Result<Bytes, AskError> {
        let mut addresses = tokio::net::lookup_host(&self.address)
            .await
            .map_err(|_| AskError::Address(self.address.clone()))?;
        let address = addresses
            .next()
            .ok_or_else(|| AskError::Address(self.address.clone()))?;
        let exchanged = self
            .exchange(address, self.request(method, path, &body), body)
            .await;
        let (status, answer) = exchanged.map_err(|error| AskError::Unreachable {
            address: self.address.clone(),
            why: crate::fetch::reason(&error),
        })?;
        match status {
            StatusCode::OK => Ok(answer),
            StatusCode::UNAUTHORIZED => Err(AskError::Token(self.address.clone())),
            _ => Err(refusal(&answer).unwrap_or_else(|| AskError::NotAProxy(self.address.clone()))),
        }
    }

    async fn exchange(
        &self,
        address: SocketAddr,
        request: pingora::Result<RequestHeader>,
        body: Bytes,
    ) -> pingora::Result<(StatusCode, Bytes)> {
        let mut peer = HttpPeer::new(address, false, String::new());
        peer.options.connection_timeout = Some(CONNECT_TIMEOUT);
        let (mut session, _) = Connector::new(None).get_http_session(&peer).await?;
        session.set_read_timeout(Some(READ_TIMEOUT));
        session.write_request_header(Box::new(request?)).await?;
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

    fn request(&self, method: Method, path: &str, body: &Bytes) -> pingora::Result<RequestHeader> {
        let mut request = RequestHeader::build(method, path.as_bytes(), Some(4))?;
        request.insert_header(HOST, &self.address)?;
        request.insert_header(CONTENT_TYPE, "application/json")?;
        request.insert_header(CONTENT_LENGTH, body.len())?;
        if let Some(token) = &self.token {
            request.insert_header(AUTHORIZATION, format!("Bearer {token}"))?;
        }
        Ok(request)
    }
}

/// What a problem document says.
fn refusal(answer: &[u8]) -> Option<AskError> {
    let document: Value = serde_json::from_slice(answer).ok()?;
    Some(AskError::Refused(document["detail"].as_str()?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

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
