//! A candidate's profile.

use serde::{Deserialize, Serialize};

use super::check::{Check, FieldError};
use super::{Facts, Kind, Resource, folded};

/// A candidate as clients write it. Only `name` is required.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Profile {
    pub(crate) name: String,
    /// Unique among profiles, whatever its case.
    pub(crate) email: Option<String>,
    pub(crate) headline: String,
    pub(crate) location: String,
    pub(crate) skills: Vec<String>,
    /// Per year, in `currency`.
    pub(crate) salary_expectation: Option<u32>,
    pub(crate) currency: Option<String>,
    /// Newest first.
    pub(crate) employment: Vec<Employment>,
    pub(crate) summary: String,
}

/// One post that a candidate held.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Employment {
    pub(crate) company: String,
    pub(crate) title: String,
    /// `YYYY-MM`.
    pub(crate) start: String,
    /// `YYYY-MM`; none while it lasts.
    pub(crate) end: Option<String>,
    pub(crate) summary: String,
}

const EMPLOYMENT_MAX: usize = 100;

impl Resource for Profile {
    const KIND: Kind = Kind::Profile;
    const READ_ONLY: &'static [&'static str] = &["id", "version", "created_at", "updated_at", "resume"];

    fn check(&self) -> Vec<FieldError> {
        let mut check = Check::default();
        check.required("name", &self.name, 200);
        if let Some(email) = &self.email {
            check.at_most("email", email, 254);
            let parts = email.split_once('@');
            let plausible = parts.is_some_and(|(user, host)| !user.is_empty() && !host.is_empty());
            if !plausible || email.contains(char::is_whitespace) {
                check.fault("email", "must be an address such as ada@example.com");
            }
        }
        check.at_most("headline", &self.headline, 300);
        check.at_most("location", &self.location, 200);
        check.skills(&self.skills);
        check.currency("currency", self.currency.as_deref());
        check.at_most("summary", &self.summary, 65_536);
        if self.employment.len() > EMPLOYMENT_MAX {
            check.fault("employment", format!("must list at most {EMPLOYMENT_MAX} posts"));
        } else {
            for (i, post) in self.employment.iter().enumerate() {
                post.check(&mut check, i);
            }
        }
        check.into_errors()
    }

    fn facts(&self) -> Facts {
        Facts {
            unique: self.email.as_deref().map(folded),
            location: folded(&self.location),
            salary: self.salary_expectation,
            skills: self.skills.iter().map(|skill| folded(skill)).collect(),
        }
    }
}

impl Employment {
    fn check(&self, check: &mut Check, i: usize) {
        check.required(&format!("employment[{i}].company"), &self.company, 200);
        check.required(&format!("employment[{i}].title"), &self.title, 200);
        check.month(&format!("employment[{i}].start"), &self.start);
        if let Some(end) = &self.end {
            check.month(&format!("employment[{i}].end"), end);
            if *end < self.start {
                check.fault(format!("employment[{i}].end"), "must not be before start");
            }
        }
        check.at_most(&format!("employment[{i}].summary"), &self.summary, 8_192);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_enough() {
        let profile = Profile {
            name: "Ada".to_owned(),
            ..Profile::default()
        };
        assert_eq!(profile.check(), []);
    }

    #[test]
    fn every_fault_is_named() {
        let profile = Profile {
            email: Some("nobody".to_owned()),
            skills: vec!["rust".to_owned(), String::new()],
            currency: Some("eur".to_owned()),
            employment: vec![Employment {
                end: Some("2019-01".to_owned()),
                ..Employment::default()
            }],
            ..Profile::default()
        };
        let fields: Vec<_> = profile.check().into_iter().map(|e| e.field).collect();
        assert_eq!(
            fields,
            [
                "name",
                "email",
                "skills[1]",
                "currency",
                "employment[0].company",
                "employment[0].title",
                "employment[0].start"
            ]
        );
    }
}
