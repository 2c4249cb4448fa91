//! Patterns that paths are matched against.

use std::fmt;

use super::{PARAMS_MAX, TemplateError, parameter_name};

/// One part of a pattern, between two slashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// Exactly this text.
    Literal(String),
    /// `{name}`: any one segment that is not empty.
    Param(String),
    /// `{name...}`, only at the end: all remaining segments, also none.
    Rest(String),
}

/// A pattern such as `/profiles/{id}`, matched against whole, normalised paths without their query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    text: String,
    segments: Vec<Segment>,
}

/// What a path holds at its pattern's parameters. Lives on the stack.
#[derive(Debug, Clone, Copy)]
pub struct Captures<'p> {
    segments: &'p [Segment],
    values: [&'p str; PARAMS_MAX],
}

impl PathPattern {
    /// A pattern from its text.
    ///
    /// # Errors
    /// [`TemplateError`] names the first fault.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let body = text.strip_prefix('/').ok_or(TemplateError::NoSlash)?;
        let mut segments = Vec::new();
        if !body.is_empty() {
            let last = body.split('/').count() - 1;
            for (index, part) in body.split('/').enumerate() {
                segments.push(parse_segment(part, index == last)?);
            }
        }
        check_names(&segments)?;
        Ok(Self {
            text: text.to_owned(),
            segments,
        })
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its parts in order; `/` has none.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Names of its parameters in order.
    pub fn params(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(Segment::name)
    }

    /// Whether a path fits. Does not allocate.
    pub fn matches(&self, path: &str) -> bool {
        self.walk(path, |_| {})
    }

    /// What a path holds at the parameters; `None` when it does not fit. Does not allocate.
    pub fn captures<'p>(&'p self, path: &'p str) -> Option<Captures<'p>> {
        let mut values = [""; PARAMS_MAX];
        let mut filled = 0;
        let fits = self.walk(path, |value| {
            values[filled] = value; // in range: `parse` counted the parameters
            filled += 1;
        });
        fits.then_some(Captures {
            segments: &self.segments,
            values,
        })
    }

    /// Whether every path that fits `other` fits this too, so that `other` after this is never reached.
    pub fn covers(&self, other: &Self) -> bool {
        let mut theirs = other.segments.iter();
        for ours in &self.segments {
            let covered = match (ours, theirs.next()) {
                (Segment::Rest(_), _) => return true,
                (Segment::Literal(a), Some(Segment::Literal(b))) => a == b,
                (Segment::Param(_), Some(Segment::Literal(b))) => !b.is_empty(),
                (Segment::Param(_), Some(Segment::Param(_))) => true,
                _ => false,
            };
            if !covered {
                return false;
            }
        }
        theirs.next().is_none()
    }

    /// Whether it fits every path.
    pub fn is_catch_all(&self) -> bool {
        matches!(self.segments.first(), Some(Segment::Rest(_)))
    }

