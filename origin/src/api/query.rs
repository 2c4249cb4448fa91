//! Query parameters. Unknown ones are ignored; a known one given twice is refused.

use std::str::FromStr;

use super::problem::Problem;

/// The decoded parameters of one request.
#[derive(Debug)]
pub(super) struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    pub(super) fn of(text: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(text.unwrap_or_default().as_bytes());
        Self {
            pairs: pairs.into_owned().collect(),
        }
    }

    /// The text of one parameter.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, Problem> {
        let mut values = self
            .pairs
            .iter()
            .filter(|(known, _)| known == name)
            .map(|(_, value)| value.as_str());
        let first = values.next();
        if values.next().is_some() {
            return Err(Problem::bad_parameter(name, "must be given once at most"));
        }
        Ok(first)
    }

    /// One parameter as a number or the like; `expected` says what it must be.
    pub(super) fn value<T: FromStr>(&self, name: &str, expected: &str) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        // Rust's numbers may start with a plus sign; a query's plus sign is a blank.
        text.parse()
            .map(Some)
            .map_err(|_| Problem::bad_parameter(name, format!("must be {expected}")))
    }
}
