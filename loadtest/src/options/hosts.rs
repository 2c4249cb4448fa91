//! `hosts`: names that are not asked of DNS.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::checked::Host;
use super::problem::Problems;
use super::section::Entry;

/// Reads `{ "host": "ip", "host:port": "ip:port", "*.domain": "[v6]:port" }`.
pub(super) fn read(entry: &Entry, problems: &mut Problems) -> BTreeMap<String, Host> {
    const EXAMPLE: &str = "{ \"a.example\": \"127.0.0.1:8080\" }";
    let Some(object) = entry.value.as_object() else {
        let message = format!("expected an object such as {EXAMPLE}, not {}", entry.value);
        problems.push(entry.path.clone(), message);
        return BTreeMap::new();
    };
    let mut hosts = BTreeMap::new();
    for (name, value) in object {
        let path = format!("{}.{name}", entry.path);
        if let Err(message) = check_name(name) {
            problems.push(path.clone(), message);
        }
        match value.as_str().and_then(host) {
            Some(host) => _ = hosts.insert(name.clone(), host),
            None => problems.push(
                path,
                format!(
                    "expected an address such as \"127.0.0.1\", \
                     \"127.0.0.1:8080\" or \"[::1]:8080\", not {value}"
                ),
            ),
        }
    }
    hosts
}

fn host(text: &str) -> Option<Host> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        let port = Some(address.port());
        return Some(Host {
            ip: address.ip(),
            port,
        });
    }
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let ip: IpAddr = bare.unwrap_or(text).parse().ok()?;
    Some(Host { ip, port: None })
}

/// `host`, `host:port`, `*.domain` or `*.domain:port`.
fn check_name(name: &str) -> Result<(), &'static str> {
    let (host, port) = match name.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (name, None),
    };
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return Err("what follows the colon is no port: write host:port");
    }
    let rest = host.strip_prefix('*').unwrap_or(host);
    if rest.is_empty() || rest.contains(['*', '/', ':', ' ']) {
        return Err("expected a host such as a.example, a.example:443 or *.example");
    }
    Ok(())
}
