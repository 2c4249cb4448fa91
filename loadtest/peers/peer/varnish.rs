//! Varnish, with varnishncsa for its access log and hitch in front of it for TLS.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use super::Peer;
use crate::server::Running;
use crate::setting::Setting;
use crate::side_by_side::cpu;
use crate::side_by_side::process::{Process, free_addresses, pinned};
use crate::side_by_side::program::pin;

/// What of nginx's "combined" the shared log has: all but the fields of the request.
const LOG_FORMAT: &str = r#"%h %l %u %t "%m %U%q %H" %s %b"#;

/// Starts all three on the same core and waits until Varnish and hitch listen.
pub(super) async fn start(
    varnishd: &Path,
    varnishncsa: &Path,
    hitch: &Path,
    setting: &Setting,
) -> anyhow::Result<Running> {
    let [http, tls] = free_addresses().await?;
    // Where its shared log is, which is written once per request: not on a disk, and not among cached files.
    let shared = setting.memory_dir.join("varnish-shared");
    let socket = setting.dir.join("varnish.sock");

    let mut command = varnish_command(varnishd, setting, &shared)?;
    command.arg("-a").arg(format!("http={http}"));
    command.arg("-a").arg(format!("hitch={},PROXY", socket.display()));
    let mut cache = Process::start(&mut command, setting.dir.join("varnishd.stderr"))?;
    cache.listens(&[http]).await?;

    setting.create_log(Peer::Varnish)?;
    let mut command = pinned(setting.core, "KILL", varnishncsa);
    command.arg("-n").arg(&shared).args(["-F", LOG_FORMAT]);
    command.arg("-a").arg("-w").arg(setting.access_log(Peer::Varnish));
    let log = Process::start(&mut command, setting.dir.join("varnishncsa.stderr"))?;

    let config = setting.write(
        "hitch.conf",
        &hitch_configuration(setting, tls, &setting.write_pem()?, &socket),
    )?;
    let mut command = pinned(setting.core, "TERM", hitch);
    command.arg(format!("--config={}", config.display()));
    let mut terminator = Process::start(command.stdout(Stdio::null()), setting.dir.join("hitch.stderr"))?;
    terminator.listens(&[tls]).await?;
    // Its first worker moves to core 0, whatever core it was given.
    for pid in cpu::tree(terminator.id()?) {
        pin(pid, setting.core).await?;
    }
    Ok(Running {
        http,
        tls,
        processes: vec![terminator, log, cache],
    })
}

/// Varnish without addresses to listen at. TERM, so that it takes the process that serves along.
fn varnish_command(varnishd: &Path, setting: &Setting, shared: &Path) -> anyhow::Result<Command> {
    let rules = setting.write("varnish.vcl", &rules(setting))?;
    let parameters = setting.write("varnish.cli", &without_remarks(include_str!("../varnish.cli.in")))?;
    let mut command = pinned(setting.core, "TERM", varnishd);
    // No jail: as another user than root it could not read what is ours. No port for commands.
    command.args(["-F", "-j", "none", "-T", "none"]);
    command.arg("-s").arg(format!("malloc,{}", setting.capacity));
    command.arg("-n").arg(shared).arg("-f").arg(rules);
    command.arg("-I").arg(parameters).stdout(Stdio::null());
    Ok(command)
}

/// The commands alone: Varnish knows no remarks among them.
fn without_remarks(commands: &str) -> String {
    let lines = commands.lines();
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| format!("{line}\n"))
        .collect()
}

fn rules(setting: &Setting) -> String {
    let own = [
        ("@ORIGIN_HOST@", setting.origin.ip().to_string()),
        ("@ORIGIN_PORT@", setting.origin.port().to_string()),
    ];
    setting.fill(include_str!("../varnish.vcl.in"), Peer::Varnish, &own)
}

fn hitch_configuration(setting: &Setting, tls: SocketAddr, pem: &Path, socket: &Path) -> String {
    // As root it refuses to run, unless it is told to stay root.
    let user = if rustix::process::geteuid().is_root() {
        "user = \"root\""
    } else {
        ""
    };
    let own = [
        ("@TLS_HOST@", tls.ip().to_string()),
        ("@TLS_PORT@", tls.port().to_string()),
        ("@SOCKET@", socket.display().to_string()),
        ("@PEM@", pem.display().to_string()),
        ("@USER@", user.to_owned()),
    ];
    setting.fill(include_str!("../hitch.conf.in"), Peer::Varnish, &own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setting::tests::{example, listening, unfilled};
    use crate::tier::Tier;

    #[test]
    fn configurations_have_no_words_left_to_fill_in() {
        let setting = example(Tier::L1);
        let (pem, socket) = (Path::new("/d/both.pem"), Path::new("/d/varnish.sock"));
        let hitch = hitch_configuration(&setting, listening(443), pem, socket);
        for text in [rules(&setting), hitch] {
            assert_eq!(unfilled(&text), [""; 0]);
        }
    }
}
