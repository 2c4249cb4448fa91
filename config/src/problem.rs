//! What is wrong with a configuration, all of it at once, each with its place and its remedy.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};

/// Where a problem is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In the file.
    Text {
        /// Byte range in the file.
        span: Range<usize>,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
    },
    /// On the command line, at this flag.
    Flag(&'static str),
    /// The file as a whole.
    Whole,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong, lower case, without a full stop.
    pub message: String,
    /// Path of the key such as `route[1].ttl`; empty when no key is to blame.
    pub key: String,
    /// Where it is.
    pub place: Place,
    /// What to write or do instead.
    pub remedy: String,
}

/// Every problem of one configuration; never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problems {
    name: String,
    text: Arc<str>,
    problems: Vec<Problem>,
}

impl Problems {
    /// The problems of a text that was read under `name`, in the order of the text, those of flags first.
    pub(crate) fn new(name: &str, text: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| match &problem.place {
            Place::Flag(_) => (0, 0),
            Place::Whole => (1, 0),
            Place::Text { span, .. } => (2, span.start),
        });
        problems.dedup();
        Self {
            name: name.to_owned(),
            text: text.into(),
            problems,
        }
    }

    /// In the order of the file, those of flags first.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.problems.iter()
    }

    /// Name of the file, as in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many, in words: `3 problems in proxima.toml`.
    pub fn summary(&self) -> String {
        let count = self.problems.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        format!("{count} {noun} in {}", self.name)
    }

    fn line_of(&self, problem: &Problem) -> String {
        let place = match &problem.place {
            Place::Text { line, column, .. } => format!("{}:{line}:{column}: ", self.name),
            Place::Flag(flag) => format!("{flag}: "),
            Place::Whole => format!("{}: ", self.name),
        };
        // A flag has said which key it is about.
        let names_key = !problem.key.is_empty() && !matches!(problem.place, Place::Flag(_));
        let key = if names_key {
            format!("{}: ", problem.key)
        } else {
            String::new()
        };
        format!("{place}{key}{}; {}", problem.message, problem.remedy)
    }

    fn finding<'a>(&'a self, problem: &'a Problem) -> Finding<'a> {
        Finding {
            problem,
            source: NamedSource::new(&self.name, Arc::clone(&self.text)).with_language("TOML"),
        }
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// One line per problem: `file:line:column: key: message; remedy`, or `--flag: message; remedy`.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{}", self.line_of(problem))?;
        }
        Ok(())
    }
}

/// For callers that have miette print their errors: one diagnostic with a label per problem.
impl Diagnostic for Problems {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.text)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.problems.iter().filter_map(|problem| {
            let Place::Text { span, .. } = &problem.place else {
                return None;
            };
            Some(LabeledSpan::new_with_span(
                Some(problem.remedy.clone()),
                span.clone(),
            ))
        })))
    }
}

/// One problem as miette draws it.
#[derive(Debug)]
struct Finding<'a> {
    problem: &'a Problem,
    source: NamedSource<Arc<str>>,
}

impl fmt::Display for Finding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.problem.place, self.problem.key.as_str()) {
            (Place::Flag(flag), _) => write!(f, "{flag}: {}", self.problem.message),
            (_, "") => f.write_str(&self.problem.message),
            (_, key) => write!(f, "{key}: {}", self.problem.message),
        }
    }
}

impl std::error::Error for Finding<'_> {}

impl Diagnostic for Finding<'_> {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.problem.remedy))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        matches!(self.problem.place, Place::Text { .. }).then_some(&self.source as _)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let Place::Text { span, .. } = &self.problem.place else {
            return None;
        };
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(
            Some("here".to_owned()),
            span.clone(),
        ))))
    }
}

/// The problems as pictures of the lines they are on, with their remedies, and a count at the end; coloured
/// by ANSI escapes when `colour` is set.
pub fn render(problems: &Problems, colour: bool) -> String {
    let theme = if colour {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(100)
        .with_links(false);
    let mut drawn = String::new();
    for problem in problems {
        if handler
            .render_report(&mut drawn, &problems.finding(problem))
            .is_err()
        {
            drawn.push_str(&problems.line_of(problem));
        }
        drawn.push('\n');
    }
    drawn + &problems.summary() + "\n"
}

/// Line and column, both from 1, of a byte of a text.
pub(crate) fn line_and_column(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (
        before.matches('\n').count() + 1,
        before[line_start..].chars().count() + 1,
    )
}
