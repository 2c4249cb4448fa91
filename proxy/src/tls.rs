//! Certificates: loaded and checked whole, chosen by SNI, read again when their files change.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use proxima_config::checked::Certificate;
use rustls::ServerConfig;
use rustls::client::verify_server_name;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

/// A certificate that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("certificate {}: {source}; it has to be a readable PEM file", path.display())]
    Certificate {
        path: PathBuf,
        source: rustls::pki_types::pem::Error,
    },
    #[error("certificate {}: the file holds no certificate; it has to be a PEM chain, leaf first", path.display())]
    Empty { path: PathBuf },
    #[error("key {}: {source}; it has to be a readable PEM private key", path.display())]
    Key {
        path: PathBuf,
        source: rustls::pki_types::pem::Error,
    },
    #[error("key {} does not belong to certificate {}; name the key that the certificate was issued for", key.display(), cert.display())]
    Mismatch { cert: PathBuf, key: PathBuf },
    #[error("certificate {}: {source}", cert.display())]
    Unusable { cert: PathBuf, source: rustls::Error },
    #[error("TLS: {0}")]
    Config(rustls::Error),
}

/// When each file was last changed; `None` for one that cannot be looked at.
type Stamp = Vec<Option<SystemTime>>;

/// The certificates in use. A reload swaps all of them at once or, when one is broken, none.
#[derive(Debug)]
pub(crate) struct Certificates {
    files: Vec<Certificate>,
    keys: ArcSwap<Vec<Arc<CertifiedKey>>>,
    /// Of the files when they were last read, whatever came of that.
    stamp: Mutex<Stamp>,
}

impl Certificates {
    /// Loads every certificate.
    ///
    /// # Errors
    /// The first [`TlsError`].
    pub(crate) fn load(files: &[Certificate]) -> Result<Arc<Self>, TlsError> {
        // taken before the files are read: what changes in between is read once more
        let stamp = stamp_of(files);
        let keys = load_all(files)?;
        Ok(Arc::new(Self {
            files: files.to_vec(),
            keys: ArcSwap::from_pointee(keys),
            stamp: Mutex::new(stamp),
        }))
    }

    /// Reads the files again. On an error everything stays as it is.
    ///
    /// # Errors
    /// The first [`TlsError`].
    pub(crate) fn reload(&self) -> Result<(), TlsError> {
        *self.stamp.lock() = stamp_of(&self.files);
        self.keys.store(Arc::new(load_all(&self.files)?));
        Ok(())
    }

    /// Whether a file has changed since it was last read.
    pub(crate) fn have_changed(&self) -> bool {
        *self.stamp.lock() != stamp_of(&self.files)
    }

    /// A TLS acceptor that offers HTTP/2 and HTTP/1.1.
    ///
    /// # Errors
    /// [`TlsError::Config`] when the crypto provider cannot serve.
    pub(crate) fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor, TlsError> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(TlsError::Config)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.ticketer = rustls::crypto::ring::Ticketer::new().map_err(TlsError::Config)?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn stamp_of(files: &[Certificate]) -> Stamp {
    let modified = |path: &PathBuf| std::fs::metadata(path).and_then(|meta| meta.modified()).ok();
    files
        .iter()
        .flat_map(|file| [modified(&file.cert), modified(&file.key)])
        .collect()
}

fn load_all(files: &[Certificate]) -> Result<Vec<Arc<CertifiedKey>>, TlsError> {
    files.iter().map(load_one).collect()
}

fn load_one(file: &Certificate) -> Result<Arc<CertifiedKey>, TlsError> {
    let certificate = |source| TlsError::Certificate {
        path: file.cert.clone(),
        source,
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&file.cert)
        .map_err(certificate)?
        .collect::<Result<_, _>>()
        .map_err(certificate)?;
    if chain.is_empty() {
        return Err(TlsError::Empty {
            path: file.cert.clone(),
        });
    }
    let key = PrivateKeyDer::from_pem_file(&file.key).map_err(|source| TlsError::Key {
        path: file.key.clone(),
        source,
    })?;
    match CertifiedKey::from_der(chain, key, &provider()) {
        Ok(certified) => Ok(Arc::new(certified)),
        Err(rustls::Error::InconsistentKeys(_)) => Err(TlsError::Mismatch {
            cert: file.cert.clone(),
            key: file.key.clone(),
        }),
        Err(source) => Err(TlsError::Unusable {
            cert: file.cert.clone(),
            source,
        }),
    }
}

impl ResolvesServerCert for Certificates {
    /// The first certificate that is valid for the name that the client asks for; the first of all otherwise.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let keys = self.keys.load();
        let wanted = hello
            .server_name()
            .and_then(|name| ServerName::try_from(name).ok());
        let named = wanted.and_then(|name| keys.iter().find(|key| is_valid_for(key, &name)));
        named.or_else(|| keys.first()).cloned()
    }
}

fn is_valid_for(key: &CertifiedKey, name: &ServerName<'_>) -> bool {
    let parsed = key.end_entity_cert().and_then(ParsedCertificate::try_from);
    parsed.is_ok_and(|certificate| verify_server_name(&certificate, name).is_ok())
}
