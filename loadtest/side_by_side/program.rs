//! Programs: where they are, and on which core this one runs.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, bail};
use tokio::process::Command;

/// A program of the search path, or of the folder where Debian keeps servers.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// An error that names those of `tools` that are not installed.
pub(crate) fn require(tools: &[&str]) -> anyhow::Result<()> {
    let missing: Vec<_> = tools
        .iter()
        .copied()
        .filter(|tool| find_program(tool).is_none())
        .collect();
    if !missing.is_empty() {
        bail!(
            "missing: {}; `deploy/setup.sh bench` installs them",
            missing.join(", ")
        );
    }
    Ok(())
}

/// What a program answers to the argument that asks for its version.
pub(crate) async fn version_of(program: &Path, argument: &str) -> anyhow::Result<String> {
    let output = Command::new(program)
        .arg(argument)
        .stdin(Stdio::null())
        .output()
        .await
        .with_context(|| program.display().to_string())?;
    let said = [output.stdout, output.stderr].concat(); // nginx answers on standard error
    Ok(String::from_utf8_lossy(&said)
        .trim()
        .trim_start_matches("nginx version: ")
        .to_owned())
}

/// Moves this process, and so all that it does itself, to the core of the load.
pub(crate) async fn pin_self(core: usize) -> anyhow::Result<()> {
    pin(std::process::id(), core)
        .await
        .context("the load needs a core of its own")
}

/// Moves a process to a core.
pub(crate) async fn pin(pid: u32, core: usize) -> anyhow::Result<()> {
    let pinned = Command::new("taskset")
        .args(["--cpu-list", "--pid", &core.to_string(), &pid.to_string()])
        .output()
        .await?;
    if !pinned.status.success() {
        bail!("{}", String::from_utf8_lossy(&pinned.stderr).trim());
    }
    Ok(())
}
