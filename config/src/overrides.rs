//! Command-line flags that stand above the file.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::document::{Document, KeyPath};
use crate::shape::Fault;

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
    /// Puts every flag that is given in the place of its key; answers with flags that do not go together.
    pub(crate) fn apply(&self, document: &mut Document) -> Vec<Fault> {
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
        if let (Some(origins), Some(own)) = (list(&self.upstream), own_region(&document.value)) {
            let at = KeyPath::of("region").item(own).key("origins");
            document.set(&at, origins, "--upstream");
        }
        self.apply_certificate(document).into_iter().collect()
    }

    fn apply_certificate(&self, document: &mut Document) -> Option<Fault> {
        let at = KeyPath::of("server.certificate");
        let (given, lacking) = match (&self.tls_cert, &self.tls_key) {
            (None, None) => return None,
            (Some(cert), Some(key)) => {
                let pair = json!([{ "cert": cert.to_string_lossy(), "key": key.to_string_lossy() }]);
                document.set(&at, pair, "--tls-cert");
                return None;
            }
            (Some(_), None) => ("--tls-cert", "--tls-key"),
            (None, Some(_)) => ("--tls-key", "--tls-cert"),
        };
        document.blame(&at, given);
        let remedy = "give `--tls-cert FILE` and `--tls-key FILE` together".to_owned();
        Some(Fault::of_value(
            &at,
            format!("is given without `{lacking}`"),
            remedy,
        ))
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
