//! What a measurement needs: an origin, a node where there is a ring, and Proxima, whose instructions are counted.

use std::path::Path;

use anyhow::Context;
use tempfile::TempDir;

use crate::access_log::AccessLog;
use crate::callgrind::Server;
use crate::case::Setup;
use crate::node::Node;
use crate::origin;
use crate::started::certificate;

/// All of it, running. It ends when it is dropped.
pub(crate) struct World {
    /// The server.
    pub(crate) server: Server,
    /// What it logs.
    pub(crate) log: AccessLog,
    /// The folder of all files.
    pub(crate) files: TempDir,
    _node: Option<Node>,
}

impl World {
    /// Starts everything and waits until it is ready.
    pub(crate) async fn start(setup: Setup, proxima: &Path) -> anyhow::Result<Self> {
        let files = tempfile::Builder::new()
            .prefix("proxima-instructions-")
            .tempdir()?;
        let dir = files.path();
        let node = match setup {
            Setup::Memory => None,
            Setup::Ring => Some(Node::start(dir).await.context("memcached")?),
        };
        let origin = origin::start().await?;
        let (cert, key) = certificate(dir)?;
        let log = dir.join("access.log");
        let mut words = vec![
            ("@CERT@", cert.display().to_string()),
            ("@KEY@", key.display().to_string()),
            ("@LOG@", log.display().to_string()),
            ("@ORIGIN@", origin.to_string()),
        ];
        words.extend(node.as_ref().map(|node| ("@NODE@", node.address.to_string())));
        let config = dir.join("proxima.toml");
        std::fs::write(&config, configuration(setup, &words))?;
        let server = Server::start(proxima, &config, dir).await;
        Ok(Self {
            server: server.with_context(|| proxima.display().to_string())?,
            log: AccessLog::open(&log)?,
            files,
            _node: node,
        })
    }
}

/// The configuration for `setup` with `words` filled in.
fn configuration(setup: Setup, words: &[(&str, String)]) -> String {
    let mut text = include_str!("proxima.toml.in").to_owned();
    if setup == Setup::Ring {
        text += include_str!("ring.toml.in");
    }
    words
        .iter()
        .fold(text, |text, (word, value)| text.replace(word, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations_have_no_words_left_to_fill_in() {
        let words = ["@CERT@", "@KEY@", "@LOG@", "@ORIGIN@", "@NODE@"].map(|word| (word, "x".to_owned()));
        for setup in Setup::ALL {
            let text = configuration(setup, &words);
            let settings = text.lines().filter(|line| !line.starts_with('#'));
            assert!(!settings.collect::<String>().contains('@'), "{setup:?}: {text}");
            assert!(toml::from_str::<toml::Table>(&text).is_ok(), "{setup:?}: {text}");
        }
    }
}
