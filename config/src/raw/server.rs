//! `[server]`, `[admin]` and `[access_log]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DurationText, SizeText};

/// Client-facing listeners and their limits.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Server {
    /// Name of the region that this proxy serves, one of the `[[region]]` tables. Leave it out of a file
    /// that all regions share and start each proxy with `--region`. May also stand as `region` at the top of
    /// the file.
    #[schemars(extend("examples" = ["us-west"]))]
    pub(crate) region: Option<String>,
    /// Addresses for plain HTTP/1.1. At least one here or in `tls_listen`.
    #[schemars(extend("examples" = [["127.0.0.1:8080"]]))]
    pub(crate) listen: Vec<String>,
    /// Addresses for TLS: HTTP/2 and HTTP/1.1, chosen by ALPN. They need a `[[server.certificate]]`.
    #[schemars(extend("examples" = [["127.0.0.1:8443"]]))]
    pub(crate) tls_listen: Vec<String>,
    /// Worker threads; one per CPU when absent. Lower it when other work shares the machine.
    #[schemars(extend("examples" = [4]), range(min = 1, max = 1024))]
    pub(crate) threads: Option<usize>,
    /// Connections served at once; further ones wait in the kernel's backlog. Raise it together with the
    /// limit on open files.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(crate) max_connections: usize,
    /// Largest request head: request line and header fields together. Raise it for clients with large
    /// cookies.
    pub(crate) max_header: SizeText,
    /// Longest time from a request's first byte to the end of its head, and for a TLS handshake. Clients
    /// that are slower are cut.
    pub(crate) header_timeout: DurationText,
    /// How long an idle client connection is kept. Keep it above that of a load balancer in front.
    pub(crate) keepalive_timeout: DurationText,
    /// Longest silence of a client while it sends a body or reads an answer.
    pub(crate) body_timeout: DurationText,
    /// How long a stop waits for requests in flight; `"0s"` stops at once.
    pub(crate) shutdown_grace: DurationText,
    /// How often certificate files are looked at for changes; new ones are served without a restart.
    pub(crate) certificate_poll: DurationText,
    /// Whether a request with `Proxima-Explain: 1` is told in a field of the same name how its answer was decided:
    /// key, tier, freshness. Keys and lifetimes are nobody's business but yours: switch it on where clients are your own.
    pub(crate) explain_header: bool,
    /// Certificates to choose from by the name that a client asks for (SNI). The first one answers
    /// clients that ask for none or for an unknown name.
    pub(crate) certificate: Vec<Certificate>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            region: None,
            listen: Vec::new(),
            tls_listen: Vec::new(),
            threads: None,
            max_connections: 20_000,
            max_header: "64 KiB".into(),
            header_timeout: "10s".into(),
            keepalive_timeout: "60s".into(),
            body_timeout: "60s".into(),
            shutdown_grace: "30s".into(),
            certificate_poll: "10s".into(),
            explain_header: false,
            certificate: Vec::new(),
        }
    }
}

/// One certificate chain and its key. Relative paths start at this file's folder.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["cert", "key"]))]
pub(crate) struct Certificate {
    /// PEM file with the chain, the server's own certificate first.
    #[schemars(extend("examples" = ["us-west.pem"]))]
    pub(crate) cert: Option<String>,
    /// PEM file with the private key.
    #[schemars(extend("examples" = ["us-west.key"]))]
    pub(crate) key: Option<String>,
}

/// Operator-facing listener: metrics, health, purges. Off when the section is absent.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Admin {
    /// Its address. Anything but a loopback address needs a `token`.
    pub(crate) listen: String,
    /// Bearer token asked of every request but the health checks. `${NAME}` is replaced by that
    /// environment variable, so that the secret stays out of the file.
    #[schemars(extend("examples" = ["${PROXIMA_ADMIN_TOKEN}"]), extend("writeOnly" = true))]
    pub(crate) token: Option<String>,
}

impl Default for Admin {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:9090".to_owned(),
            token: None,
        }
    }
}

/// One JSON line per request.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AccessLog {
    /// `"off"`, `"stdout"`, or the path of a file to append to. A relative path starts at this file's folder.
    pub(crate) to: String,
}

impl Default for AccessLog {
    fn default() -> Self {
        Self { to: "off".to_owned() }
    }
}