    fn walk<'p>(&self, path: &'p str, mut capture: impl FnMut(&'p str)) -> bool {
        let Some(body) = path.strip_prefix('/') else {
            return false;
        };
        // `None` once no segment is left; `Some("")` is the empty segment after a trailing slash.
        let mut left = (!body.is_empty()).then_some(body);
        for segment in &self.segments {
            let value = match (segment, left) {
                (Segment::Rest(_), left) => {
                    capture(left.unwrap_or_default());
                    return true;
                }
                (_, None) => return false,
                (Segment::Literal(text), Some(here)) => match here.strip_prefix(text.as_str()) {
                    Some("") => {
                        left = None;
                        continue;
                    }
                    Some(after) if after.starts_with('/') => {
                        left = Some(&after[1..]);
                        continue;
                    }
                    _ => return false,
                },
                (Segment::Param(_), Some(here)) => match here.split_once('/') {
                    Some((value, after)) => {
                        left = Some(after);
                        value
                    }
                    None => {
                        left = None;
                        here
                    }
                },
            };
            if value.is_empty() {
                return false;
            }
            capture(value);
        }
        left.is_none()
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<'p> Captures<'p> {
    /// What the path holds at the named parameter; `None` when the pattern has no such parameter. A rest
    /// that matched no segment is empty.
    pub fn get(&self, name: &str) -> Option<&'p str> {
        let index = self
            .segments
            .iter()
            .filter_map(Segment::name)
            .position(|param| param == name)?;
        self.values.get(index).copied()
    }
}

impl Segment {
    fn name(&self) -> Option<&str> {
        match self {
            Self::Literal(_) => None,
            Self::Param(name) | Self::Rest(name) => Some(name),
        }
    }
}

fn parse_segment(part: &str, is_last: bool) -> Result<Segment, TemplateError> {
    if let Some(inner) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
        let Some(name) = inner.strip_suffix("...") else {
            return parameter_name(inner).map(Segment::Param);
        };
        let name = parameter_name(name)?;
        return if is_last {
            Ok(Segment::Rest(name))
        } else {
            Err(TemplateError::RestNotLast(name))
        };
    }
    if part.contains(['{', '}']) {
        return Err(TemplateError::Braces(part.to_owned()));
    }
    if part.is_empty() && !is_last {
        return Err(TemplateError::EmptySegment);
    }
    if part == "." || part == ".." {
        return Err(TemplateError::DotSegment(part.to_owned()));
    }
    match part.chars().find(|&char| !is_path_character(char)) {
        Some(char) => Err(TemplateError::PathCharacter(char)),
        None => Ok(Segment::Literal(part.to_owned())),
    }
}

/// `pchar` of RFC 3986, section 3.3.
fn is_path_character(char: char) -> bool {
    char.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@%".contains(char)
}

