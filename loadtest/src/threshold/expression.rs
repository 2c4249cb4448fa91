//! Reading conditions: `aggregate operator number`.

use std::time::Duration;

use super::selector::SelectorError;
use super::{AggregateOf, Operator, Threshold, selector};

/// Why a threshold cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThresholdError {
    /// What it looks at.
    #[error(transparent)]
    Selector(#[from] SelectorError),
    /// What it demands.
    #[error(
        "threshold {source_text:?}: expected {expected} at column {column}; \
         write for example p(95)<200, rate>0.99 or count==0"
    )]
    Expression {
        /// As the script has it.
        source_text: String,
        /// From 1, in characters.
        column: usize,
        /// What should have stood there.
        expected: &'static str,
    },
}

/// Longer operators stand before those that they begin with.
const OPERATORS: [(&str, Operator); 7] = [
    ("===", Operator::Equal),
    ("==", Operator::Equal),
    ("!=", Operator::NotEqual),
    (">=", Operator::GreaterOrEqual),
    ("<=", Operator::LessOrEqual),
    (">", Operator::Greater),
    ("<", Operator::Less),
];

const AGGREGATES: [(&str, AggregateOf); 7] = [
    ("count", AggregateOf::Count),
    ("rate", AggregateOf::Rate),
    ("value", AggregateOf::Value),
    ("avg", AggregateOf::Avg),
    ("min", AggregateOf::Min),
    ("max", AggregateOf::Max),
    ("med", AggregateOf::Med),
];

impl Threshold {
    /// Reads a condition (`p(95)<200`) on what `selector` (`metric` or `metric{tag:value,…}`) chooses. It does not
    /// abort the test.
    ///
    /// # Errors
    /// If one of the two cannot be read.
    pub fn parse(selector: &str, source: &str) -> Result<Self, ThresholdError> {
        let selector = selector::parse(selector)?;
        let mut cursor = Cursor { source, at: 0 };
        let (aggregate, operator, bound) = cursor.condition().map_err(|expected| {
            let column = source[..cursor.at].chars().count() + 1;
            ThresholdError::Expression {
                source_text: source.to_owned(),
                column,
                expected,
            }
        })?;
        Ok(Self {
            selector,
            source: source.to_owned(),
            aggregate,
            operator,
            bound,
            abort_on_fail: false,
            delay_abort_eval: Duration::ZERO,
        })
    }
}

/// How far a condition has been read, in bytes.
struct Cursor<'a> {
    source: &'a str,
    at: usize,
}

impl Cursor<'_> {
    fn condition(&mut self) -> Result<(AggregateOf, Operator, f64), &'static str> {
        let aggregate = self.aggregate()?;
        self.blanks();
        let operator = OPERATORS.into_iter().find(|(written, _)| self.skip(written));
        let (_, operator) = operator.ok_or("an operator (>, >=, <, <=, ==, ===, !=)")?;
        self.blanks();
        let bound = self.number()?;
        self.blanks();
        if self.rest().is_empty() {
            Ok((aggregate, operator, bound))
        } else {
            Err("nothing more")
        }
    }

    fn aggregate(&mut self) -> Result<AggregateOf, &'static str> {
        const EXPECTED: &str = "an aggregate (count, rate, value, avg, min, max, med, p(N))";
        self.blanks();
        if self.skip("p(") {
            self.blanks();
            let start = self.at;
            let percent = self.number()?;
            if !(0.0..=100.0).contains(&percent) {
                self.at = start;
                return Err("a percentile from 0 to 100");
            }
            self.blanks();
            return if self.skip(")") {
                Ok(AggregateOf::Percentile(percent))
            } else {
                Err("a closing parenthesis")
            };
        }
        let rest = self.rest();
        let word = &rest[..rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(rest.len())];
        let known = AGGREGATES.into_iter().find(|(written, _)| *written == word);
        let (written, aggregate) = known.ok_or(EXPECTED)?;
        self.at += written.len();
        Ok(aggregate)
    }

    fn number(&mut self) -> Result<f64, &'static str> {
        let rest = self.rest();
        // A sign is part of the number only in front and behind an `e`.
        let mut before = 'e';
        let end = rest.find(|c: char| {
            let part = c.is_ascii_digit()
                || matches!(c, '.' | 'e' | 'E')
                || (matches!(c, '+' | '-') && matches!(before, 'e' | 'E'));
            before = c;
            !part
        });
        let text = &rest[..end.unwrap_or(rest.len())];
        let number = text.parse().ok().filter(|number: &f64| number.is_finite());
        let number = number.ok_or("a number")?;
        self.at += text.len();
        Ok(number)
    }

    fn rest(&self) -> &str {
        &self.source[self.at..]
    }

    fn blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn skip(&mut self, written: &str) -> bool {
        let found = self.rest().starts_with(written);
        if found {
            self.at += written.len();
        }
        found
    }
}
