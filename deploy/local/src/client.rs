//! Clients that trust a world's certificates and find its names.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use reqwest::{Certificate, ClientBuilder, redirect};

/// Longest silence that a client bears: a test that waits for ever says nothing.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A client that trusts only `ca_pem`, takes every one of `names` for this machine, and adds nothing of its
/// own: no proxy from the environment, no redirects.
pub(crate) fn builder(ca_pem: &str, names: &[String]) -> anyhow::Result<ClientBuilder> {
    install_crypto();
    let this_machine = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)); // 0: the port that the URL says
    let client = ClientBuilder::new()
        .tls_certs_only([Certificate::from_pem(ca_pem.as_bytes())?])
        .no_proxy()
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT);
    Ok(names
        .iter()
        .fold(client, |client, name| client.resolve(name, this_machine)))
}

/// reqwest comes without a cryptography provider; the whole process shares one.
fn install_crypto() {
    // An error says that there is one already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
