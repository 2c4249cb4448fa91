//! One object of the options, read key by key. Problems are collected, so that one run shows all of them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::problem::Problems;

/// A value, and what its writer calls its place.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) value: Value,
    pub(super) path: String,
}

/// The keys of an object; `null` is as good as absent.
#[derive(Debug)]
pub(super) struct Section<'p> {
    path: String,
    entries: BTreeMap<String, Entry>,
    problems: &'p mut Problems,
}

impl<'p> Section<'p> {
    /// The object at `path`.
    pub(super) fn new(path: &str, object: &Map<String, Value>, problems: &'p mut Problems) -> Self {
        let entries = object.iter().map(|(key, value)| {
            let path = format!("{path}.{key}");
            let value = value.clone();
            (key.clone(), Entry { value, path })
        });
        Self::of_entries(path, entries.collect(), problems)
    }

    /// An object that was put together of values from several places.
    pub(super) fn of_entries(
        path: &str,
        entries: BTreeMap<String, Entry>,
        problems: &'p mut Problems,
    ) -> Self {
        Self {
            path: path.to_owned(),
            entries,
            problems,
        }
    }

    /// The value of a key; `None`, and a problem, if it cannot be read.
    pub(super) fn get<T>(&mut self, key: &str, read: impl FnOnce(&Value) -> Result<T, String>) -> Option<T> {
        let entry = given(&self.entries, key)?;
        read(&entry.value)
            .map_err(|message| self.problems.push(entry.path.clone(), message))
            .ok()
    }

    /// The same for a key that has to be there.
    pub(super) fn require<T>(
        &mut self,
        key: &str,
        example: &str,
        read: impl FnOnce(&Value) -> Result<T, String>,
    ) -> Option<T> {
        if !self.has(key) {
            let message = format!("missing; write for example {key}: {example}");
            self.refuse(key, message);
        }
        self.get(key, read)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        given(&self.entries, key).is_some()
    }

    /// The value of a key as it is, and all problems, for what is read in another way.
    pub(super) fn raw(&mut self, key: &str) -> Option<(&Entry, &mut Problems)> {
        Some((given(&self.entries, key)?, self.problems))
    }

    /// Says that a key's value cannot be.
    pub(super) fn refuse(&mut self, key: &str, message: impl Into<String>) {
        let path = match self.entries.get(key) {
            Some(entry) => entry.path.clone(),
            None => format!("{}.{key}", self.path),
        };
        self.problems.push(path, message);
    }

    /// Refuses all keys but these. `what` says whose keys they are.
    pub(super) fn allow(&mut self, what: &str, known: &[&str]) {
        for (key, entry) in &self.entries {
            if !known.contains(&key.as_str()) {
                self.problems.unknown(&entry.path, what, key, known);
            }
        }
    }
}

fn given<'e>(entries: &'e BTreeMap<String, Entry>, key: &str) -> Option<&'e Entry> {
    entries.get(key).filter(|entry| !entry.value.is_null())
}
