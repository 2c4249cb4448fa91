//! nginx: `proxy_cache` on tmpfs for the first tier, `memcached_pass` for the second.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use super::Peer;
use crate::server::Running;
use crate::setting::Setting;
use crate::side_by_side::process::{free_addresses, pinned};
use crate::tier::Tier;

/// Least size of the memory for keys, in bytes.
const KEYS_MIN: u64 = 8 << 20;

/// Starts it with one worker and waits until it listens.
pub(super) async fn start(program: &Path, setting: &Setting) -> anyhow::Result<Running> {
    let [http, tls] = free_addresses().await?;
    let config = configuration(setting, http, tls);
    let file = setting.write("nginx.conf", &config)?;
    // TERM, since a master that is killed leaves its workers behind.
    let mut command = pinned(setting.core, "TERM", program);
    command
        .arg("-p")
        .arg(&setting.dir)
        .arg("-e")
        .arg("stderr")
        .arg("-c")
        .arg(&file)
        .stdout(Stdio::null());
    Running::start(&mut command, setting.dir.join("nginx.stderr"), [http, tls]).await
}

fn configuration(setting: &Setting, http: SocketAddr, tls: SocketAddr) -> String {
    let template = match setting.tier {
        Tier::L1 => include_str!("../nginx.conf.in"),
        Tier::L2 => include_str!("../nginx-memcached.conf.in"),
    };
    // A worker started by root would change to a user who cannot read the cache.
    let user = if rustix::process::geteuid().is_root() {
        "user root;"
    } else {
        ""
    };
    let own = [
        ("@USER@", user.to_owned()),
        ("@HTTP@", http.to_string()),
        ("@TLS@", tls.to_string()),
        ("@KEYS@", keys_bytes(setting.capacity).to_string()),
    ];
    setting.fill(template, Peer::Nginx, &own)
}

/// Memory for the keys of a cache of `capacity` bytes. A file takes a page of 4,096 bytes or more, and its key less
/// than 256.
fn keys_bytes(capacity: u64) -> u64 {
    (capacity / 16).max(KEYS_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setting::tests::{example, listening, unfilled};

    #[test]
    fn configurations_have_no_words_left_to_fill_in() {
        for tier in Tier::ALL {
            let text = configuration(&example(tier), listening(80), listening(443));
            assert_eq!(unfilled(&text), [""; 0], "{tier:?}");
        }
    }

    #[test]
    fn keys_grow_with_the_cache() {
        assert_eq!(keys_bytes(1 << 20), KEYS_MIN);
        assert_eq!(keys_bytes(8 << 30), 512 << 20);
    }
}
