//! Made-up offers.

use super::prose;
use super::random::Random;
use super::words::{COMPANIES, LEVELS, PLACES, ROLES};
use crate::model::{EmploymentType, Job};

/// The offer number `i`.
pub(super) fn make(random: &mut Random, i: u32) -> Job {
    use EmploymentType::{Contract, FullTime, Internship, PartTime};
    let (role, role_skills) = random.pick(&ROLES);
    let (location, currency) = random.pick(&PLACES);
    let company = random.pick(&COMPANIES);
    let wanted = random.between(2, 6);
    let skills = random.pick_some(role_skills, wanted);
    let salary_min = random.between(35, 160) * 1_000;
    Job {
        title: format!("{} {role}", random.pick(&LEVELS)),
        reference: Some(format!("REQ-{:06}", i + 1)),
        company: company.to_owned(),
        location: location.to_owned(),
        remote: random.one_in(3),
        employment_type: random.pick(&[FullTime, FullTime, FullTime, PartTime, Contract, Internship]),
        salary_min: Some(salary_min),
        salary_max: Some(salary_min + random.between(5, 60) * 1_000),
        currency: Some(currency.to_owned()),
        description: prose::offer(random, role, company, &skills),
        skills: skills.into_iter().map(str::to_owned).collect(),
    }
}
