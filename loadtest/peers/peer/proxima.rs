//! Proxima: the first tier alone, or the ring alone.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::{sleep, timeout};

use super::Peer;
use crate::server::Running;
use crate::setting::Setting;
use crate::side_by_side::process::{Process, START_TIMEOUT, pinned};
use crate::tier::Tier;

/// Starts it with one worker and waits until it says that it is ready.
pub(super) async fn start(program: &Path, setting: &Setting) -> anyhow::Result<Running> {
    let file = setting.write("proxima.toml", &configuration(setting))?;
    let mut command = pinned(setting.core, "KILL", program);
    command
        .arg("run")
        .arg("--config")
        .arg(&file)
        .stdout(Stdio::piped());
    let mut process = Process::start(&mut command, setting.dir.join("proxima.stderr"))?;
    let mut lines = BufReader::new(process.child.stdout.take().context("standard output")?).lines();
    let Some(line) = timeout(START_TIMEOUT, lines.next_line())
        .await
        .context("not ready in time")??
    else {
        sleep(Duration::from_millis(100)).await;
        process.check()?;
        bail!("closed its standard output before it was ready");
    };
    let http = address_in(&line, "http://").with_context(|| format!("no http:// address in {line:?}"))?;
    let tls = address_in(&line, "https://").with_context(|| format!("no https:// address in {line:?}"))?;
    Ok(Running {
        http,
        tls,
        processes: vec![process],
    })
}

/// The first address after `scheme` in `proxima 0.1.0 ready: region local, http://127.0.0.1:1, https://127.0.0.1:2`.
fn address_in(line: &str, scheme: &str) -> Option<SocketAddr> {
    line.split([' ', ','])
        .find_map(|word| word.strip_prefix(scheme)?.parse().ok())
}

fn configuration(setting: &Setting) -> String {
    let template = match setting.tier {
        Tier::L1 => include_str!("../proxima.toml.in"),
        Tier::L2 => include_str!("../proxima-ring.toml.in"),
    };
    setting.fill(template, Peer::Proxima, &[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setting::tests::{example, unfilled};

    #[test]
    fn ready_line_names_addresses() {
        let line =
            "proxima 0.1.0 ready: region bench, http://127.0.0.1:80, https://[::1]:443, admin http://[::1]:9";
        assert_eq!(address_in(line, "http://"), "127.0.0.1:80".parse().ok());
        assert_eq!(address_in(line, "https://"), "[::1]:443".parse().ok());
        assert_eq!(address_in("proxima 0.1.0 ready: region bench", "http://"), None);
    }

    #[test]
    fn configurations_have_no_words_left_to_fill_in() {
        for tier in Tier::ALL {
            let text = configuration(&example(tier));
            assert_eq!(unfilled(&text), [""; 0], "{tier:?}");
        }
    }
}
