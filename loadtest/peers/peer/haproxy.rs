//! haproxy with its own cache.

use std::net::SocketAddr;
use std::path::Path;

use super::Peer;
use crate::server::Running;
use crate::setting::Setting;
use crate::side_by_side::process::{free_addresses, pinned};

/// The largest cache that haproxy takes, in MiB.
const CAPACITY_MIB_MAX: u64 = 4095;

/// Starts it with one thread and waits until it listens. Its standard output is its access log.
pub(super) async fn start(program: &Path, setting: &Setting) -> anyhow::Result<Running> {
    let [http, tls] = free_addresses().await?;
    let pem = setting.write_pem()?;
    let file = setting.write("haproxy.cfg", &configuration(setting, &pem, http, tls))?;
    let mut command = pinned(setting.core, "KILL", program);
    command
        .arg("-f")
        .arg(&file)
        .stdout(setting.create_log(Peer::Haproxy)?);
    Running::start(&mut command, setting.dir.join("haproxy.stderr"), [http, tls]).await
}

fn configuration(setting: &Setting, pem: &Path, http: SocketAddr, tls: SocketAddr) -> String {
    let own = [
        ("@HTTP@", http.to_string()),
        ("@TLS@", tls.to_string()),
        ("@PEM@", pem.display().to_string()),
        ("@CAPACITY_MIB@", capacity_mib(setting.capacity).to_string()),
    ];
    setting.fill(include_str!("../haproxy.cfg.in"), Peer::Haproxy, &own)
}

/// As many whole MiB of `bytes` as haproxy takes.
fn capacity_mib(bytes: u64) -> u64 {
    (bytes >> 20).clamp(1, CAPACITY_MIB_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setting::tests::{example, listening, unfilled};
    use crate::tier::Tier;

    #[test]
    fn configuration_has_no_words_left_to_fill_in() {
        let pem = Path::new("/d/both.pem");
        let text = configuration(&example(Tier::L1), pem, listening(80), listening(443));
        assert_eq!(unfilled(&text), [""; 0]);
    }

    #[test]
    fn capacity_is_within_what_haproxy_takes() {
        for (bytes, mib) in [(1, 1), (256 << 20, 256), (8 << 30, 4095)] {
            assert_eq!(capacity_mib(bytes), mib);
        }
    }
}
