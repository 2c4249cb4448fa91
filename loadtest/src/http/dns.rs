//! Names to addresses.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use super::failure::Failure;
use super::target::Origin;
use crate::options::Host;

/// k6's `dns.ttl`.
const TTL: Duration = Duration::from_secs(5 * 60);
/// Names that are remembered at the same time.
const NAMES_MAX: usize = 1024;

/// Names of [`Options::hosts`](crate::options::Options::hosts).
#[derive(Debug)]
struct Overrides {
    exact: HashMap<String, Host>,
    /// `.domain`, or `.domain:port`, the longest first.
    wildcards: Vec<(String, Host)>,
}

impl Overrides {
    fn new(hosts: &BTreeMap<String, Host>) -> Self {
        let mut overrides = Self {
            exact: HashMap::new(),
            wildcards: Vec::new(),
        };
        for (name, host) in hosts {
            let name = name.to_ascii_lowercase();
            match name.strip_prefix('*') {
                Some(suffix) => overrides.wildcards.push((suffix.to_owned(), *host)),
                None => {
                    overrides.exact.insert(name, *host);
                }
            }
        }
        overrides
            .wildcards
            .sort_by_key(|(suffix, _)| std::cmp::Reverse(suffix.len()));
        overrides
    }

    fn find(&self, origin: &Origin) -> Option<SocketAddr> {
        if self.exact.is_empty() && self.wildcards.is_empty() {
            return None;
        }
        let with_port = format!("{}:{}", origin.host, origin.port);
        let exact = self
            .exact
            .get(&with_port)
            .or_else(|| self.exact.get(&origin.host));
        let host = exact.or_else(|| {
            let matches = |(suffix, _): &&(String, Host)| {
                with_port.ends_with(suffix.as_str()) || origin.host.ends_with(suffix.as_str())
            };
            self.wildcards.iter().find(matches).map(|(_, host)| host)
        })?;
        Some(SocketAddr::new(host.ip, host.port.unwrap_or(origin.port)))
    }
}

/// Addresses of names, remembered.
#[derive(Debug)]
pub(super) struct Resolver {
    overrides: Overrides,
    known: RefCell<HashMap<String, Known>>,
}

#[derive(Debug, Clone)]
struct Known {
    addresses: Rc<[IpAddr]>,
    until: Instant,
}

impl Resolver {
    pub(super) fn new(hosts: &BTreeMap<String, Host>) -> Self {
        Self {
            overrides: Overrides::new(hosts),
            known: RefCell::default(),
        }
    }

    /// At least one address, in the order they are to be tried in.
    pub(super) async fn resolve(&self, origin: &Origin) -> Result<Vec<SocketAddr>, Failure> {
        if let Some(address) = self.overrides.find(origin) {
            return Ok(vec![address]);
        }
        let at = |ip| SocketAddr::new(ip, origin.port);
        if let Ok(ip) = origin.host.parse() {
            return Ok(vec![at(ip)]);
        }
        let addresses = match self.remembered(&origin.host, Instant::now()) {
            Some(addresses) => addresses,
            None => self.look_up(&origin.host).await?,
        };
        Ok(addresses.iter().copied().map(at).collect())
    }

    fn remembered(&self, name: &str, now: Instant) -> Option<Rc<[IpAddr]>> {
        let known = self.known.borrow();
        let known = known.get(name).filter(|known| now < known.until)?;
        Some(known.addresses.clone())
    }

    async fn look_up(&self, name: &str) -> Result<Rc<[IpAddr]>, Failure> {
        // RFC 6761 §6.4: such a name does not exist, and nobody is to be asked about it.
        if name.rsplit('.').find(|label| !label.is_empty()) == Some("invalid") {
            return Err(no_such_host());
        }
        let found = tokio::net::lookup_host((name, 0)).await.map_err(|e| failed(&e))?;
        let addresses: Rc<[IpAddr]> = found.map(|address| address.ip()).collect();
        if addresses.is_empty() {
            return Err(no_such_host());
        }
        self.remember(name, addresses.clone(), Instant::now());
        Ok(addresses)
    }

