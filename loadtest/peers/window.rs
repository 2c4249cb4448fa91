//! A server under load: what it spends meanwhile.

use std::fs::OpenOptions;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::measure::{Measure, Sample};
use crate::origin::Origin;
use crate::server::Server;

/// How long a server may keep lines of its access log back: most write what they have every second.
const LOG_FLUSH: Duration = Duration::from_secs(3);

/// How long a server needs after a load to be done with what was under way when it ended, and with its log.
pub(crate) const QUIET: Duration = Duration::from_millis(1200);

/// What a server spent while it was under load.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// CPU time, in user and kernel mode.
    cpu: Duration,
    /// How long it took.
    pub(crate) elapsed: Duration,
    /// Requests that reached the origin.
    pub(crate) asked: u64,
}

/// Runs a load to its end and watches the server meanwhile. The access log is emptied before.
pub(crate) async fn watch<L>(
    server: &Server,
    origin: &Origin,
    load: impl Future<Output = anyhow::Result<L>>,
) -> anyhow::Result<(L, Window)> {
    empty(&server.access_log)?;
    let asked = origin.asked();
    let (start, before) = (Instant::now(), server.cpu_used()?);
    let load = load.await?;
    let window = Window {
        cpu: server.cpu_used()?.saturating_sub(before),
        elapsed: start.elapsed(),
        asked: origin.asked() - asked,
    };
    Ok((load, window))
}

impl Window {
    /// CPU time in microseconds for each of `count`.
    pub(crate) fn cpu_us_each(&self, count: u64) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / count as f64
    }

    /// What tells whether the other measures of a window with that many requests can be trusted.
    pub(crate) async fn credentials(&self, server: &Server, requests: u64) -> anyhow::Result<Sample> {
        let lines = logged(&server.access_log, requests).await?;
        empty(&server.access_log)?;
        Ok(Sample::from([
            (Measure::BusyShare, self.busy()),
            (Measure::LoggedShare, lines as f64 / requests as f64),
        ]))
    }

    /// Share of its core that the server used.
    pub(crate) fn busy(&self) -> f64 {
        self.cpu.as_secs_f64() / self.elapsed.as_secs_f64()
    }
}

/// Lines in an access log, once there are as many as `requests` or no more are to be expected.
async fn logged(log: &Path, requests: u64) -> anyhow::Result<u64> {
    let start = Instant::now();
    loop {
        let lines = lines_of(log)?;
        if lines >= requests || start.elapsed() > LOG_FLUSH {
            return Ok(lines);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// All servers append, so a file that is cut short goes on at its start.
fn empty(log: &Path) -> anyhow::Result<()> {
    let file = OpenOptions::new().write(true).open(log);
    file.and_then(|file| file.set_len(0))
        .with_context(|| format!("access log {}", log.display()))
}

fn lines_of(log: &Path) -> anyhow::Result<u64> {
    let mut file = std::fs::File::open(log)?;
    let mut chunk = vec![0; 1 << 16];
    let mut lines = 0;
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(lines),
            read => lines += chunk[..read].iter().filter(|&&byte| byte == b'\n').count() as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_shared_out_evenly() {
        let window = Window {
            cpu: Duration::from_secs(2),
            elapsed: Duration::from_secs(4),
            asked: 0,
        };
        assert!((window.cpu_us_each(400_000) - 5.0).abs() < 1e-9);
        assert!((window.busy() - 0.5).abs() < 1e-9);
    }

    #[tokio::test]
    async fn lines_are_waited_for_no_longer_than_until_all_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        std::fs::write(&log, "one\ntwo\n").unwrap();
        assert_eq!(logged(&log, 2).await.unwrap(), 2);
        empty(&log).unwrap();
        assert_eq!(logged(&log, 0).await.unwrap(), 0);
    }
}
