//! The configuration files of a world's proxies: what tests need by default, and whatever they put over it.

use std::path::Path;

use anyhow::Context;
use toml::{Table, Value};

use crate::place::Place;

/// One region as all proxies see it.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) place: Place,
    pub(crate) origin_url: String,
    /// `host:port` of its memcached nodes; none is no ring.
    pub(crate) ring: Vec<String>,
}

/// What differs from proxy to proxy.
pub(crate) struct Own<'a> {
    pub(crate) region: &'a str,
    /// Certificate chain and key.
    pub(crate) certificate: (&'a Path, &'a Path),
    pub(crate) access_log: &'a Path,
    /// Whether the origins are `proxima-origin`, with its health check and change feed.
    pub(crate) origin_is_ours: bool,
}

/// Routes for the reference origin.
const ROUTES: &str = r#"
[[route]]
name = "profiles"
path = "/profiles/{id}"
ttl = "60s"
stale_while_revalidate = "30s"
stale_if_error = "1h"
negative_ttl = "5s"
query = ["fields"]
tags = ["profile:{id}"]

[[route]]
name = "profile-list"
path = "/profiles"
ttl = "10s"
query = ["cursor", "limit", "location", "skill"]
tags = ["profiles"]

[[route]]
name = "jobs"
path = "/jobs/{id}"
ttl = "60s"
stale_while_revalidate = "30s"
stale_if_error = "1h"
negative_ttl = "5s"
query = ["fields"]
tags = ["job:{id}"]

[[route]]
name = "job-list"
path = "/jobs"
ttl = "10s"
query = ["cursor", "limit", "location", "min_salary", "skill"]
tags = ["jobs"]

[[route]]
name = "resume"
path = "/profiles/{id}/resume"
cache = false
"#;

/// What a proxy asks of `proxima-origin` beside its data; continues `[upstream.health]`.
const OUR_ORIGIN: &str = r#"
path = "/readyz"

[feed]
kind = "origin"
"#;

/// The defaults for one proxy.
pub(crate) fn defaults(sites: &[Site], own: &Own<'_>) -> anyhow::Result<Table> {
    let mut text = server(own);
    if own.origin_is_ours {
        text.push_str(OUR_ORIGIN);
    }
    text.extend(sites.iter().map(region));
    text.push_str(ROUTES);
    let site = sites.iter().find(|site| site.place.name == own.region);
    text.extend(site.map(ring));
    Ok(text.parse()?)
}

/// Free ports, quick to notice failures, few threads: many proxies share a machine.
fn server(own: &Own<'_>) -> String {
    let region = quoted(own.region);
    let (cert, key) = own.certificate;
    let (cert, key, log) = (quoted_path(cert), quoted_path(key), quoted_path(own.access_log));
    format!(
        r#"
[server]
region = {region}
listen = ["127.0.0.1:0"]
tls_listen = ["127.0.0.1:0"]
threads = 2
shutdown_grace = "10s"
certificate_poll = "250ms"

[[server.certificate]]
cert = {cert}
key = {key}

[admin]
listen = "127.0.0.1:0"

[access_log]
to = {log}

[upstream]
host = "api.recruiting.example"

[upstream.health]
interval = "250ms"
timeout = "500ms"
"#
    )
}

