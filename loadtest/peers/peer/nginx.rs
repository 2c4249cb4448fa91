//! nginx: `proxy_cache` on tmpfs for the first tier, `memcached_pass` for the second.

use std::path::Path;
use std::process::Stdio;

use super::Peer;
use crate::server::Server;
use crate::setting::Setting;
use crate::side_by_side::process::{Process, free_addresses, pinned};
use crate::tier::Tier;

/// Starts it with one worker and waits until it listens.
pub(super) async fn start(program: &Path, setting: &Setting, version: String) -> anyhow::Result<Server> {
    let [http, tls] = free_addresses().await?;
    let access_log = setting.dir.join("nginx.log");
    // A worker started by root would change to a user who cannot read the cache.
    let user = if rustix::process::geteuid().is_root() {
        "user root;"
    } else {
        ""
    };
    let config = setting.fill(template(setting.tier), &access_log);
    let config = config.replace("@USER@", user);
    let config = config
        .replace("@HTTP@", &http.to_string())
        .replace("@TLS@", &tls.to_string());
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
    let mut process = Process::start(&mut command, setting.dir.join("nginx.stderr"))?;
    process.listens(&[http, tls]).await?;
    Ok(Server {
        peer: Peer::Nginx,
        version,
        http,
        tls,
        access_log,
        process,
    })
}

fn template(tier: Tier) -> &'static str {
    match tier {
        Tier::L1 => include_str!("../nginx.conf.in"),
        Tier::L2 => include_str!("../nginx-memcached.conf.in"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setting::tests::{example, unfilled};

    #[test]
    fn configurations_leave_only_its_own_words_to_fill_in() {
        for tier in Tier::ALL {
            let text = example(tier).fill(template(tier), Path::new("/d/log"));
            let own = ["@USER@", "@HTTP@", "@TLS@"];
            let left = own.iter().fold(text, |text, word| {
                assert!(text.contains(word), "{tier:?}: {word}");
                text.replace(word, "")
            });
            assert_eq!(unfilled(&left), [""; 0], "{tier:?}");
        }
    }
}
