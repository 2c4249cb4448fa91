//! The annotated file of every key, written from the schema.

use serde_json::{Map, Value};

use crate::schema;
use crate::shape::sample;

/// Keys that a file needs; all others are shown commented out, with their defaults or an example.
const ESSENTIAL: [&str; 6] = [
    "server.region",
    "server.listen",
    "region",
    "region.name",
    "region.aws_region",
    "region.origins",
];

/// Annotated TOML of every key: its meaning, and its default or an example. Loads as it is; what may be left
/// out is commented out by a `#` without a space.
pub fn default_toml() -> String {
    let schema = schema();
    let mut text = comment(&schema);
    text.push_str(
        "#\n# Lines that start with `#` and no space show defaults or examples: uncomment to change.\n",
    );
    section(&mut text, &schema, "", false);
    text
}

fn section(text: &mut String, schema: &Value, path: &str, is_commented: bool) {
    let nothing = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&nothing);
    for (key, schema) in properties
        .iter()
        .filter(|(_, schema)| !is_table(schema) && !is_tables(schema))
    {
        let path = join(path, key);
        let mark = if is_commented || !ESSENTIAL.contains(&path.as_str()) {
            "#"
        } else {
            ""
        };
        text.push_str(&comment(schema));
        if let Some(sample) = sample(schema) {
            text.push_str(&format!("{mark}{key} = {}\n", literal(sample)));
        }
    }
    for (key, schema) in properties {
        let path = join(path, key);
        let is_commented = is_commented || !is_shown(schema, &path);
        let mark = if is_commented { "#" } else { "" };
        if is_table(schema) {
            text.push_str(&format!("\n{}{mark}[{path}]\n", comment(schema)));
            section(text, schema, &path, is_commented);
        } else if is_tables(schema) {
            text.push_str(&format!("\n{}{mark}[[{path}]]\n", comment(schema)));
            section(text, &schema["items"], &path, is_commented);
        }
    }
}

/// Sections that have a default are on anyway; the others are switched on by their header.
fn is_shown(schema: &Value, path: &str) -> bool {
    ESSENTIAL.contains(&path) || (is_table(schema) && schema.get("default").is_some())
}

fn is_table(schema: &Value) -> bool {
    schema["type"] == "object"
}

fn is_tables(schema: &Value) -> bool {
    schema["type"] == "array" && schema["items"]["type"] == "object"
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

fn comment(schema: &Value) -> String {
    let description = schema["description"].as_str().unwrap_or_default();
    description.lines().map(|line| format!("# {line}\n")).collect()
}

/// A sample as TOML, which writes plain texts, numbers and truths as JSON does.
fn literal(sample: &Value) -> String {
    match sample {
        Value::Array(items) => format!("[{}]", items.iter().map(literal).collect::<Vec<_>>().join(", ")),
        plain => plain.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::load::parse_in;
    use crate::{Overrides, parse};

    /// The file with every key uncommented; of the two ways to say where a region is, one, and what `ca` asks for.
    fn uncommented() -> String {
        let is_key = |line: &str| line.starts_with('#') && !line.starts_with("# ") && line.len() > 1;
        let lines = default_toml();
        let lines = lines
            .lines()
            .map(|line| if is_key(line) { &line[1..] } else { line });
        lines
            .filter(|line| !line.starts_with("coordinates"))
            .collect::<Vec<_>>()
            .join("\n")
            .replace("\ntls = false", "\ntls = true") // the ring's `ca` goes with it
    }

    #[test]
    fn loads_as_it_is() {
        let config = parse(&default_toml(), "default", Path::new(""), &Overrides::default());
        let config = config.unwrap_or_else(|problems| panic!("{problems}\n{}", default_toml()));
        assert!(config.admin.is_none() && config.cache.ring.is_none());
    }

    #[test]
    fn loads_with_every_key_uncommented() {
        let environment = |name: &str| (name == "PROXIMA_ADMIN_TOKEN").then(|| "secret".to_owned());
        let config = parse_in(
            &uncommented(),
            "default",
            Path::new(""),
            &Overrides::default(),
            &environment,
        );
        let config = config.unwrap_or_else(|problems| panic!("{problems}\n{}", uncommented()));
        assert_eq!(config.admin.unwrap().token.as_deref(), Some("secret"));
        assert_eq!(config.routes.len(), 2);
    }

    #[test]
    fn has_every_key_of_the_schema_with_its_meaning() {
        fn check(schema: &Value, shown: &Value, path: &str) {
            for (key, schema) in schema["properties"].as_object().into_iter().flatten() {
                let path = join(path, key);
                assert!(schema["description"].is_string(), "{path} has no meaning");
                if path == "region.coordinates" {
                    continue;
                }
                let shown = &shown[key];
                assert!(!shown.is_null(), "{path} is not shown");
                check(schema, shown, &path);
                check(&schema["items"], &shown[0], &path);
            }
        }
        let (document, problems) = crate::document::Document::parse(&uncommented());
        assert_eq!(problems, []);
        check(&schema(), &document.value, "");
    }
}
