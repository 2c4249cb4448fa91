//! Made-up candidates.

use super::prose;
use super::random::Random;
use super::words::{COMPANIES, DOINGS, FAMILY_NAMES, GIVEN_NAMES, LEVELS, PLACES, RESULTS, ROLES};
use crate::model::{Employment, Profile};

/// Months since year 0 at which the newest posts begin at the latest: 2024-12.
const LATEST_MONTH: u32 = 2024 * 12 + 11;

/// The candidate number `i`.
pub(super) fn make(random: &mut Random, i: u32) -> Profile {
    let (given, family) = (random.pick(&GIVEN_NAMES), random.pick(&FAMILY_NAMES));
    let (role, role_skills) = random.pick(&ROLES);
    let (location, currency) = random.pick(&PLACES);
    let level = random.pick(&LEVELS);
    let posts = random.between(1, 5);
    let companies = random.pick_some(&COMPANIES, posts);
    let wanted = random.between(3, 7);
    let skills = random.pick_some(role_skills, wanted);
    Profile {
        name: format!("{given} {family}"),
        email: Some(format!("{given}.{family}.{}@example.com", i + 1).to_lowercase()),
        headline: format!("{level} {role}, {}", random.pick(&DOINGS)),
        location: location.to_owned(),
        salary_expectation: Some(random.between(35, 190) * 1_000),
        currency: Some(currency.to_owned()),
        employment: employment(random, role, &companies),
        summary: prose::career(random, role, &companies),
        skills: skills.into_iter().map(str::to_owned).collect(),
    }
}

/// One post after the other, newest first; some still last.
fn employment(random: &mut Random, role: &str, companies: &[&str]) -> Vec<Employment> {
    let mut end = LATEST_MONTH - random.between(0, 12);
    let mut ongoing = !random.one_in(4);
    let post = |company: &&str| {
        let start = end - random.between(9, 60);
        let result = random.pick(&RESULTS);
        let post = Employment {
            company: (*company).to_owned(),
            title: format!("{} {role}", random.pick(&LEVELS)),
            start: month(start),
            end: (!ongoing).then(|| month(end)),
            summary: format!("{}{}.", result[..1].to_uppercase(), &result[1..]),
        };
        ongoing = false;
        end = start - random.between(0, 6);
        post
    };
    companies.iter().map(post).collect()
}

fn month(months: u32) -> String {
    format!("{:04}-{:02}", months / 12, months % 12 + 1)
}
