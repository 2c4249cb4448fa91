//! Keys and types against the schema: every fault at once, and the rest cleaned of them, so that one bad
//! key does not hide what is wrong elsewhere. Reads the few words of JSON Schema that [`crate::schema()`]
//! writes.

use serde_json::{Map, Value};

use crate::document::KeyPath;

/// A key or a value that does not fit the schema.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) path: KeyPath,
    /// The key is at fault, not its value.
    pub(crate) is_key: bool,
    pub(crate) message: String,
    pub(crate) remedy: String,
}

impl Fault {
    /// A value that does not fit.
    pub(crate) fn of_value(at: &KeyPath, message: String, remedy: String) -> Self {
        Self {
            path: at.clone(),
            is_key: false,
            message,
            remedy,
        }
    }
}

/// What of a value fits the schema; `None` when it does not as a whole. Unknown keys and bad values are
/// left out of tables; a list with a bad item is left out whole, so that indices stay true.
pub(crate) fn fit(schema: &Value, value: &Value, at: &KeyPath, faults: &mut Vec<Fault>) -> Option<Value> {
    if let Some(alternatives) = schema["anyOf"].as_array() {
        return fit_any(alternatives, schema, value, at, faults);
    }
    if let Some(words) = words(schema) {
        return fit_word(&words, value, at, faults);
    }
    match (schema["type"].as_str(), value) {
        (Some("object"), Value::Object(table)) => Some(fit_table(schema, table, at, faults)),
        (Some("array"), Value::Array(items)) => fit_list(schema, items, at, faults),
        (Some("integer"), Value::Number(number)) if !number.is_f64() => {
            fit_integer(schema, value, at, faults)
        }
        (Some("string"), Value::String(text)) => fit_text(schema, text, at, faults),
        (Some("boolean"), Value::Bool(_)) => Some(value.clone()),
        (expected, _) => {
            let is_secret = schema["writeOnly"] == true;
            let found = if is_secret {
                "something else".to_owned()
            } else {
                found(value)
            };
            let message = format!("expected {}, found {found}", kind_name(expected));
            let is_bare = expected == Some("string") && sample(schema).is_none() && value.is_number();
            let in_quotes = || format!("write it in quotes: \"{value}\"");
            let remedy = if is_bare {
                in_quotes()
            } else {
                write_this(schema, at)
            };
            faults.push(Fault::of_value(at, message, remedy));
            None
        }
    }
}

fn fit_any(
    alternatives: &[Value],
    schema: &Value,
    value: &Value,
    at: &KeyPath,
    faults: &mut Vec<Fault>,
) -> Option<Value> {
    let fitting = alternatives
        .iter()
        .find_map(|alternative| fit(alternative, value, at, &mut Vec::new()));
    if fitting.is_none() {
        if let Some(list) = alternatives
            .iter()
            .find(|schema| schema["type"] == "array" && value.is_array())
        {
            return fit(list, value, at, faults); // says which item is wrong
        }
        let named: Vec<String> = alternatives.iter().map(expectation).collect();
        let message = format!("expected {}, found {}", named.join(" or "), found(value));
        faults.push(Fault::of_value(at, message, write_this(schema, at)));
    }
    fitting
}

fn fit_word(words: &[&str], value: &Value, at: &KeyPath, faults: &mut Vec<Fault>) -> Option<Value> {
    if value.as_str().is_some_and(|text| words.contains(&text)) {
        return Some(value.clone());
    }
    let nearest = value
        .as_str()
        .and_then(|text| closest(text, words.iter().copied()));
    let message = format!("expected {}, found {}", one_of(words), found(value));
    let remedy = format!("write `{} = {:?}`", at.last_key(), nearest.unwrap_or(words[0]));
    faults.push(Fault::of_value(at, message, remedy));
    None
}

fn fit_table(schema: &Value, table: &Map<String, Value>, at: &KeyPath, faults: &mut Vec<Fault>) -> Value {
    let nothing = Map::new();
    let known = schema["properties"].as_object().unwrap_or(&nothing);
    let mut clean = Map::new();
    for (key, value) in table {
        let path = at.key(key);
        match known.get(key) {
            Some(schema) => {
                clean.extend(fit(schema, value, &path, faults).map(|value| (key.clone(), value)));
            }
            None => {
                let remedy = unknown_key_remedy(key, known);
                faults.push(Fault {
                    path,
                    is_key: true,
                    message: "unknown key".to_owned(),
                    remedy,
                });
            }
        }
    }
    for key in schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        if !table.contains_key(key) {
            let path = at.key(key);
            let remedy = add_this(&known[key], &path);
            faults.push(Fault {
                path,
                is_key: true,
                message: "missing".to_owned(),
                remedy,
            });
        }
    }
    Value::Object(clean)
}

