//! A job offer.

use serde::{Deserialize, Serialize};

use super::check::{Check, FieldError};
use super::{Facts, Kind, Resource, folded};

/// An offer as clients write it. Only `title` is required.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Job {
    pub(crate) title: String,
    /// The employer's own number for the post; unique among jobs, whatever its case.
    pub(crate) reference: Option<String>,
    pub(crate) company: String,
    pub(crate) location: String,
    pub(crate) remote: bool,
    pub(crate) employment_type: EmploymentType,
    pub(crate) skills: Vec<String>,
    /// Per year, in `currency`.
    pub(crate) salary_min: Option<u32>,
    /// Per year, in `currency`; the `min_salary` filter looks at this, else at `salary_min`.
    pub(crate) salary_max: Option<u32>,
    pub(crate) currency: Option<String>,
    pub(crate) description: String,
}

/// How the post is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EmploymentType {
    #[default]
    FullTime,
    PartTime,
    Contract,
    Internship,
}

impl Resource for Job {
    const KIND: Kind = Kind::Job;
    const READ_ONLY: &'static [&'static str] = &["id", "version", "created_at", "updated_at"];

    fn check(&self) -> Vec<FieldError> {
        let mut check = Check::default();
        check.required("title", &self.title, 200);
        if let Some(reference) = &self.reference {
            check.required("reference", reference, 64);
        }
        check.at_most("company", &self.company, 200);
        check.at_most("location", &self.location, 200);
        check.skills(&self.skills);
        check.currency("currency", self.currency.as_deref());
        if let (Some(min), Some(max)) = (self.salary_min, self.salary_max)
            && max < min
        {
            check.fault("salary_max", "must not be below salary_min");
        }
        check.at_most("description", &self.description, 65_536);
        check.into_errors()
    }

    fn facts(&self) -> Facts {
        Facts {
            unique: self.reference.as_deref().map(folded),
            location: folded(&self.location),
            salary: self.salary_max.or(self.salary_min),
            skills: self.skills.iter().map(|skill| folded(skill)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_enough() {
        let job = Job {
            title: "Engineer".to_owned(),
            ..Job::default()
        };
        assert_eq!(job.check(), []);
    }

    #[test]
    fn a_salary_range_runs_upwards() {
        let job = Job {
            title: "Engineer".to_owned(),
            salary_min: Some(2),
            salary_max: Some(1),
            ..Job::default()
        };
        assert_eq!(job.check()[0].field, "salary_max");
    }
}
