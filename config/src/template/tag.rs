//! Tags made from what a path holds.

use std::fmt;

use super::{Captures, PathPattern, TemplateError, parameter_name};

/// A tag such as `profile:{id}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagTemplate {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Param(String),
}

impl TagTemplate {
    /// A template from its text.
    ///
    /// # Errors
    /// [`TemplateError`] names the first fault.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if text.is_empty() {
            return Err(TemplateError::EmptyTag);
        }
        let mut parts = Vec::new();
        let mut left = text;
        while !left.is_empty() {
            let (literal, after) = left.split_at(left.find(['{', '}']).unwrap_or(left.len()));
            if let Some(char) = literal.chars().find(|&char| !is_tag_character(char)) {
                return Err(TemplateError::TagCharacter(char));
            }
            if !literal.is_empty() {
                parts.push(Part::Literal(literal.to_owned()));
            }
            if after.is_empty() {
                break;
            }
            let braced = after.strip_prefix('{').and_then(|after| after.split_once('}'));
            let (name, after) = braced.ok_or_else(|| TemplateError::Braces(after.to_owned()))?;
            parts.push(Part::Param(parameter_name(name)?));
            left = after;
        }
        Ok(Self {
            text: text.to_owned(),
            parts,
        })
    }

    /// The template as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Names of its parameters in order, repeats included.
    pub fn params(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Param(name) => Some(name.as_str()),
            Part::Literal(_) => None,
        })
    }

    /// Whether a path captures all that the tag names.
    ///
    /// # Errors
    /// [`TemplateError::UnknownParameter`] with the first name that the path lacks.
    pub fn check_against(&self, path: &PathPattern) -> Result<(), TemplateError> {
        match self
            .params()
            .find(|name| !path.params().any(|param| param == *name))
        {
            Some(name) => Err(TemplateError::UnknownParameter(name.to_owned())),
            None => Ok(()),
        }
    }

    /// The tag of one path. A parameter that the path lacks counts as empty; checking excludes it.
    pub fn expand(&self, captures: &Captures<'_>) -> String {
        let mut tag = String::with_capacity(self.text.len() + 16);
        for part in &self.parts {
            tag.push_str(match part {
                Part::Literal(text) => text,
                Part::Param(name) => captures.get(name).unwrap_or_default(),
            });
        }
        tag
    }
}

impl fmt::Display for TagTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// `Surrogate-Key` separates tags by spaces and `Cache-Tag` by commas; field values are visible ASCII
/// (RFC 9110, section 5.5).
fn is_tag_character(char: char) -> bool {
    char.is_ascii_graphic() && char != ','
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tags_take_their_parts_from_the_path() {
        let rows = [
            ("profile:{id}", "profile:7"),
            ("{kind}:{id}", "profiles:7"),
            ("{id}{id}", "77"),
            ("all", "all"),
            ("p-{id}-x", "p-7-x"),
        ];
        let path = PathPattern::parse("/{kind}/{id}").unwrap();
        for (text, want) in rows {
            let tag = TagTemplate::parse(text).unwrap();
            assert_eq!(tag.check_against(&path), Ok(()));
            assert_eq!(tag.expand(&path.captures("/profiles/7").unwrap()), want);
            assert_eq!(tag.to_string(), text);
        }
    }

    #[test]
    fn a_tag_that_names_more_than_its_path_has() {
        let path = PathPattern::parse("/profiles/{id}").unwrap();
        let tag = TagTemplate::parse("job:{id}:{job}").unwrap();
        assert_eq!(tag.params().collect::<Vec<_>>(), ["id", "job"]);
        assert_eq!(
            tag.check_against(&path),
            Err(TemplateError::UnknownParameter("job".into()))
        );
        assert_eq!(tag.expand(&path.captures("/profiles/7").unwrap()), "job:7:");
    }

    #[test]
    fn texts_that_are_no_tag() {
        let rows = [
            ("", TemplateError::EmptyTag),
            ("a b", TemplateError::TagCharacter(' ')),
            ("a,b", TemplateError::TagCharacter(',')),
            ("a\tb", TemplateError::TagCharacter('\t')),
            ("a\u{7f}", TemplateError::TagCharacter('\u{7f}')),
            ("é", TemplateError::TagCharacter('é')),
            ("a{", TemplateError::Braces("{".into())),
            ("a}b", TemplateError::Braces("}b".into())),
            ("a{b", TemplateError::Braces("{b".into())),
            ("{}", TemplateError::Name(String::new())),
            ("{id...}", TemplateError::Name("id...".into())),
        ];
        for (text, error) in rows {
            assert_eq!(TagTemplate::parse(text), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_gives_the_text_back(text in "[a-c{}:é, ]{0,24}") {
            if let Ok(tag) = TagTemplate::parse(&text) {
                prop_assert_eq!(tag.to_string(), text);
            }
        }
    }
}
