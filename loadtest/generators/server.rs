//! The server that all generators ask: nginx with one worker, which answers the same object to everything.

use std::path::Path;
use std::process::Stdio;

use anyhow::Context;

use crate::side_by_side::process::{Process, free_addresses, pinned};
use crate::side_by_side::program::{find_program, version_of};

/// Size of the object in bytes.
pub(crate) const BODY_BYTES: usize = 1024;

/// A running server.
pub(crate) struct Server {
    /// Its version, as it says.
    pub(crate) version: String,
    /// What to ask for.
    pub(crate) url: String,
    /// Its process.
    pub(crate) process: Process,
}

impl Server {
    /// Starts it on `core`, with its files in `dir`, and waits until it listens.
    pub(crate) async fn start(core: usize, dir: &Path) -> anyhow::Result<Self> {
        let program = find_program("nginx").context("nginx is not installed")?;
        let [address] = free_addresses().await?;
        let config = dir.join("nginx.conf");
        std::fs::write(&config, configuration(dir, &address.to_string()))?;
        // TERM, since a master that is killed leaves its workers behind.
        let mut command = pinned(core, "TERM", &program);
        command
            .arg("-p")
            .arg(dir)
            .args(["-e", "stderr", "-c"])
            .arg(&config);
        let mut process = Process::start(command.stdout(Stdio::null()), dir.join("nginx.stderr"))?;
        process.listens(&[address]).await.context("nginx")?;
        Ok(Self {
            version: version_of(&program, "-v").await?,
            url: format!("http://{address}/profiles/7"),
            process,
        })
    }
}

fn configuration(dir: &Path, address: &str) -> String {
    // A worker started by root would change to a user who cannot read the folder.
    let user = if rustix::process::geteuid().is_root() {
        "user root;"
    } else {
        ""
    };
    include_str!("nginx.conf.in")
        .replace("@USER@", user)
        .replace("@DIR@", &dir.display().to_string())
        .replace("@HTTP@", address)
        .replace("@BODY@", &body())
}

/// JSON of exactly [`BODY_BYTES`].
fn body() -> String {
    let (head, tail) = (r#"{"id":"7","summary":""#, r#""}"#);
    let filling = BODY_BYTES - head.len() - tail.len();
    format!("{head}{}{tail}", "x".repeat(filling))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_is_json_of_the_stated_size() {
        assert_eq!(body().len(), BODY_BYTES);
        assert!(serde_json::from_str::<serde_json::Value>(&body()).is_ok());
    }

    #[test]
    fn the_configuration_leaves_no_word_to_fill_in() {
        let text = configuration(Path::new("/d"), "127.0.0.1:1");
        let left = text.lines().skip(1).find(|line| line.contains('@'));
        assert_eq!(left, None);
    }
}
