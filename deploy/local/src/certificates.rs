//! A certificate authority for one world.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

/// A certificate authority whose files lie in the world's folder; [`crate::World::client`] trusts it.
#[derive(Debug)]
pub struct Ca {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    dir: PathBuf,
    /// Certificates issued so far; numbers their files.
    issued: AtomicU32,
}

impl Ca {
    /// Makes a new one and writes its certificate to `ca.pem` in `dir`.
    pub(crate) fn new(dir: &Path) -> anyhow::Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params
            .distinguished_name
            .push(DnType::CommonName, "Proxima local CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let pem = params.self_signed(&key)?.pem();
        fs::write(dir.join("ca.pem"), &pem)?;
        Ok(Self {
            issuer: Issuer::new(params, key),
            pem,
            dir: dir.to_owned(),
            issued: AtomicU32::new(0),
        })
    }

    /// File with the authority's certificate, PEM.
    pub fn cert_path(&self) -> PathBuf {
        self.dir.join("ca.pem")
    }

    /// The authority's certificate, PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Issues a certificate for DNS names and IP addresses; returns the files of the chain and of the key.
    ///
    /// # Errors
    /// When a name cannot stand in a certificate, or the files cannot be written.
    pub fn issue(&self, names: &[&str]) -> anyhow::Result<(PathBuf, PathBuf)> {
        let number = self.issued.fetch_add(1, Ordering::Relaxed);
        let stem = names.first().map_or("none", |name| name).replace('*', "_");
        let cert = self.dir.join(format!("{stem}-{number}.pem"));
        let key = self.dir.join(format!("{stem}-{number}.key"));
        self.issue_to(names, &cert, &key)?;
        Ok((cert, key))
    }

    /// [`Self::issue`] into given files, such as those of a certificate that is to be renewed.
    ///
    /// # Errors
    /// As [`Self::issue`].
    pub fn issue_to(&self, names: &[&str], cert: &Path, key: &Path) -> anyhow::Result<()> {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let common_name = names.first().cloned().unwrap_or_default();
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let pair = KeyPair::generate()?;
        let certificate = params.signed_by(&pair, &self.issuer)?;
        fs::write(key, pair.serialize_pem())?;
        fs::write(cert, certificate.pem())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_certificate_has_its_own_files_and_key() {
        let dir = tempfile::tempdir().unwrap();
        let ca = Ca::new(dir.path()).unwrap();
        let (cert, key) = ca.issue(&["a.example", "127.0.0.1"]).unwrap();
        let (other_cert, other_key) = ca.issue(&["a.example"]).unwrap();
        assert_ne!(cert, other_cert);
        assert_ne!(fs::read(key).unwrap(), fs::read(other_key).unwrap());
        assert!(
            fs::read_to_string(ca.cert_path())
                .unwrap()
                .starts_with("-----BEGIN CERTIFICATE")
        );
    }

    #[test]
    fn a_certificate_can_be_renewed_in_place() {
        let dir = tempfile::tempdir().unwrap();
        let ca = Ca::new(dir.path()).unwrap();
        let (cert, key) = ca.issue(&["a.example"]).unwrap();
        let before = fs::read(&cert).unwrap();
        ca.issue_to(&["b.example"], &cert, &key).unwrap();
        assert_ne!(fs::read(&cert).unwrap(), before);
    }
}
