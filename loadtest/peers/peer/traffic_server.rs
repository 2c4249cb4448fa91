//! Apache Traffic Server with its storage on tmpfs and everything hot in its RAM cache.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use anyhow::Context;

use super::Peer;
use crate::server::Running;
use crate::setting::Setting;
use crate::side_by_side::process::{free_addresses, pinned};

/// Without such a file it answers nobody.
const ALLOW_ALL: &str = "ip_allow: [{apply: in, ip_addrs: 0/0, action: allow, methods: ALL}]\n";

/// Starts it with one thread for requests and waits until it listens, which it does once its cache is ready.
pub(super) async fn start(program: &Path, setting: &Setting) -> anyhow::Result<Running> {
    let [http, tls] = free_addresses().await?;
    let [config_dir, state_dir] = ["config", "state"].map(|name| setting.dir.join("ats").join(name));
    for dir in [&config_dir, &state_dir] {
        std::fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    }
    for (name, text) in configuration(setting, http, tls) {
        let file = config_dir.join(name);
        std::fs::write(&file, text).with_context(|| file.display().to_string())?;
    }
    setting.create_log(Peer::TrafficServer)?;
    let mut command = pinned(setting.core, "KILL", program);
    command
        .env("PROXY_CONFIG_CONFIG_DIR", &config_dir)
        .env("PROXY_CONFIG_LOCAL_STATE_DIR", &state_dir)
        .stdout(Stdio::null());
    Running::start(&mut command, setting.dir.join("ats.stderr"), [http, tls]).await
}

/// Its files, each with its text.
fn configuration(setting: &Setting, http: SocketAddr, tls: SocketAddr) -> [(&'static str, String); 6] {
    let own = [
        ("@HTTP_HOST@", http.ip().to_string()),
        ("@HTTP_PORT@", http.port().to_string()),
        ("@TLS_HOST@", tls.ip().to_string()),
        ("@TLS_PORT@", tls.port().to_string()),
    ];
    let fill = |template| setting.fill(template, Peer::TrafficServer, &own);
    [
        ("records.config", fill(include_str!("../ats-records.config.in"))),
        ("logging.yaml", fill(include_str!("../ats-logging.yaml.in"))),
        ("ip_allow.yaml", ALLOW_ALL.to_owned()),
        ("remap.config", fill("map / http://@ORIGIN@/\n")),
        ("storage.config", fill("@CACHE@ @CAPACITY@\n")),
        (
            "ssl_multicert.config",
            fill("dest_ip=* ssl_cert_name=@CERT@ ssl_key_name=@KEY@\n"),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setting::tests::{example, listening, unfilled};
    use crate::tier::Tier;

    #[test]
    fn configurations_have_no_words_left_to_fill_in() {
        for (name, text) in configuration(&example(Tier::L1), listening(80), listening(443)) {
            assert_eq!(unfilled(&text), [""; 0], "{name}");
        }
    }
}