fn check_names(segments: &[Segment]) -> Result<(), TemplateError> {
    let names: Vec<&str> = segments.iter().filter_map(Segment::name).collect();
    if names.len() > PARAMS_MAX {
        return Err(TemplateError::TooMany);
    }
    match names
        .iter()
        .enumerate()
        .find(|(index, name)| names[..*index].contains(name))
    {
        Some((_, name)) => Err(TemplateError::Repeated((*name).to_owned())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str) -> PathPattern {
        PathPattern::parse(text).unwrap()
    }

    /// Names and what the path holds at them.
    type Held = &'static [(&'static str, &'static str)];

    #[test]
    fn paths_that_fit_and_what_they_hold() {
        let rows: [(&str, &str, Held); 14] = [
            ("/", "/", &[]),
            ("/profiles", "/profiles", &[]),
            ("/profiles/", "/profiles/", &[]),
            ("/profiles/{id}", "/profiles/7", &[("id", "7")]),
            ("/profiles/{id}/jobs", "/profiles/7/jobs", &[("id", "7")]),
            ("/{a}/{b}", "/x/y", &[("a", "x"), ("b", "y")]),
            ("/profiles/{id}", "/profiles/%C3%A9", &[("id", "%C3%A9")]),
            ("/static/{rest...}", "/static/a", &[("rest", "a")]),
            ("/static/{rest...}", "/static/a/b/", &[("rest", "a/b/")]),
            ("/static/{rest...}", "/static", &[("rest", "")]),
            ("/static/{rest...}", "/static/", &[("rest", "")]),
            ("/{rest...}", "/", &[("rest", "")]),
            ("/{rest...}", "/a//b", &[("rest", "a//b")]),
            ("/{id}/{rest...}", "/7/x/y", &[("id", "7"), ("rest", "x/y")]),
        ];
        for (text, path, want) in rows {
            let pattern = pattern(text);
            assert!(pattern.matches(path), "{text} {path}");
            let captures = pattern.captures(path).unwrap();
            let names: Vec<_> = pattern
                .params()
                .map(|name| (name, captures.get(name).unwrap()))
                .collect();
            assert_eq!(names, want, "{text} {path}");
            assert_eq!(captures.get("other"), None);
        }
    }

    #[test]
    fn paths_that_do_not_fit() {
        let rows = [
            ("/", "/a"),
            ("/profiles", "/"),
            ("/profiles", "/profile"),
            ("/profiles", "/profiles2"),
            ("/profiles", "/profiles/"),
            ("/profiles/", "/profiles"),
            ("/profiles/{id}", "/profiles"),
            ("/profiles/{id}", "/profiles/"),
            ("/profiles/{id}", "/profiles/7/"),
            ("/profiles/{id}", "/profiles/7/8"),
            ("/profiles/{id}", "/jobs/7"),
            ("/{a}/{b}", "//x"),
            ("/static/{rest...}", "/statics"),
            ("/{rest...}", ""),
            ("/{rest...}", "a"),
        ];
        for (text, path) in rows {
            assert!(!pattern(text).matches(path), "{text} {path}");
            assert!(pattern(text).captures(path).is_none(), "{text} {path}");
        }
    }

    #[test]
    fn texts_that_are_no_pattern() {
        let rows = [
            ("", TemplateError::NoSlash),
            ("profiles", TemplateError::NoSlash),
            ("//a", TemplateError::EmptySegment),
            ("/a/../b", TemplateError::DotSegment("..".into())),
            ("/a{id}", TemplateError::Braces("a{id}".into())),
            ("/{id", TemplateError::Braces("{id".into())),
            ("/{}", TemplateError::Name(String::new())),
            ("/{Id}", TemplateError::Name("Id".into())),
            ("/{1d}", TemplateError::Name("1d".into())),
            ("/{{id}}", TemplateError::Name("{id}".into())),
            ("/{a}/{a}", TemplateError::Repeated("a".into())),
            ("/{a}/{a...}", TemplateError::Repeated("a".into())),
            ("/{a...}/b", TemplateError::RestNotLast("a".into())),
            ("/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}", TemplateError::TooMany),
            ("/a b", TemplateError::PathCharacter(' ')),
            ("/a?b", TemplateError::PathCharacter('?')),
            ("/é", TemplateError::PathCharacter('é')),
        ];
        for (text, error) in rows {
            assert_eq!(PathPattern::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn a_pattern_covers_what_it_leaves_nothing_of() {
        let rows = [
            ("/a", "/a", true),
            ("/{x}", "/a", true),
            ("/{x}", "/{y}", true),
            ("/a", "/{y}", false),
            ("/{x}", "/", false),
            ("/{rest...}", "/a/b", true),
            ("/{rest...}", "/", true),
            ("/{rest...}", "/{other...}", true),
            ("/a/{rest...}", "/a", true),
            ("/a/{rest...}", "/a/{id}", true),
            ("/a/{rest...}", "/b/{id}", false),
            ("/{x}", "/{rest...}", false),
            ("/a/{x}", "/a/", false),
            ("/a", "/a/b", false),
        ];
        for (earlier, later, covers) in rows {
            assert_eq!(
                pattern(earlier).covers(&pattern(later)),
                covers,
                "{earlier} {later}"
            );
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_gives_the_text_back(text in "[/a-c{}.é ]{0,24}") {
            if let Ok(pattern) = PathPattern::parse(&text) {
                prop_assert_eq!(pattern.to_string(), text);
            }
        }

        #[test]
        fn matching_agrees_with_capturing(text in "(/(a|b|\\{x\\}|\\{y\\})){1,3}(/\\{r\\.\\.\\.\\})?", path in "(/[ab]{0,2}){0,4}") {
            if let Ok(pattern) = PathPattern::parse(&text) {
                prop_assert_eq!(pattern.matches(&path), pattern.captures(&path).is_some());
            }
        }

        #[test]
        fn a_covered_pattern_is_never_reached(
            earlier in "(/(a|b|\\{x\\})){0,3}(/\\{r\\.\\.\\.\\})?",
            later in "(/(a|b|\\{x\\})){0,3}(/\\{r\\.\\.\\.\\})?",
            path in "(/[ab]{0,1}){1,4}",
        ) {
            if let (Ok(earlier), Ok(later)) = (PathPattern::parse(&earlier), PathPattern::parse(&later))
                && earlier.covers(&later) && later.matches(&path)
            {
                prop_assert!(earlier.matches(&path));
            }
        }
    }
}
