//! Command-line flags that stand above the file.

use std::path::PathBuf;

use serde_json::Value;

use crate::document::{Document, KeyPath};

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

impl Overrides {
    /// Puts every flag that is given in the place of its key.
    pub(crate) fn apply(&self, document: &mut Document) {
        let mut set = |key: &str, value: Option<Value>, flag| {
            if let Some(value) = value {
                document.set(&KeyPath::of(key), value, flag);
            }
        };
        let list = |texts: &[String]| (!texts.is_empty()).then(|| Value::from(texts));
        let text = |text: &Option<String>| text.as_deref().map(Value::from);
        set("server.region", text(&self.region), "--region");
        set("server.listen", list(&self.listen), "--listen");
        set("server.tls_listen", list(&self.tls_listen), "--tls-listen");
        set("server.threads", self.threads.map(Value::from), "--threads");
        set("admin.listen", text(&self.admin), "--admin");
        set("cache.ring.nodes", list(&self.memcached), "--memcached");
        set("cache.l1.capacity", text(&self.l1_capacity), "--l1-capacity");
        self.apply_certificate(document);
        if let (Some(origins), Some(own)) = (list(&self.upstream), own_region(&document.value)) {
            document.set(
                &KeyPath::of("region").item(own).key("origins"),
                origins,
                "--upstream",
            );
        }
    }

    fn apply_certificate(&self, document: &mut Document) {
        let mut pair = serde_json::Map::new();
        for (key, path) in [("cert", &self.tls_cert), ("key", &self.tls_key)] {
            pair.extend(
                path.as_ref()
                    .map(|path| (key.to_owned(), Value::from(path.to_string_lossy()))),
            );
        }
        if !pair.is_empty() {
            let flag = if self.tls_cert.is_some() {
                "--tls-cert"
            } else {
                "--tls-key"
            };
            document.set(
                &KeyPath::of("server.certificate"),
                Value::from(vec![Value::Object(pair)]),
                flag,
            );
        }
    }
}

/// Index of the region that a document says is its own.
fn own_region(document: &Value) -> Option<usize> {
    let own = document["server"]["region"].as_str()?;
    document["region"]
        .as_array()?
        .iter()
        .position(|region| region["name"] == own)
}
