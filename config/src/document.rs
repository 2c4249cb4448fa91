//! A configuration before anything is known about its keys: values, and where each one stands.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::problem::{Place, Problem, line_and_column};

/// Path of a key, written `route[1].ttl`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct KeyPath(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Step {
    Key(String),
    Item(usize),
}

impl KeyPath {
    /// The path of plain keys joined by dots; the document itself for an empty text.
    pub(crate) fn of(dotted: &str) -> Self {
        let keys = dotted.split('.').filter(|key| !key.is_empty());
        Self(keys.map(|key| Step::Key(key.to_owned())).collect())
    }

    pub(crate) fn key(&self, key: &str) -> Self {
        self.with(Step::Key(key.to_owned()))
    }

    pub(crate) fn item(&self, index: usize) -> Self {
        self.with(Step::Item(index))
    }

    pub(crate) fn is_at_or_under(&self, above: &Self) -> bool {
        self.0.starts_with(&above.0)
    }

    /// The last key, without the indices after it.
    pub(crate) fn last_key(&self) -> &str {
        let keys = self.0.iter().rev().filter_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Item(_) => None,
        });
        keys.into_iter().next().unwrap_or_default()
    }

    fn with(&self, step: Step) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                Step::Item(item) => write!(f, "[{item}]")?,
                Step::Key(key) => {
                    let bare = !key.is_empty()
                        && key
                            .bytes()
                            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
                    let dot = if index == 0 { "" } else { "." };
                    if bare {
                        write!(f, "{dot}{key}")?;
                    } else {
                        write!(f, "{dot}{key:?}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Where a key is written and where its value is, as bytes of the text.
#[derive(Debug, Clone)]
struct Spans {
    key: Range<usize>,
    value: Range<usize>,
}

/// A tree of values with the place of each. TOML's dates and what JSON cannot say become null.
#[derive(Debug, Default)]
pub(crate) struct Document {
    pub(crate) value: Value,
    text: String,
    spans: HashMap<KeyPath, Spans>,
    flags: Vec<(KeyPath, &'static str)>,
}

impl Document {
    /// A document without text, for a configuration made of flags.
    pub(crate) fn empty() -> Self {
        Self {
            value: Value::Object(serde_json::Map::new()),
            ..Self::default()
        }
    }

    /// Reads TOML; what can be read of a broken text is kept, so that the rest is checked too.
    ///
    /// Strictly, `region = "us-west"` at the top and `[[region]]` below are one key twice. The pair is so
    /// natural to write that it is read all the same, as `server.region` and the tables.
    pub(crate) fn parse(text: &str) -> (Self, Vec<Problem>) {
        let mut document = Self {
            text: text.to_owned(),
            ..Self::empty()
        };
        let own_region = own_region(text);
        let blanked = own_region
            .as_ref()
            .map(|(_, spans)| blank(text, spans.key.start..spans.value.end));
        let (table, errors) = DeTable::parse_recoverable(blanked.as_deref().unwrap_or(text));
        document.value = document.table(table.get_ref(), &KeyPath::default());
        let mut problems: Vec<_> = errors
            .iter()
            .map(|error| document.syntax_problem(error))
            .collect();
        if let Some((own, spans)) = own_region {
            problems.extend(document.move_own_region(own, spans));
        }
        (document, problems)
    }

    fn move_own_region(&mut self, own: String, spans: Spans) -> Option<Problem> {
        let at = KeyPath::of("server.region");
        if self.spans.contains_key(&at) {
            return Some(Problem {
                message: "`server.region` says it too".to_owned(),
                key: "region".to_owned(),
                place: self.text_place(spans.key),
                remedy: "remove one of the two".to_owned(),
            });
        }
        self.put(&at, Value::from(own));
        self.spans.insert(at, spans);
        None
    }

    /// Puts a flag's value in the place of a key, making the tables on the way. Leaves a document alone
    /// whose tables are not tables: that is reported as such.
    pub(crate) fn set(&mut self, path: &KeyPath, value: Value, flag: &'static str) {
        if self.put(path, value) {
            self.blame(path, flag);
        }
    }

    fn put(&mut self, path: &KeyPath, value: Value) -> bool {
        let mut slot = &mut self.value;
        for step in &path.0 {
            let next = match (step, slot) {
                (Step::Key(key), Value::Object(table)) => Some(
                    table
                        .entry(key.as_str())
                        .or_insert_with(|| Value::Object(serde_json::Map::new())),
                ),
                (Step::Item(item), Value::Array(items)) => items.get_mut(*item),
                _ => None,
            };
            let Some(next) = next else { return false };
            slot = next;
        }
        *slot = value;
        true
    }

    /// Lets problems with a key point at a flag.
    pub(crate) fn blame(&mut self, path: &KeyPath, flag: &'static str) {
        self.flags.push((path.clone(), flag));
    }

    /// The flag that set a key or a table above it.
    pub(crate) fn flag_of(&self, path: &KeyPath) -> Option<&'static str> {
        let hit = self.flags.iter().rev().find(|(set, _)| path.is_at_or_under(set));
        hit.map(|(_, flag)| *flag)
    }

    /// Where a value is, or what is nearest above it when it is missing.
    pub(crate) fn place(&self, path: &KeyPath) -> Place {
        if let Some(flag) = self.flag_of(path) {
            return Place::Flag(flag);
        }
        let mut above = path.clone();
        loop {
            if let Some(spans) = self.spans.get(&above) {
                return self.text_place(spans.value.clone());
            }
            if above.0.pop().is_none() {
                return Place::Whole;
            }
        }
    }

    /// Where a key itself is.
    pub(crate) fn key_place(&self, path: &KeyPath) -> Place {
        match (self.flag_of(path), self.spans.get(path)) {
            (None, Some(spans)) => self.text_place(spans.key.clone()),
            _ => self.place(path),
        }
    }

    fn text_place(&self, span: Range<usize>) -> Place {
        let (line, column) = line_and_column(&self.text, span.start);
        Place::Text { span, line, column }
    }

    fn syntax_problem(&self, error: &toml::de::Error) -> Problem {
        let place = error.span().map_or(Place::Whole, |span| self.text_place(span));
        let message = error.message().replace('\n', ", ");
        Problem {
            message,
            key: String::new(),
            place,
            remedy: "correct the TOML here: https://toml.io/en/v1.0.0".to_owned(),
        }
    }

    fn table(&mut self, table: &DeTable<'_>, at: &KeyPath) -> Value {
        let entries = table.iter().map(|(key, value)| {
            let path = at.key(key.get_ref());
            let spans = Spans {
                key: key.span(),
                value: value.span(),
            };
            self.spans.insert(path.clone(), spans);
            (key.get_ref().to_string(), self.value_of(value, &path))
        });
        Value::Object(entries.collect())
    }

    fn value_of(&mut self, value: &Spanned<DeValue<'_>>, at: &KeyPath) -> Value {
        match value.get_ref() {
            DeValue::String(text) => Value::from(text.as_ref()),
            DeValue::Boolean(flag) => Value::from(*flag),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => Value::from(number),
                Err(_) => Value::Null,
            },
            DeValue::Float(number) => number.as_str().parse::<f64>().map_or(Value::Null, Value::from),
            DeValue::Datetime(_) => Value::Null,
            DeValue::Table(table) => self.table(table, at),
            DeValue::Array(items) => {
                let items = items.iter().enumerate().map(|(index, item)| {
                    let path = at.item(index);
                    self.spans.insert(
                        path.clone(),
                        Spans {
                            key: item.span(),
                            value: item.span(),
                        },
                    );
                    self.value_of(item, &path)
                });
                Value::Array(items.collect())
            }
        }
    }
}

/// The top-level `region = "…"` of a text.
fn own_region(text: &str) -> Option<(String, Spans)> {
    let (table, _) = DeTable::parse_recoverable(text);
    let (key, value) = table
        .get_ref()
        .iter()
        .find(|(key, _)| key.get_ref() == "region")?;
    let own = value.get_ref().as_str()?.to_owned();
    Some((
        own,
        Spans {
            key: key.span(),
            value: value.span(),
        },
    ))
}

/// A text with some bytes replaced by spaces, so that all others keep their places.
fn blank(text: &str, bytes: Range<usize>) -> String {
    match (text.get(..bytes.start), text.get(bytes.end..)) {
        (Some(before), Some(after)) => format!("{before}{}{after}", " ".repeat(bytes.len())),
        _ => text.to_owned(),
    }
}
