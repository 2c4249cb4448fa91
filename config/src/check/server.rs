//! `[server]`, `[admin]` and `[access_log]`.

use std::net::SocketAddr;
use std::time::Duration;

use super::{Checker, DAY, HOUR, MILLISECOND};
use crate::checked::{AccessLog, Admin, Certificate, Server};
use crate::document::KeyPath;
use crate::raw;

/// A request head must fit its own framing; past this it is an upload.
const HEADER_BYTES_MAX: u64 = 1 << 20;

impl Checker<'_> {
    pub(super) fn server(&mut self, raw: &raw::Server) -> Option<Server> {
        let at = KeyPath::of("server");
        let listen = self.addresses(&at.key("listen"), &raw.listen);
        let tls_listen = self.addresses(&at.key("tls_listen"), &raw.tls_listen);
        let certificates = self.certificates(&at.key("certificate"), &raw.certificate);
        self.listeners_usable(&at, raw);
        let max_header_bytes =
            self.memory_size(&at.key("max_header"), &raw.max_header, 1024..=HEADER_BYTES_MAX);
        let mut duration = |key, text, bounds| self.duration(&at.key(key), text, bounds);
        let header_timeout = duration("header_timeout", &raw.header_timeout, MILLISECOND..=HOUR);
        let keepalive_timeout = duration("keepalive_timeout", &raw.keepalive_timeout, MILLISECOND..=DAY);
        let body_timeout = duration("body_timeout", &raw.body_timeout, MILLISECOND..=DAY);
        let shutdown_grace = duration("shutdown_grace", &raw.shutdown_grace, Duration::ZERO..=DAY);
        let certificate_poll = duration("certificate_poll", &raw.certificate_poll, MILLISECOND * 100..=DAY);
        Some(Server {
            listen: listen?,
            tls_listen: tls_listen?,
            certificates: certificates?,
            certificate_poll: certificate_poll?,
            explain_header: raw.explain_header,
            threads: raw.threads,
            max_connections: raw.max_connections,
            max_header_bytes: max_header_bytes?,
            header_timeout: header_timeout?,
            keepalive_timeout: keepalive_timeout?,
            body_timeout: body_timeout?,
            shutdown_grace: shutdown_grace?,
        })
    }

    pub(super) fn admin(&mut self, raw: &raw::Admin) -> Option<Admin> {
        let at = KeyPath::of("admin");
        let listen = self.address(&at.key("listen"), &raw.listen);
        let token = raw
            .token
            .as_ref()
            .map(|token| self.secret(&at.key("token"), token));
        if let (Some(listen), None) = (listen, &token)
            && !listen.ip().is_loopback()
        {
            let message = format!("{listen} is reachable from outside this machine, but asks for no token");
            let remedy = "add `token = \"${PROXIMA_ADMIN_TOKEN}\"` to `[admin]`, or listen on 127.0.0.1";
            self.report(&at.key("listen"), message, remedy);
        }
        let token = match token {
            Some(token) => Some(token?),
            None => None,
        };
        Some(Admin {
            listen: listen?,
            token,
        })
    }

    pub(super) fn access_log(&mut self, raw: &raw::AccessLog) -> Option<AccessLog> {
        let at = KeyPath::of("access_log.to");
        match raw.to.as_str() {
            "off" => Some(AccessLog::Off),
            "stdout" => Some(AccessLog::Stdout),
            path if path.contains(['/', '.']) => self.file(&at, path).map(AccessLog::File),
            other => {
                let message = format!("{other:?} is neither \"off\" nor \"stdout\" nor a path");
                self.report(
                    &at,
                    message,
                    "write \"off\", \"stdout\", or a path with a slash such as \"./access.log\"",
                );
                None
            }
        }
    }

    /// No two listeners on one address. Port 0 is a different one each time.
    pub(super) fn listeners_apart(&mut self, raw: &raw::Raw) {
        let server = KeyPath::of("server");
        let lists = [
            ("listen", &raw.server.listen),
            ("tls_listen", &raw.server.tls_listen),
        ];
        let listed = lists.into_iter().flat_map(|(key, texts)| {
            let at = server.key(key);
            texts
                .iter()
                .enumerate()
                .map(move |(index, text)| (at.item(index), text))
        });
        let admin = raw
            .admin
            .iter()
            .map(|admin| (KeyPath::of("admin.listen"), &admin.listen));
        let addresses = listed
            .chain(admin)
            .filter_map(|(at, text)| Some((at, text.parse::<SocketAddr>().ok()?)));
        let fixed: Vec<_> = addresses.filter(|(_, address)| address.port() != 0).collect();
        self.unique(fixed, "address", "give each listener its own port");
    }

    fn listeners_usable(&mut self, at: &KeyPath, raw: &raw::Server) {
        if raw.listen.is_empty() && raw.tls_listen.is_empty() {
            let remedy =
                "write `listen = [\"127.0.0.1:8080\"]` under `[server]`, or give `--listen 127.0.0.1:8080`";
            self.report(&at.key("listen"), "there is nothing to listen on", remedy);
        }
        if !raw.tls_listen.is_empty() && raw.certificate.is_empty() {
            let remedy =
                "add `[[server.certificate]]` with `cert` and `key`, or give `--tls-cert` and `--tls-key`";
            self.report(
                &at.key("tls_listen"),
                "TLS needs a certificate, and there is none",
                remedy,
            );
        }
    }

    fn addresses(&mut self, at: &KeyPath, texts: &[String]) -> Option<Vec<SocketAddr>> {
        let parsed = texts
            .iter()
            .enumerate()
            .map(|(index, text)| self.address(&at.item(index), text));
        let parsed: Vec<_> = parsed.collect(); // all of them, before one that is wrong ends it
        parsed.into_iter().collect()
    }

    fn address(&mut self, at: &KeyPath, text: &str) -> Option<SocketAddr> {
        let address = text.parse().ok();
        if address.is_none() {
            let message = format!("{text:?} is not an address with a port");
            self.report(
                at,
                message,
                "write for instance \"0.0.0.0:8080\" or \"[::]:8080\": a number, not a name",
            );
        }
        address
    }

    fn certificates(&mut self, at: &KeyPath, raw: &[raw::Certificate]) -> Option<Vec<Certificate>> {
        let checked = raw.iter().enumerate().map(|(index, raw)| {
            let at = at.item(index);
            let cert = raw.cert.as_ref().map(|cert| self.file(&at.key("cert"), cert));
            let key = raw.key.as_ref().map(|key| self.file(&at.key("key"), key));
            Some(Certificate {
                cert: cert??,
                key: key??,
            })
        });
        let checked: Vec<_> = checked.collect();
        checked.into_iter().collect()
    }

    /// A secret with its `${NAME}`s replaced.
    fn secret(&mut self, at: &KeyPath, text: &str) -> Option<String> {
        let key = at.last_key();
        let mut secret = String::new();
        let mut left = text;
        while let Some((before, after)) = left.split_once("${") {
            let Some((name, after)) = after.split_once('}') else {
                self.report(
                    at,
                    "has `${` without its `}`",
                    format!("write `{key} = \"${{NAME}}\"`"),
                );
                return None;
            };
            let Some(value) = (self.environment)(name).filter(|value| !value.is_empty()) else {
                let message = format!("the environment variable {name} is not set or is empty");
                self.report(
                    at,
                    message,
                    format!("set {name} before the start, or name another variable"),
                );
                return None;
            };
            secret.push_str(before);
            secret.push_str(&value);
            left = after;
        }
        secret.push_str(left);
        if !secret.is_empty() && secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Some(secret);
        }
        let remedy = "use letters, digits and signs without spaces: `openssl rand -hex 32` makes a good one";
        self.report(at, "is empty or cannot be sent in a header field", remedy);
        None
    }
}
