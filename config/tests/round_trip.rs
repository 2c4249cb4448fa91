//! What is written reads back, and no text panics.

use std::path::Path;

use proptest::prelude::*;
use proxima_config::{Config, Overrides, default_toml, load, parse, render, schema, to_toml};

const EXAMPLES: [&str; 3] = [
    include_str!("../examples/minimal.toml"),
    include_str!("../examples/three-regions.toml"),
    include_str!("../examples/single-region-tls.toml"),
];

fn in_region(region: &str) -> Overrides {
    Overrides {
        region: Some(region.to_owned()),
        ..Overrides::default()
    }
}

fn again(config: &Config) -> Config {
    let text = to_toml(config);
    parse(&text, "shown", Path::new(""), &Overrides::default())
        .unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}

#[test]
fn the_effective_configuration_reads_back_as_itself() {
    let regions = ["home", "ap-east", "eu-central"];
    for (text, region) in EXAMPLES.iter().zip(regions) {
        let config = parse(text, "example", Path::new("conf"), &in_region(region)).unwrap();
        assert_eq!(again(&config), config);
    }
    let config = parse(&default_toml(), "default", Path::new(""), &Overrides::default()).unwrap();
    assert_eq!(again(&config), config);
}

#[test]
fn every_key_of_the_tiers_reads_back_as_it_was_set() {
    let tiers = r#"
[cache]
refresh_ahead_percent = 0
on_ring_failure = "stale"
[cache.l1]
hot_key_rate = 0
[cache.ring]
nodes = ["a:1", "[::1]:11211:3"]
tls = true
ca = "ring-ca.pem"
connections = 64
large = "l1"
compress_from = "16 KiB"
lease = "1s"
lease_wait = "0s"
gutter_ttl = "1h"
warm_up = "0s"
"#;
    let text = format!("{}{tiers}", EXAMPLES[0]);
    let config = parse(&text, "tiers", Path::new("conf"), &Overrides::default()).unwrap();
    assert_eq!(again(&config), config);
    let shown = to_toml(&config);
    for line in tiers.lines().filter(|line| !line.starts_with("ca = ")) {
        assert!(shown.contains(line), "{line}\n{shown}");
    }
    assert!(shown.contains("ca = \"conf/ring-ca.pem\""), "{shown}");

    let unix = text
        .replace("\"a:1\"", "\"unix:/run/m.sock:2\"")
        .replace("tls = true\nca = \"ring-ca.pem\"", "");
    let config = parse(&unix, "tiers", Path::new(""), &Overrides::default()).unwrap();
    assert_eq!(again(&config), config);
}

#[test]
fn secrets_are_redacted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("proxima.toml");
    std::fs::write(&path, format!("{}\n[admin]\ntoken = \"hunter2\"\n", EXAMPLES[0])).unwrap();
    let config = load(&path, &Overrides::default()).unwrap();
    assert_eq!(config.admin.as_ref().unwrap().token.as_deref(), Some("hunter2"));
    assert!(!to_toml(&config).contains("hunter2"));
    assert!(to_toml(&config).contains("token = \"redacted\""));
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn the_schema_is_closed_and_has_no_null() {
    let text = schema().to_string();
    assert!(!text.contains("\"null\""));
    assert_eq!(schema()["additionalProperties"], false);
    assert_eq!(
        schema()["properties"]["server"]["properties"]["threads"]["maximum"],
        1024
    );
    assert_eq!(
        schema()["properties"]["route"]["items"]["required"],
        serde_json::json!(["name", "path"])
    );
}

fn swallow(text: &str) {
    let overrides = Overrides {
        upstream: vec!["http://a".to_owned()],
        ..in_region("home")
    };
    if let Err(problems) = parse(text, "any.toml", Path::new(""), &overrides) {
        assert!(problems.iter().count() > 0);
        assert!(!render(&problems, true).is_empty());
    }
}

#[test]
fn deep_nesting_and_long_texts_do_not_panic() {
    let deep = 20_000;
    swallow(&format!("a = {}", "[".repeat(deep)));
    swallow(&format!("a = {}1{}", "[".repeat(deep), "]".repeat(deep)));
    swallow(&format!("{}b = 1", "a.".repeat(deep)));
    swallow(&format!("[{}b]\nc = 1", "a.".repeat(deep)));
    swallow(&"a = {".repeat(deep));
    swallow(&"x".repeat(3 << 20));
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>()) {
        swallow(&text);
    }

    #[test]
    fn no_mutated_example_panics(
        example in 0_usize..3,
        at in any::<prop::sample::Index>(),
        cut in 0_usize..12,
        put in "[\\[\\]{}\"'=.,#\n a-z0-9\\-é]{0,6}",
    ) {
        let mut chars: Vec<char> = EXAMPLES[example].chars().collect();
        let start = at.index(chars.len());
        let end = (start + cut).min(chars.len());
        chars.splice(start..end, put.chars());
        swallow(&chars.into_iter().collect::<String>());
    }

    #[test]
    fn no_mutated_value_panics(example in 0_usize..3, line in any::<prop::sample::Index>(), put in "(\"[ -~é]{0,12}\"|-?[0-9]{1,25}|[0-9]e[0-9]{3}|inf|nan|\\[\\]|\\{\\}|1979-05-27|true|\\[\\[\"a\"\\], 1\\])") {
        let mut lines: Vec<String> = EXAMPLES[example].lines().map(str::to_owned).collect();
        let chosen = line.index(lines.len());
        if let Some((key, _)) = lines[chosen].split_once(" = ") {
            lines[chosen] = format!("{key} = {put}");
        }
        swallow(&lines.join("\n"));
    }
}
