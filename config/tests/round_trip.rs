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