    fn remember(&self, name: &str, addresses: Rc<[IpAddr]>, now: Instant) {
        let mut known = self.known.borrow_mut();
        if known.len() >= NAMES_MAX {
            known.retain(|_, known| now < known.until);
        }
        if known.len() < NAMES_MAX {
            let until = now + TTL;
            known.insert(name.to_owned(), Known { addresses, until });
        }
    }
}

fn no_such_host() -> Failure {
    Failure::new(Failure::NO_SUCH_HOST, "lookup: no such host")
}

/// The standard library tells what the system's resolver says by its text only.
fn failed(error: &io::Error) -> Failure {
    let text = error.to_string();
    if ["Temporary failure", "Try again", "System error"]
        .iter()
        .any(|passing| text.contains(passing))
    {
        return Failure::new(Failure::DNS, format!("lookup: {text}"));
    }
    no_such_host()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(host: &str, port: u16) -> Origin {
        Origin {
            host: host.to_owned(),
            port,
            secure: false,
        }
    }

    #[test]
    fn the_most_exact_entry_of_hosts_wins() {
        let host = |last, port| Host {
            ip: IpAddr::from([10, 0, 0, last]),
            port,
        };
        let hosts = [
            ("a.test", host(1, None)),
            ("a.test:81", host(2, Some(8081))),
            ("*.a.test", host(3, None)),
            ("*.b.a.test", host(4, Some(84))),
            ("*.c.test:443", host(5, None)),
            ("Upper.test", host(6, None)),
        ];
        let hosts = hosts.map(|(name, host)| (name.to_owned(), host)).into();
        let overrides = Overrides::new(&hosts);
        for (name, port, expected) in [
            ("a.test", 80, Some("10.0.0.1:80")),
            ("a.test", 81, Some("10.0.0.2:8081")),
            ("x.a.test", 80, Some("10.0.0.3:80")),
            ("x.y.a.test", 80, Some("10.0.0.3:80")),
            ("x.b.a.test", 80, Some("10.0.0.4:84")),
            ("x.c.test", 443, Some("10.0.0.5:443")),
            ("x.c.test", 80, None),
            ("upper.test", 80, Some("10.0.0.6:80")),
            ("xa.test", 80, None),
        ] {
            let found = overrides.find(&origin(name, port)).map(|found| found.to_string());
            assert_eq!(found.as_deref(), expected, "{name}:{port}");
        }
    }

    #[tokio::test]
    async fn an_address_needs_no_look_up_and_a_name_needs_one_in_five_minutes() {
        let resolver = Resolver::new(&BTreeMap::new());
        let addresses = resolver.resolve(&origin("::1", 7)).await.unwrap();
        assert_eq!(addresses, ["[::1]:7".parse().unwrap()]);
        assert!(resolver.known.borrow().is_empty());
        let addresses = resolver.resolve(&origin("localhost", 7)).await.unwrap();
        assert!(
            addresses
                .iter()
                .all(|address| address.ip().is_loopback() && address.port() == 7)
        );
        let now = Instant::now();
        assert!(
            resolver
                .remembered("localhost", now + TTL - Duration::from_secs(1))
                .is_some()
        );
        assert!(resolver.remembered("localhost", now + TTL).is_none());
    }

    #[test]
    fn names_that_are_remembered_are_bounded() {
        let resolver = Resolver::new(&BTreeMap::new());
        let (now, one): (_, Rc<[IpAddr]>) = (Instant::now(), [IpAddr::from([127, 0, 0, 1])].into());
        for name in 0..=NAMES_MAX {
            resolver.remember(&name.to_string(), one.clone(), now);
        }
        assert_eq!(resolver.known.borrow().len(), NAMES_MAX);
        resolver.remember("late", one, now + TTL);
        assert_eq!(resolver.known.borrow().len(), 1);
    }

    #[test]
    fn a_resolver_that_is_out_of_order_does_not_say_that_a_name_does_not_exist() {
        for (text, code) in [
            (
                "failed to lookup address information: Name or service not known",
                1101,
            ),
            (
                "failed to lookup address information: No address associated with hostname",
                1101,
            ),
            (
                "failed to lookup address information: Temporary failure in name resolution",
                1100,
            ),
        ] {
            assert_eq!(failed(&io::Error::other(text)).code, code);
        }
    }
}
