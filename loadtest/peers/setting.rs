//! What the servers are set up with, and how it gets into their configurations.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::tier::Tier;

/// What every server is set up with.
pub(crate) struct Setting {
    /// Where hits are to come from.
    pub(crate) tier: Tier,
    /// Address of the second tier's node.
    pub(crate) node: Option<SocketAddr>,
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
    /// A configuration file's text with the words that all servers share filled in.
    pub(crate) fn fill(&self, template: &str, access_log: &Path) -> String {
        let words = [
            ("@DIR@", self.dir.display().to_string()),
            ("@CACHE@", self.memory_dir.join("cache").display().to_string()),
            ("@CERT@", self.cert.display().to_string()),
            ("@KEY@", self.key.display().to_string()),
            ("@LOG@", access_log.display().to_string()),
            ("@ORIGIN@", self.origin.to_string()),
        ];
        let node = self.node.map(|node| ("@NODE@", node.to_string()));
        let words = words.into_iter().chain(node);
        words.fold(template.to_owned(), |text, (word, value)| {
            text.replace(word, &value)
        })
    }

    /// Writes a file of that name into the folder for configurations.
    pub(crate) fn write(&self, name: &str, text: &str) -> anyhow::Result<PathBuf> {
        let file = self.dir.join(name);
        std::fs::write(&file, text).with_context(|| file.display().to_string())?;
        Ok(file)
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
            core: 0,
            origin: "127.0.0.1:1".parse().unwrap(),
            dir: "/d".into(),
            memory_dir: "/m".into(),
            cert: "/d/cert.pem".into(),
            key: "/d/key.pem".into(),
        }
    }

    /// The lines of a configuration that still have words to fill in, without what is remarked in them.
    pub(crate) fn unfilled(text: &str) -> Vec<String> {
        let lines = text
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default().to_owned());
        lines.filter(|line| line.contains('@')).collect()
    }
}
