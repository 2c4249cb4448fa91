//! Command-line flags that stand above the file.

use std::path::PathBuf;

/// What flags say; each one that is given replaces its key of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--region`: replaces `region`.
    pub region: Option<String>,
    /// `--upstream`: replaces the own region's `origins`.
    pub upstream: Vec<String>,
    /// `--listen`: replaces `server.listen`.
    pub listen: Vec<String>,
    /// `--tls-listen`: replaces `server.tls_listen`.
    pub tls_listen: Vec<String>,
    /// `--tls-cert`: with `tls_key`, replaces `server.certificate`. Relative to the working directory.
    pub tls_cert: Option<PathBuf>,
    /// `--tls-key`: with `tls_cert`, replaces `server.certificate`. Relative to the working directory.
    pub tls_key: Option<PathBuf>,
    /// `--memcached`: replaces `cache.ring.nodes`.
    pub memcached: Vec<String>,
    /// `--admin`: replaces `admin.listen`.
    pub admin: Option<String>,
    /// `--threads`: replaces `server.threads`.
    pub threads: Option<usize>,
    /// `--l1-capacity`: replaces `cache.l1.capacity`.
    pub l1_capacity: Option<String>,
}
