//! `Cache-Status` (RFC 9211), read as the structured field that it is.

use std::collections::BTreeMap;

/// One member of the list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) cache: String,
    /// Values as they stand; `?1` for those without.
    pub(super) parameters: BTreeMap<String, String>,
}

impl Member {
    pub(super) fn has(&self, name: &str) -> bool {
        self.parameters.contains_key(name)
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    pub(super) fn number(&self, name: &str) -> Option<i64> {
        self.get(name)?.parse().ok()
    }
}

/// Reads a List of Items (RFC 9651 section 3.1).
pub(super) fn members(text: &str) -> Result<Vec<Member>, String> {
    let mut input = Input {
        rest: text.trim_matches(' '),
    };
    let mut members = Vec::new();
    while !input.rest.is_empty() {
        members.push(input.member()?);
        input.spaces(" \t");
        if input.rest.is_empty() {
            break;
        }
        input.take(',')?;
        input.spaces(" \t");
        if input.rest.is_empty() {
            return Err("a comma at the end".into());
        }
    }
    Ok(members)
}

struct Input<'i> {
    rest: &'i str,
}

impl Input<'_> {
    fn spaces(&mut self, which: &str) {
        self.rest = self.rest.trim_start_matches(|c| which.contains(c));
    }

    fn take(&mut self, wanted: char) -> Result<(), String> {
        self.rest = self
            .rest
            .strip_prefix(wanted)
            .ok_or_else(|| format!("expected `{wanted}` before `{}`", self.rest))?;
        Ok(())
    }

    fn while_any(&mut self, wanted: impl Fn(char) -> bool) -> Result<String, String> {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        if end == 0 {
            return Err(format!("unexpected `{}`", self.rest));
        }
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        Ok(taken.to_owned())
    }

    fn member(&mut self) -> Result<Member, String> {
        let cache = self.value()?;
        let mut parameters = BTreeMap::new();
        while self.rest.starts_with(';') {
            self.take(';')?;
            self.spaces(" ");
            let name =
                self.while_any(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.*".contains(c))?;
            let value = if self.rest.starts_with('=') {
                self.take('=')?;
                self.value()?
            } else {
                "?1".to_owned()
            };
            if parameters.insert(name.clone(), value).is_some() {
                return Err(format!("`{name}` is said twice"));
            }
        }
        Ok(Member { cache, parameters })
    }

    fn value(&mut self) -> Result<String, String> {
        if !self.rest.starts_with('"') {
            return self.while_any(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~:/?".contains(c));
        }
        self.take('"')?;
        let (value, rest) = self.rest.split_once('"').ok_or("a string without end")?;
        self.rest = rest;
        Ok(value.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_with_their_parameters() {
        let found = members("\"up, stream\"; hit, Proxima-us-west;fwd=stale; ttl=-3").unwrap();
        assert_eq!(found[0].cache, "up, stream");
        assert!(found[0].has("hit"));
        assert_eq!(
            (found[1].get("fwd"), found[1].number("ttl")),
            (Some("stale"), Some(-3))
        );
        for malformed in ["a,", "a b", "a;", "a; B", "a; x=1; x=2", "\"a"] {
            assert!(members(malformed).is_err(), "{malformed}");
        }
    }
}
