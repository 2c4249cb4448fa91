//! Clients that hide nothing: interim responses, repeated fields, trailers and broken bodies are seen as they come.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::client_h1::h1;
use super::client_h2::h2;

pub(super) type Fields = Vec<(String, String)>;

/// What came back.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Names in lower case, in the order in which they came.
    pub(super) fields: Fields,
    pub(super) body: Vec<u8>,
    pub(super) interim: Vec<(u16, Fields)>,
    pub(super) trailers: Fields,
    /// Why the body ended before its end.
    pub(super) broken: Option<String>,
    /// Bytes that belong to no answer.
    pub(super) surplus: usize,
}

impl Answer {
    pub(super) fn lines<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let lines = self
            .fields
            .iter()
            .filter(move |(found, _)| found.eq_ignore_ascii_case(name));
        lines.map(|(_, value)| value.as_str())
    }

    /// All lines of a field, as one value.
    pub(super) fn field(&self, name: &str) -> Option<String> {
        let lines: Vec<_> = self.lines(name).collect();
        (!lines.is_empty()).then(|| lines.join(", "))
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A request as it is to be sent.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) method: String,
    pub(super) authority: String,
    pub(super) target: String,
    pub(super) fields: Fields,
    pub(super) body: Option<String>,
}

pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// How clients connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// HTTP/1.1 on the plain listener.
    H1,
    /// HTTP/1.1 in TLS.
    H1Tls,
    H2,
}

/// Connects to proxies whose certificates `ca_pem` has signed.
#[derive(Clone)]
pub(super) struct Connector {
    h1: TlsConnector,
    h2: TlsConnector,
}

impl Connector {
    pub(super) fn new(ca_pem: &str) -> Self {
        let tls = |protocol: &[u8]| {
            let mut roots = RootCertStore::empty();
            roots
                .add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap())
                .unwrap();
            let mut config = ClientConfig::builder()
                .with_root_certificates(roots)
                .with_no_client_auth();
            config.alpn_protocols = vec![protocol.to_vec()];
            TlsConnector::from(Arc::new(config))
        };
        Self {
            h1: tls(b"http/1.1"),
            h2: tls(b"h2"),
        }
    }

    /// A connection for one request.
    pub(super) async fn ask(
        &self,
        protocol: Protocol,
        plain: SocketAddr,
        tls: SocketAddr,
        ask: &Ask,
    ) -> Result<Answer, String> {
        let exchange = async {
            match protocol {
                Protocol::H1 => h1(Box::new(connect(plain).await?), ask).await,
                Protocol::H1Tls => h1(Box::new(self.tls(&self.h1, tls).await?), ask).await,
                Protocol::H2 => h2(self.tls(&self.h2, tls).await?, ask).await,
            }
        };
        tokio::time::timeout(super::ANSWER_TIMEOUT, exchange)
            .await
            .unwrap_or_else(|_| Err("no answer in time".into()))
    }

    async fn tls(
        &self,
        connector: &TlsConnector,
        to: SocketAddr,
    ) -> Result<tokio_rustls::client::TlsStream<TcpStream>, String> {
        let name = ServerName::try_from("localhost").map_err(|error| error.to_string())?;
        let socket = connect(to).await?;
        connector
            .connect(name, socket)
            .await
            .map_err(|error| format!("TLS: {error}"))
    }
}

async fn connect(to: SocketAddr) -> Result<TcpStream, String> {
    let socket = TcpStream::connect(to)
        .await
        .map_err(|error| format!("connect: {error}"))?;
    socket.set_nodelay(true).map_err(|error| error.to_string())?;
    Ok(socket)
}
