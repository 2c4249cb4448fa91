//! Checks on field values, each adding to one list so that a client hears of every mistake at once.

use serde::Serialize;

/// One field at fault, as a problem answer lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct FieldError {
    /// Path of the field, such as `employment[2].title`, or the name of a query parameter or header field.
    pub(crate) field: String,
    /// What is wrong and what to write instead.
    pub(crate) detail: String,
}

/// Collects what is wrong with one object.
#[derive(Debug, Default)]
pub(super) struct Check {
    errors: Vec<FieldError>,
}

impl Check {
    pub(super) fn into_errors(self) -> Vec<FieldError> {
        self.errors
    }

    pub(super) fn fault(&mut self, field: impl Into<String>, detail: impl Into<String>) {
        self.errors.push(FieldError {
            field: field.into(),
            detail: detail.into(),
        });
    }

    /// Present, not blank, and short enough.
    pub(super) fn required(&mut self, field: &str, text: &str, chars_max: usize) {
        if text.trim().is_empty() {
            self.fault(field, "must be given and not be blank");
        }
        self.at_most(field, text, chars_max);
    }

    pub(super) fn at_most(&mut self, field: &str, text: &str, chars_max: usize) {
        if text.chars().count() > chars_max {
            self.fault(field, format!("must be at most {chars_max} characters long"));
        }
        if text
            .chars()
            .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
        {
            self.fault(field, "must not contain control characters");
        }
    }

    pub(super) fn skills(&mut self, skills: &[String]) {
        const SKILLS_MAX: usize = 64;
        if skills.len() > SKILLS_MAX {
            return self.fault("skills", format!("must list at most {SKILLS_MAX} skills"));
        }
        for (i, skill) in skills.iter().enumerate() {
            self.required(&format!("skills[{i}]"), skill, 64);
        }
    }

    /// ISO 4217: three capital letters.
    pub(super) fn currency(&mut self, field: &str, code: Option<&str>) {
        let fits = |code: &str| code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase());
        if code.is_some_and(|code| !fits(code)) {
            self.fault(field, "must be a three-letter ISO 4217 code such as EUR");
        }
    }

    /// `YYYY-MM`; such months compare as text.
    pub(super) fn month(&mut self, field: &str, month: &str) {
        let fits = matches!(month.as_bytes(), [y @ .., b'-', m1, m2]
            if y.len() == 4 && y.iter().all(u8::is_ascii_digit)
            && matches!((m1, m2), (b'0', b'1'..=b'9') | (b'1', b'0'..=b'2')));
        if !fits {
            self.fault(field, "must be a month written YYYY-MM");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months() {
        for (text, good) in [
            ("2024-01", true),
            ("2024-12", true),
            ("2024-13", false),
            ("2024-00", false),
            ("24-01", false),
            ("", false),
        ] {
            let mut check = Check::default();
            check.month("start", text);
            assert_eq!(check.into_errors().is_empty(), good, "{text}");
        }
    }

    #[test]
    fn blank_and_overlong_are_both_named() {
        let mut check = Check::default();
        check.required("name", "  ", 10);
        check.required("title", "12345678901", 10);
        let fields: Vec<_> = check.into_errors().into_iter().map(|e| e.field).collect();
        assert_eq!(fields, ["name", "title"]);
    }
}
