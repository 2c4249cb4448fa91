//! Made-up data: plausible, and the same for the same seed on every machine.

mod job;
mod profile;
mod prose;
mod random;
mod words;

use std::fmt;

use crate::model::{Draft, Kind};
use crate::store::{SeedProgress, Store, StoreError};
use random::Random;

/// How much to make.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) profiles: u32,
    pub(crate) jobs: u32,
    pub(crate) seed: u64,
}

/// What was done, in a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Added { profiles: u32, jobs: u32 },
    AlreadySeeded(SeedProgress),
}

/// Records per transaction: long enough to be fast, short enough that a serving process can write in between.
const BATCH_RECORDS: u32 = 500;

/// The first record's creation time, 2024-01-01T00:00:00Z; the others follow.
const FIRST_CREATED_MS: i64 = 1_704_067_200_000;
const CREATED_EVERY_MS: i64 = 61_007;

/// Adds what is missing to a store that has not been seeded, or whose seeding with this very plan broke off.
pub(crate) async fn fill(store: &Store, plan: Plan) -> Result<Outcome, StoreError> {
    let mut added = (0, 0);
    let mut other = None;
    let fresh = SeedProgress {
        seed: plan.seed,
        profiles_planned: plan.profiles,
        jobs_planned: plan.jobs,
        profiles_done: 0,
        jobs_done: 0,
    };
    loop {
        let more = store.seed_batch(|found| {
            let progress = found.unwrap_or(fresh);
            let done = SeedProgress {
                profiles_done: 0,
                jobs_done: 0,
                ..progress
            };
            let (batch, after) = if done == fresh {
                batch(progress)
            } else {
                (Vec::new(), progress)
            };
            if batch.is_empty() && found.is_some() {
                other = found;
                return None;
            }
            added.0 += after.profiles_done - progress.profiles_done;
            added.1 += after.jobs_done - progress.jobs_done;
            Some((batch, after))
        });
        if !more.await? {
            break;
        }
    }
    Ok(match other {
        Some(progress) if added == (0, 0) => Outcome::AlreadySeeded(progress),
        _ => Outcome::Added {
            profiles: added.0,
            jobs: added.1,
        },
    })
}

/// The next records: profiles first, then jobs.
fn batch(progress: SeedProgress) -> (Vec<(Kind, Draft, i64)>, SeedProgress) {
    let profiles_end = (progress.profiles_done + BATCH_RECORDS).min(progress.profiles_planned);
    let left = BATCH_RECORDS - (profiles_end - progress.profiles_done);
    let jobs_end = (progress.jobs_done + left).min(progress.jobs_planned);
    let created = |i: u32| FIRST_CREATED_MS + i64::from(i) * CREATED_EVERY_MS;
    // Every record has a sequence of its own, so that it does not depend on how many came before it.
    let profiles = (progress.profiles_done..profiles_end).map(|i| {
        let profile = profile::make(&mut Random::new(progress.seed, 1, i), i);
        (Kind::Profile, Draft::of(&profile), created(i))
    });
    let jobs = (progress.jobs_done..jobs_end).map(|i| {
        let job = job::make(&mut Random::new(progress.seed, 2, i), i);
        (Kind::Job, Draft::of(&job), created(i))
    });
    let after = SeedProgress {
        profiles_done: profiles_end,
        jobs_done: jobs_end,
        ..progress
    };
    (profiles.chain(jobs).collect(), after)
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added { profiles, jobs } => write!(f, "added {profiles} profiles and {jobs} jobs"),
            Self::AlreadySeeded(found) => write!(
                f,
                "already seeded with --profiles {} --jobs {} --seed {}: nothing added",
                found.profiles_planned, found.jobs_planned, found.seed
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Job, Profile, Resource};

    fn all(seed: u64) -> Vec<(Kind, Draft, i64)> {
        let mut progress = SeedProgress {
            seed,
            profiles_planned: 600,
            jobs_planned: 600,
            ..SeedProgress::default()
        };
        let mut records = Vec::new();
        loop {
            let (some, after) = batch(progress);
            if some.is_empty() {
                return records;
            }
            records.extend(some);
            progress = after;
        }
    }

    #[tokio::test]
    async fn seeding_that_broke_off_is_finished() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("db")).await.unwrap();
        let plan = Plan {
            profiles: 600,
            jobs: 10,
            seed: 3,
        };
        let fresh = SeedProgress {
            seed: 3,
            profiles_planned: 600,
            jobs_planned: 10,
            ..SeedProgress::default()
        };
        assert!(
            store
                .seed_batch(|found| found.is_none().then(|| batch(fresh)))
                .await
                .unwrap()
        );
        let outcome = fill(&store, plan).await.unwrap();
        assert_eq!(
            outcome,
            Outcome::Added {
                profiles: 100,
                jobs: 10
            }
        );
        let done = SeedProgress {
            profiles_done: 600,
            jobs_done: 10,
            ..fresh
        };
        assert_eq!(fill(&store, plan).await.unwrap(), Outcome::AlreadySeeded(done));
        assert_eq!(store.position().await.unwrap(), 610);
    }

    #[test]
    fn one_seed_makes_one_set_of_records() {
        let bodies = |seed| {
            all(seed)
                .into_iter()
                .map(|(_, draft, _)| draft.body)
                .collect::<Vec<_>>()
        };
        assert_eq!(bodies(7), bodies(7));
        assert_ne!(bodies(7), bodies(8));
    }

    #[test]
    fn records_are_valid_unique_and_of_plausible_size() {
        let mut unique = std::collections::HashSet::new();
        for (kind, draft, _) in all(1) {
            let (errors, prose) = match kind {
                Kind::Profile => {
                    let profile: Profile = serde_json::from_str(&draft.body).unwrap();
                    (profile.check(), profile.summary)
                }
                Kind::Job => {
                    let job: Job = serde_json::from_str(&draft.body).unwrap();
                    (job.check(), job.description)
                }
            };
            assert_eq!(errors, [], "{}", draft.body);
            assert!((512..=8_192).contains(&prose.len()), "{} bytes", prose.len());
            assert!(unique.insert(draft.facts.unique.unwrap()));
        }
        assert_eq!(unique.len(), 1_200);
    }
}
