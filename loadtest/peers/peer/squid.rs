//! Squid as an accelerator in front of the origin.

use std::fs::Permissions;
use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context;
use tokio::process::Command;

use super::Peer;
use crate::server::Running;
use crate::setting::Setting;
use crate::side_by_side::process::{free_addresses, pinned};

/// `nobody` and `nogroup`, for Squid refuses to run as root.
const NOBODY: u32 = 65534;

/// Starts it in the foreground, as one process and its log's writer, and waits until it listens.
pub(super) async fn start(program: &Path, setting: &Setting) -> anyhow::Result<Running> {
    let [http, tls] = free_addresses().await?;
    let own = setting.dir.join("squid");
    let file = own.join("squid.conf");
    std::fs::create_dir_all(&own)?;
    std::fs::write(&file, configuration(setting, &own, http, tls))?;
    std::fs::copy(&setting.cert, own.join("cert.pem"))?;
    std::fs::copy(&setting.key, own.join("key.pem"))?;
    setting.create_log(Peer::Squid)?;
    // TERM, so that it removes its shared memory.
    let mut command = if rustix::process::geteuid().is_root() {
        give_away(setting, &[own, setting.access_log(Peer::Squid)])?;
        pinned_as_nobody(setting.core, program)
    } else {
        pinned(setting.core, "TERM", program)
    };
    // -d 0: what goes wrong is said on standard error, too.
    command.args(["-N", "-d", "0", "-n", &service(&setting.dir), "-f"]);
    command.arg(&file).stdout(Stdio::null());
    Running::start(&mut command, setting.dir.join("squid.stderr"), [http, tls]).await
}

/// Squid as nobody. Were it to change its identity itself, it would outlive us: that clears the parent death signal
/// (prctl(2)).
fn pinned_as_nobody(core: usize, program: &Path) -> Command {
    let id = NOBODY.to_string();
    let mut command = pinned(core, "TERM", Path::new("setpriv"));
    command.args(["--reuid", &id, "--regid", &id, "--clear-groups"]);
    command.args(["--pdeathsig", "TERM", "--"]).arg(program);
    command
}

/// What it calls its shared memory, so that it meets no other Squid's: the name of its folder, of which it takes letters
/// and digits.
fn service(dir: &Path) -> String {
    let name = dir.file_name().unwrap_or_default().to_string_lossy();
    name.chars().filter(char::is_ascii_alphanumeric).collect()
}

/// Makes files and folders nobody's, and lets nobody reach them.
fn give_away(setting: &Setting, paths: &[PathBuf]) -> anyhow::Result<()> {
    std::fs::set_permissions(&setting.dir, Permissions::from_mode(0o711))?;
    for path in paths {
        chown(path, Some(NOBODY), Some(NOBODY)).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

fn configuration(setting: &Setting, dir: &Path, http: SocketAddr, tls: SocketAddr) -> String {
    let own = [
        ("@HTTP@", http.to_string()),
        ("@TLS@", tls.to_string()),
        ("@OWN@", dir.display().to_string()),
        ("@ORIGIN_HOST@", setting.origin.ip().to_string()),
        ("@ORIGIN_PORT@", setting.origin.port().to_string()),
    ];
    setting.fill(include_str!("../squid.conf.in"), Peer::Squid, &own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setting::tests::{example, listening, unfilled};
    use crate::tier::Tier;

    #[test]
    fn configuration_has_no_words_left_to_fill_in() {
        let text = configuration(
            &example(Tier::L1),
            Path::new("/d/squid"),
            listening(80),
            listening(443),
        );
        assert_eq!(unfilled(&text), [""; 0]);
    }
}
