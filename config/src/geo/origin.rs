//! The address of one origin.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// How an origin is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// `http` or `https`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port meant when none is written (RFC 9110, section 4.2).
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// One origin of a region, parsed from text such as `http://api.internal:9000`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// How it is spoken to.
    pub scheme: Scheme,
    /// Name or address, lower case, an IPv6 address without its brackets.
    pub host: String,
    /// Port; the scheme's default where none is written. Without meaning when `srv` is set.
    pub port: u16,
    /// `srv+http://` or `srv+https://`: hosts and ports come from the SRV records of `host` (RFC 2782).
    pub srv: bool,
    /// As written.
    pub text: String,
}

impl Origin {
    /// `host:port`, an IPv6 address in brackets; for SRV only the name.
    pub fn authority(&self) -> String {
        match (self.srv, self.host.contains(':')) {
            (true, _) => self.host.clone(),
            (false, true) => format!("[{}]:{}", self.host, self.port),
            (false, false) => format!("{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Why a text is not an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// No scheme, or another one.
    #[error("does not start with http://, https://, srv+http:// or srv+https://")]
    Scheme,
    /// User information in a URL ends up in logs.
    #[error("has a user name or password")]
    UserInfo,
    /// Requests bring their own path.
    #[error("has a path, a query or a fragment")]
    Path,
    /// Empty, too long, or with characters that no host name has.
    #[error("has no valid host name or address")]
    Host,
    /// Not 1..=65535.
    #[error("has a port outside 1..=65535")]
    Port,
    /// An SRV record names the port itself.
    #[error("has a port or an address, but an SRV name brings its own")]
    SrvPort,
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = text.split_once("://").ok_or(OriginError::Scheme)?;
        let (scheme, srv) = match scheme {
            "http" => (Scheme::Http, false),
            "https" => (Scheme::Https, false),
            "srv+http" => (Scheme::Http, true),
            "srv+https" => (Scheme::Https, true),
            _ => return Err(OriginError::Scheme),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#']) {
            return Err(OriginError::Path);
        }
        if authority.contains('@') {
            return Err(OriginError::UserInfo);
        }
        let (host, port) = split_host_port(authority)?;
        if srv && (port.is_some() || host.parse::<IpAddr>().is_ok()) {
            return Err(OriginError::SrvPort);
        }
        let port = port.unwrap_or(scheme.default_port());
        Ok(Self {
            scheme,
            host: host.to_ascii_lowercase(),
            port,
            srv,
            text: text.to_owned(),
        })
    }
}

/// `name`, `name:port`, `[v6]` or `[v6]:port` as host (as written, no brackets) and port.
pub(crate) fn split_host_port(authority: &str) -> Result<(&str, Option<u16>), OriginError> {
    if let Some(bracketed) = authority.strip_prefix('[') {
        let (host, tail) = bracketed.split_once(']').ok_or(OriginError::Host)?;
        host.parse::<Ipv6Addr>().map_err(|_| OriginError::Host)?;
        let port = match tail {
            "" => None,
            tail => Some(parse_port(tail.strip_prefix(':').ok_or(OriginError::Host)?)?),
        };
        return Ok((host, port));
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(parse_port(port)?)),
        None => (authority, None),
    };
    if is_host_name(host) {
        Ok((host, port))
    } else {
        Err(OriginError::Host)
    }
}

fn parse_port(text: &str) -> Result<u16, OriginError> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(OriginError::Port); // `parse` would take a leading plus sign
    }
    text.parse()
        .ok()
        .filter(|port| *port != 0)
        .ok_or(OriginError::Port)
}

/// Letters, digits, hyphens, dots, and the underscore that SRV and container names have; 253 bytes and 63
/// per label (RFC 1035, section 2.3.4).
fn is_host_name(host: &str) -> bool {
    let labels = host.strip_suffix('.').unwrap_or(host);
    host.len() <= 253
        && labels.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_as_written() {
        let rows = [
            ("http://api:9000", Scheme::Http, "api", 9000, false, "api:9000"),
            ("http://api", Scheme::Http, "api", 80, false, "api:80"),
            (
                "https://API.example.com/",
                Scheme::Https,
                "api.example.com",
                443,
                false,
                "api.example.com:443",
            ),
            (
                "http://127.0.0.1:1",
                Scheme::Http,
                "127.0.0.1",
                1,
                false,
                "127.0.0.1:1",
            ),
            (
                "https://[2001:DB8::1]:8443",
                Scheme::Https,
                "2001:db8::1",
                8443,
                false,
                "[2001:db8::1]:8443",
            ),
            ("http://[::1]", Scheme::Http, "::1", 80, false, "[::1]:80"),
            (
                "srv+http://_api._tcp.internal",
                Scheme::Http,
                "_api._tcp.internal",
                80,
                true,
                "_api._tcp.internal",
            ),
            (
                "srv+https://api.internal",
                Scheme::Https,
                "api.internal",
                443,
                true,
                "api.internal",
            ),
        ];
        for (text, scheme, host, port, srv, authority) in rows {
            let origin: Origin = text.parse().unwrap();
            let want = Origin {
                scheme,
                host: host.into(),
                port,
                srv,
                text: text.into(),
            };
            assert_eq!(origin, want);
            assert_eq!(origin.authority(), authority);
            assert_eq!(origin.to_string(), text);
        }
    }

    #[test]
    fn texts_that_are_no_origin() {
        let rows = [
            ("api:9000", OriginError::Scheme),
            ("ftp://api", OriginError::Scheme),
            ("HTTP://api", OriginError::Scheme),
            ("http://user:pass@api", OriginError::UserInfo),
            ("http://api/v1", OriginError::Path),
            ("http://api?x=1", OriginError::Path),
            ("http://api//", OriginError::Path),
            ("http://", OriginError::Host),
            ("http://a b", OriginError::Host),
            ("http://-a", OriginError::Host),
            ("http://a..b", OriginError::Host),
            ("http://[::1", OriginError::Host),
            ("http://[::1]9", OriginError::Host),
            ("http://[nope]", OriginError::Host),
            ("http://api:", OriginError::Port),
            ("http://api:0", OriginError::Port),
            ("http://api:+80", OriginError::Port),
            ("http://api:65536", OriginError::Port),
            ("http://2001:db8::1", OriginError::Port),
            ("srv+http://api:80", OriginError::SrvPort),
            ("srv+http://10.0.0.1", OriginError::SrvPort),
        ];
        for (text, error) in rows {
            assert_eq!(text.parse::<Origin>(), Err(error), "{text}");
        }
    }
}
