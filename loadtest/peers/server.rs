//! A running server.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::peer::Peer;
use crate::side_by_side::process::Process;

/// A running server.
pub(crate) struct Server {
    /// What it is.
    pub(crate) peer: Peer,
    /// Its version, as it says.
    pub(crate) version: String,
    /// Plain HTTP address.
    pub(crate) http: SocketAddr,
    /// TLS address.
    pub(crate) tls: SocketAddr,
    /// Its access log.
    pub(crate) access_log: PathBuf,
    /// Its process.
    pub(crate) process: Process,
}