fn region(site: &Site) -> String {
    let name = quoted(&site.place.name);
    let origin = quoted(&site.origin_url);
    let Place {
        latitude, longitude, ..
    } = site.place;
    let coordinates = format!(r#"["{latitude:.2}", "{longitude:.2}"]"#);
    format!("[[region]]\nname = {name}\ncoordinates = {coordinates}\norigins = [{origin}]\n")
}

/// Patient, because on a machine that tests share a node that answers late is not a dead one.
fn ring(site: &Site) -> String {
    if site.ring.is_empty() {
        return String::new();
    }
    let nodes = site
        .ring
        .iter()
        .map(|node| quoted(node))
        .collect::<Vec<_>>()
        .join(", ");
    format!("[cache.ring]\nnodes = [{nodes}]\nconnect_timeout = \"1s\"\nlookup_timeout = \"250ms\"\n")
}

fn quoted_path(path: &Path) -> String {
    quoted(&path.display().to_string())
}

/// A TOML string.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A fragment of configuration, as a test writes it.
pub(crate) fn fragment(text: &str) -> anyhow::Result<Table> {
    text.parse()
        .with_context(|| format!("this fragment of configuration is not TOML:\n{text}"))
}

/// Puts `over` over `base`, key by key. Elements of an array of tables that have a `name` (`[[region]]`,
/// `[[route]]`) are merged with their namesake; a new one goes to the front, because the first route that
/// matches decides. Any other array is replaced.
pub(crate) fn merge(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => merge(base, over),
            (Some(Value::Array(base)), Value::Array(over)) if named(base) && named(&over) => {
                merge_namesakes(base, over);
            }
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

fn named(array: &[Value]) -> bool {
    !array.is_empty() && array.iter().all(|element| element.get("name").is_some())
}

fn merge_namesakes(base: &mut Vec<Value>, over: Vec<Value>) {
    let mut new = Vec::new();
    for element in over {
        let namesake = base.iter_mut().find(|old| old.get("name") == element.get("name"));
        match (namesake, element) {
            (Some(Value::Table(old)), Value::Table(over)) => merge(old, over),
            (_, element) => new.push(element),
        }
    }
    base.splice(0..0, new);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place;

    fn site(name: &str, port: u16) -> Site {
        Site {
            place: place::known(name).unwrap(),
            origin_url: format!("http://127.0.0.1:{port}"),
            ring: vec!["127.0.0.1:7001".to_owned(), "127.0.0.1:7002".to_owned()],
        }
    }

    fn of_us_west() -> Table {
        let own = Own {
            region: "us-west",
            certificate: (Path::new("/w/a \"b\".pem"), Path::new("/w/a.key")),
            access_log: Path::new("/w/access.jsonl"),
            origin_is_ours: true,
        };
        defaults(&[site("us-west", 9001), site("ap-east", 9002)], &own).unwrap()
    }

    fn checked(table: &Table) -> proxima_config::Config {
        let text = toml::to_string(table).unwrap();
        proxima_config::parse(
            &text,
            "test",
            Path::new(""),
            &proxima_config::Overrides::default(),
        )
        .unwrap_or_else(|problems| panic!("{}\n{text}", proxima_config::render(&problems, false)))
    }

    #[test]
    fn the_defaults_are_a_configuration_that_the_proxy_takes() {
        let config = checked(&of_us_west());
        assert_eq!(config.regions.own().name, "us-west");
        assert_eq!(config.regions.regions.len(), 2);
        assert!(config.cache.ring.is_some());
        let routes: Vec<_> = config.routes.iter().map(|route| route.name.as_str()).collect();
        assert_eq!(
            routes,
            [
                "profiles",
                "profile-list",
                "jobs",
                "job-list",
                "resume",
                "default"
            ]
        );
    }

    #[test]
    fn a_fragment_changes_single_keys_and_puts_new_routes_first() {
        let mut table = of_us_west();
        let text = r#"
            cache.l1.capacity = "0"
            [[route]]
            name = "profiles"
            ttl = "1s"
            [[route]]
            name = "special"
            path = "/profiles/1"
            [[region]]
            name = "ap-east"
            origins = []
        "#;
        merge(&mut table, fragment(text).unwrap());
        let names: Vec<_> = table["route"]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| r["name"].as_str().unwrap())
            .collect();
        assert_eq!(
            names,
            [
                "special",
                "profiles",
                "profile-list",
                "jobs",
                "job-list",
                "resume"
            ]
        );
        assert_eq!(table["route"][1]["ttl"].as_str(), Some("1s"));
        assert_eq!(table["route"][1]["negative_ttl"].as_str(), Some("5s"));
        assert_eq!(table["region"][1]["origins"].as_array().unwrap().len(), 0);
        checked(&table);
    }
}
