//! What is wrong with options, all of it at once.

use std::fmt;

use super::nearest::nearest;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where, as its writer calls it: `scenarios.read.rate`, `K6_VUS`, `--vus`.
    pub path: String,
    /// What is wrong and what to write instead, in lower case and without a full stop.
    pub message: String,
}

/// Everything that is wrong; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionErrors(Vec<Problem>);

impl OptionErrors {
    /// In the order in which options are read.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }
}

impl std::error::Error for OptionErrors {}

impl fmt::Display for OptionErrors {
    /// A line each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, Problem { path, message }) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{path}: {message}")?;
        }
        Ok(())
    }
}

/// What has been found so far.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    /// Adds one, unless it is known: `vus` alone is read as VUs and as iterations.
    pub(super) fn push(&mut self, path: impl Into<String>, message: impl Into<String>) {
        let (path, message) = (path.into(), message.into());
        let problem = Problem { path, message };
        if !self.0.contains(&problem) {
            self.0.push(problem);
        }
    }

    /// `name` is none of `known`, of what `what` calls them.
    pub(super) fn unknown(&mut self, path: &str, what: &str, name: &str, known: &[&str]) {
        let guess =
            nearest(name, known).map_or_else(String::new, |guess| format!(", did you mean {guess:?}?"));
        self.push(
            path,
            format!("unknown {what}{guess} (there are {})", known.join(", ")),
        );
    }

    pub(super) fn into_result(self) -> Result<(), OptionErrors> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(OptionErrors(self.0))
        }
    }
}