fn fit_list(schema: &Value, items: &[Value], at: &KeyPath, faults: &mut Vec<Fault>) -> Option<Value> {
    let least = schema["minItems"].as_u64().unwrap_or(0);
    let most = schema["maxItems"].as_u64().unwrap_or(u64::MAX);
    if !(least..=most).contains(&(items.len() as u64)) {
        let wanted = if least == most {
            format!("{least}")
        } else {
            format!("{least} to {most}")
        };
        let message = format!("has {} items instead of {wanted}", items.len());
        faults.push(Fault::of_value(at, message, write_this(schema, at)));
        return None;
    }
    let fitted = items
        .iter()
        .enumerate()
        .map(|(index, item)| fit(&schema["items"], item, &at.item(index), faults));
    let fitted: Vec<_> = fitted.collect(); // all of them, before one that does not fit ends it
    fitted.into_iter().collect::<Option<Vec<_>>>().map(Value::Array)
}

fn fit_integer(schema: &Value, value: &Value, at: &KeyPath, faults: &mut Vec<Fault>) -> Option<Value> {
    let least = schema["minimum"].as_i64().unwrap_or(i64::MIN);
    let most = schema["maximum"].as_i64().unwrap_or(i64::MAX);
    if value
        .as_i64()
        .is_some_and(|number| (least..=most).contains(&number))
    {
        return Some(value.clone());
    }
    let message = format!("{value} is outside {least}..={most}");
    let remedy = format!("write a whole number from {least} to {most}");
    faults.push(Fault::of_value(at, message, remedy));
    None
}

fn fit_text(schema: &Value, text: &str, at: &KeyPath, faults: &mut Vec<Fault>) -> Option<Value> {
    let is_secret = schema["writeOnly"] == true;
    if text.contains("${") && !is_secret {
        let message = "environment variables are only read in secrets (`admin.token`)".to_owned();
        let remedy = "write the value itself, or set it with a flag".to_owned();
        faults.push(Fault::of_value(at, message, remedy));
        return None;
    }
    Some(Value::from(text))
}

/// The words that a schema allows, when it is a choice of words.
fn words(schema: &Value) -> Option<Vec<&str>> {
    let choices = match (schema["oneOf"].as_array(), schema["enum"].as_array()) {
        (Some(one_of), _) => one_of.iter().map(|choice| choice["const"].as_str()).collect(),
        (None, Some(words)) => words.iter().map(Value::as_str).collect(),
        (None, None) => None,
    };
    choices.filter(|words: &Vec<_>| !words.is_empty())
}

fn expectation(schema: &Value) -> String {
    words(schema).map_or_else(
        || kind_name(schema["type"].as_str()).to_owned(),
        |words| one_of(&words),
    )
}

fn one_of(words: &[&str]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("{word:?}")).collect();
    quoted.join(" or ")
}

fn kind_name(kind: Option<&str>) -> &'static str {
    match kind {
        Some("object") => "a table",
        Some("array") => "a list",
        Some("integer") => "a whole number",
        Some("boolean") => "true or false",
        _ => "text in quotes",
    }
}

fn found(value: &Value) -> String {
    match value {
        Value::Null => "a date or a number out of range".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a table".to_owned(),
        Value::String(text) => format!("the text {:?}", shortened(text)),
        Value::Bool(_) | Value::Number(_) => format!("{value}"),
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

/// The example or default that a schema has.
pub(crate) fn sample(schema: &Value) -> Option<&Value> {
    let default = schema.get("default").filter(|default| !is_empty_list(default));
    default.or_else(|| schema["examples"].get(0))
}

fn is_empty_list(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty)
}

fn write_this(schema: &Value, at: &KeyPath) -> String {
    let key = at.last_key();
    if schema["items"]["type"] == "object" {
        return format!("write it as tables headed `[[{key}]]`");
    }
    match (schema["type"].as_str(), sample(schema)) {
        (Some("object"), _) => format!("write it as a table headed `[{at}]`"),
        (_, Some(sample)) => format!("write for instance `{key} = {sample}`"),
        (kind, None) => format!("write {}", kind_name(kind)),
    }
}

fn add_this(schema: &Value, at: &KeyPath) -> String {
    write_this(schema, at)
        .replacen("write it as", "add", 1)
        .replacen("write", "add", 1)
}

fn unknown_key_remedy(key: &str, known: &Map<String, Value>) -> String {
    match closest(key, known.keys().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!(
            "remove it; known here: {}",
            known.keys().cloned().collect::<Vec<_>>().join(", ")
        ),
    }
}

/// The candidate that someone who wrote this most likely meant; `None` when none is near.
pub(crate) fn closest<'a>(text: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let text = shortened(text); // bounds the work of a comparison
    let scored = candidates.map(|candidate| (strsim::jaro_winkler(&text, candidate), candidate));
    scored
        .filter(|(score, _)| *score >= 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
