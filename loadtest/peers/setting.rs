//! What the servers are set up with, and how it gets into their configurations.

use std::fs::{File, OpenOptions};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::peer::Peer;
use crate::tier::Tier;

/// Bytes of cache that hot objects need at most.
pub(crate) const CAPACITY: u64 = 256 << 20;

/// What every server is set up with.
pub(crate) struct Setting {
    /// Where hits are to come from.
    pub(crate) tier: Tier,
    /// Address of the second tier's node.
    pub(crate) node: Option<SocketAddr>,
    /// Bytes of cache that each server may use for its first tier.
    pub(crate) capacity: u64,
    /// Core to run on.
    pub(crate) core: usize,
    /// Address of the origin.
    pub(crate) origin: SocketAddr,
    /// Folder for configurations and logs.
    pub(crate) dir: PathBuf,
    /// Folder in memory for cached files.
    pub(crate) memory_dir: PathBuf,
    /// PEM file of the certificate.
    pub(crate) cert: PathBuf,
    /// PEM file of its key.
    pub(crate) key: PathBuf,
}

impl Setting {
    /// A configuration file of `peer`: a template with its `own` words filled in and those that mean the same to all.
    pub(crate) fn fill(&self, template: &str, peer: Peer, own: &[(&str, String)]) -> String {
        let words = [
            ("@DIR@", self.dir.display().to_string()),
            ("@CACHE@", self.cache_dir(peer).display().to_string()),
            ("@CAPACITY@", self.capacity.to_string()),
            ("@CERT@", self.cert.display().to_string()),
            ("@KEY@", self.key.display().to_string()),
            ("@LOG@", self.access_log(peer).display().to_string()),
            ("@ORIGIN@", self.origin.to_string()),
        ];
        let node = self.node.map(|node| ("@NODE@", node.to_string()));
        let words = words.iter().chain(&node).chain(own);
        words.fold(template.to_owned(), |text, (word, value)| {
            text.replace(word, value)
        })
    }

    /// The file of a server's access log.
    pub(crate) fn access_log(&self, peer: Peer) -> PathBuf {
        self.dir.join(format!("{peer}.log"))
    }

    /// Makes the access log, for a server that is given it open, or makes it late itself. What is written goes to its
    /// end, even after somebody has cut it short.
    pub(crate) fn create_log(&self, peer: Peer) -> anyhow::Result<File> {
        let path = self.access_log(peer);
        let file = OpenOptions::new().create(true).append(true).open(&path);
        file.with_context(|| path.display().to_string())
    }

    /// The folder of a server's cached files.
    pub(crate) fn cache_dir(&self, peer: Peer) -> PathBuf {
        self.memory_dir.join(peer.as_str())
    }

    /// Writes a file of that name into the folder for configurations.
    pub(crate) fn write(&self, name: &str, text: &str) -> anyhow::Result<PathBuf> {
        let file = self.dir.join(name);
        std::fs::write(&file, text).with_context(|| file.display().to_string())?;
        Ok(file)
    }

    /// Writes the certificate and its key into one PEM file, for servers that read both from one.
    pub(crate) fn write_pem(&self) -> anyhow::Result<PathBuf> {
        let read = |file: &Path| std::fs::read_to_string(file).with_context(|| file.display().to_string());
        self.write("both.pem", &(read(&self.cert)? + &read(&self.key)?))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// One as for a run of `tier`.
    pub(crate) fn example(tier: Tier) -> Setting {
        Setting {
            tier,
            node: (tier == Tier::L2).then(|| "127.0.0.1:2".parse().unwrap()),
            capacity: CAPACITY,
            core: 0,
            origin: "127.0.0.1:1".parse().unwrap(),
            dir: "/d".into(),
            memory_dir: "/m".into(),
            cert: "/d/cert.pem".into(),
            key: "/d/key.pem".into(),
        }
    }

    /// An address to listen at.
    pub(crate) fn listening(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    /// The lines of a configuration that still have words to fill in, without what is remarked in them.
    pub(crate) fn unfilled(text: &str) -> Vec<String> {
        let lines = text
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default().to_owned());
        lines.filter(|line| line.contains('@')).collect()
    }
}
