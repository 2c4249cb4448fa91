//! A load tool: a process that ends by itself, and what it reports.

use std::process::Stdio;

use anyhow::{Context, bail};
use tokio::process::{Child, Command};

/// What a tool reports of one run.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Load {
    /// Requests answered.
    pub(crate) requests: u64,
    /// How long it took.
    pub(crate) seconds: f64,
    /// Median time of a request, in microseconds.
    pub(crate) p50_us: f64,
    /// 99th percentile, in microseconds.
    pub(crate) p99_us: f64,
}

/// A tool at work.
pub(crate) struct Tool {
    /// Its process. `setpriv` and `taskset` become what they start, so it is the tool itself.
    pub(crate) child: Child,
    named: String,
}

impl Tool {
    /// Starts a command.
    pub(crate) fn start(command: &mut Command) -> anyhow::Result<Self> {
        let named = format!("{:?}", command.as_std());
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| named.clone())?;
        Ok(Self { child, named })
    }

    /// Lets it run to its end and takes its standard output.
    pub(crate) async fn output(self) -> anyhow::Result<String> {
        let Self { child, named } = self;
        let output = child.wait_with_output().await.with_context(|| named.clone())?;
        if !output.status.success() {
            bail!(
                "{named}: {}: {}",
                output.status,
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
