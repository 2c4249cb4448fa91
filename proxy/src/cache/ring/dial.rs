//! Connections to a node: TCP, TLS over it, or a Unix socket.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proxima_config::checked::{NodeAddress, RingTls};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio_rustls::TlsConnector;

/// TLS to nodes cannot be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    #[error("TLS to ring nodes: {}: {source}; name a PEM file of certificate authorities", path.display())]
    Authorities {
        path: PathBuf,
        source: rustls::pki_types::pem::Error,
    },
    #[error("TLS to ring nodes: {0}")]
    Tls(#[from] rustls::Error),
    #[error("TLS to ring node {0}: its name cannot stand in a certificate")]
    Name(String),
}

/// A connection of any kind.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// How one node is reached.
#[derive(Clone)]
pub(super) enum Dial {
    Tcp(String),
    Tls {
        address: String,
        name: ServerName<'static>,
        connector: TlsConnector,
    },
    Unix(PathBuf),
}

impl Dial {
    /// # Errors
    /// [`DialError::Name`] for a host that no certificate can name.
    pub(super) fn new(address: &NodeAddress, tls: Option<&TlsConnector>) -> Result<Self, DialError> {
        let host = match address {
            NodeAddress::Unix(path) => return Ok(Self::Unix(path.clone())),
            NodeAddress::Tcp { host, .. } => host,
        };
        let address = address.to_string(); // what a configuration writes is what sockets take
        let Some(connector) = tls else {
            return Ok(Self::Tcp(address));
        };
        let name = ServerName::try_from(host.clone()).map_err(|_| DialError::Name(host.clone()))?;
        Ok(Self::Tls {
            address,
            name,
            connector: connector.clone(),
        })
    }

    /// Opens a connection. Names are resolved anew each time.
    pub(super) async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        match self {
            Self::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
            Self::Tcp(address) => Ok(Box::new(tcp(address).await?)),
            Self::Tls {
                address,
                name,
                connector,
            } => {
                let stream = tcp(address).await?;
                Ok(Box::new(connector.connect(name.clone(), stream).await?))
            }
        }
    }

    /// Whether the node's name has an address. A path needs none.
    pub(super) async fn resolves(&self) -> io::Result<()> {
        match self {
            Self::Unix(_) => Ok(()),
            Self::Tcp(address) | Self::Tls { address, .. } => lookup_host(address).await.map(drop),
        }
    }
}

async fn tcp(address: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Trusts the authorities that the configuration names, or else the system's.
///
/// # Errors
/// [`DialError`] for a file that holds none.
pub(super) fn tls_connector(tls: &RingTls) -> Result<TlsConnector, DialError> {
    let mut roots = RootCertStore::empty();
    match &tls.ca {
        Some(path) => authorities(path)?
            .into_iter()
            .try_for_each(|authority| roots.add(authority))?,
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>, DialError> {
    let read = || CertificateDer::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>();
    let unusable = |source| DialError::Authorities {
        path: path.to_owned(),
        source,
    };
    match read() {
        Ok(found) if found.is_empty() => Err(unusable(rustls::pki_types::pem::Error::NoItemsFound)),
        found => found.map_err(unusable),
    }
}
