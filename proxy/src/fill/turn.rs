//! Whose turn it is in the region: one proxy fills a key, the others wait for what it stores.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::Job;
use crate::cache::entry::{Entry, Kind};
use crate::cache::ring::{Held, Lease, Mark, Ring, RingError, Turn};
use crate::clock::UnixMillis;
use crate::key::{self, KeyHash};
use crate::metrics::LeaseResult;
use crate::policy::freshness;
use crate::region_tier::believed;
use crate::request::Headers;

/// First wait for another proxy's fill; further ones grow.
const PAUSE_MIN: Duration = Duration::from_millis(4);
const PAUSE_MAX: Duration = Duration::from_millis(64);

/// How a fill goes on.
pub(super) enum Course {
    /// Another proxy has filled the key.
    Filled(Arc<Entry>),
    /// To an origin.
    Fetch(Share),
}

/// What of a fill goes to the ring.
pub(super) enum Share {
    /// What it stores: nobody else is known to fill the key.
    All,
    /// What it stores, as long as the lease is good.
    Leased { lease: Lease, used: AtomicBool },
    /// Nothing: somebody else fills the key, however long they take.
    Nothing,
}

impl Share {
    fn leased(lease: Lease) -> Self {
        Self::Leased {
            lease,
            used: AtomicBool::new(false),
        }
    }

    pub(super) fn lease(&self) -> Option<&Lease> {
        match self {
            Self::Leased { lease, .. } => Some(lease),
            Self::All | Self::Nothing => None,
        }
    }

    /// A lease is good for one store.
    pub(super) fn note_use(&self, has_been: bool) {
        if let Self::Leased { used, .. } = self {
            used.fetch_or(has_been, Ordering::Relaxed);
        }
    }

    /// The lease, if nothing was stored under it.
    pub(super) fn unused(self) -> Option<Lease> {
        match self {
            Self::Leased { lease, used } if !used.load(Ordering::Relaxed) => Some(lease),
            _ => None,
        }
    }
}

/// What is known of a key after the ring was asked once.
enum Word {
    /// The fill's course is clear.
    Settled(Course),
    /// Somebody else is at it.
    Wait(Mark),
    /// The key has variants, and this is the one to ask for.
    Variant(KeyHash),
}

impl Job {
    /// Takes the region's lease on the key, or waits for the proxy that has it.
    pub(super) async fn course(&self) -> Course {
        let ring = self.keeper.proxy.ring.load_full();
        let Some(ring) = ring.filter(|_| self.listed) else {
            return Course::Fetch(Share::All);
        };
        let course = self.course_by(&ring).await.unwrap_or_else(|error| {
            tracing::debug!(%error, "no lease");
            self.count(LeaseResult::Error);
            Course::Fetch(Share::All)
        });
        if let Course::Filled(_) = &course {
            self.count(LeaseResult::Filled);
        }
        course
    }

    async fn course_by(&self, ring: &Ring) -> Result<Course, RingError> {
        let deadline = Instant::now() + ring.config().lease_wait;
        let mut hash = self.keeper.hash;
        let mut pauses = Pauses::new(hash);
        let mut waited_for = None;
        loop {
            let mark = match self.word(ring, hash).await? {
                Word::Settled(course) => return Ok(course),
                Word::Variant(variant) => {
                    hash = variant;
                    waited_for = None;
                    continue;
                }
                Word::Wait(mark) => mark,
            };
            let waited_for = *waited_for.get_or_insert(mark.version());
            let left = deadline.saturating_duration_since(Instant::now());
            if !left.is_zero() {
                tokio::time::sleep(pauses.next().min(left)).await;
                continue;
            }
            // who has the lease may have crashed: one of those who wait takes over. Who has it since has only just begun.
            if mark.version() == waited_for
                && ring.replace_holder(&mark).await?
                && let Word::Settled(course) = self.word(ring, hash).await?
            {
                self.count(LeaseResult::Replaced);
                return Ok(course);
            }
            self.count(LeaseResult::GivenUp);
            return Ok(Course::Fetch(Share::Nothing));
        }
    }

    async fn word(&self, ring: &Ring, hash: KeyHash) -> Result<Word, RingError> {
        Ok(match ring.turn(hash).await? {
            Turn::Mine(lease) => self.won(lease),
            Turn::Taken(mark, held) => match held.and_then(|held| self.adopted(hash, held)) {
                Some(adopted) => adopted,
                None => Word::Wait(mark),
            },
            Turn::Stands(standing, held) => match self.adopted(hash, held) {
                Some(adopted) => adopted,
                None => match ring.renew(standing).await? {
                    Turn::Mine(lease) => self.won(lease),
                    Turn::Taken(mark, _) => Word::Wait(mark),
                    Turn::Stands(..) | Turn::Unknown => Word::Settled(Course::Fetch(Share::All)),
                },
            },
            Turn::Unknown => Word::Settled(Course::Fetch(Share::All)),
        })
    }

    fn won(&self, lease: Lease) -> Word {
        self.count(LeaseResult::Won);
        Word::Settled(Course::Fetch(Share::leased(lease)))
    }

    /// What the ring holds by now, if it is what this fill is for.
    fn adopted(&self, hash: KeyHash, held: Held) -> Option<Word> {
        let entry = believed(held)?;
        if entry.key() != self.keeper.key.as_bytes() {
            return None;
        }
        if entry.kind() == Kind::VaryMarker {
            let names: Vec<String> = entry.vary().map(|(name, _)| name.to_owned()).collect();
            let selecting = self.keeper.selecting(&names);
            let values = selecting.iter().map(|(_, value)| value.as_deref());
            let variant = key::variant_hash(self.keeper.primary, values);
            return (hash == self.keeper.primary && variant != hash).then_some(Word::Variant(variant));
        }
        self.is_wanted(&entry).then(|| {
            self.keeper.proxy.keep(hash, &entry);
            Word::Settled(Course::Filled(entry))
        })
    }

    fn is_wanted(&self, entry: &Entry) -> bool {
        let proxy = &self.keeper.proxy;
        let route = &self.keeper.route.route;
        let freshness = freshness::judge(&entry.facts(), entry.receipt(), route, UnixMillis::now());
        let received_at = |entry: &Entry| entry.receipt().received_at;
        let newer = self
            .held
            .as_deref()
            .is_none_or(|held| received_at(entry) > received_at(held));
        newer
            && entry.status() != 206
            && Headers::Map(&self.keeper.client_headers).select(entry.vary())
            && proxy.coherence.is_current()
            && proxy.coherence.admits(entry)
            && self.wanted.allows(&freshness)
            && freshness.is_fresh()
            && !freshness.is_ending(proxy.config.cache.refresh_ahead_percent)
    }

    fn count(&self, result: LeaseResult) {
        self.keeper.proxy.metrics.ring.lease(result).inc();
    }
}

/// Waits that grow, each a little different from those of others who wait.
struct Pauses {
    base: Duration,
    seed: u64,
}

impl Pauses {
    fn new(hash: KeyHash) -> Self {
        use std::hash::{BuildHasher, RandomState};
        Self {
            base: PAUSE_MIN,
            seed: RandomState::new().hash_one(hash),
        }
    }

    /// Half to one and a half times the base, which grows by half.
    fn next(&mut self) -> Duration {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let thousandths = 500 + u32::try_from((self.seed >> 33) % 1000).unwrap_or_default();
        let pause = self.base * thousandths / 1000;
        self.base = (self.base * 3 / 2).min(PAUSE_MAX);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_within_bounds_and_differ() {
        let mut one = Pauses::new(1);
        let mut other = Pauses::new(1);
        let pairs: Vec<_> = (0..40).map(|_| (one.next(), other.next())).collect();
        assert!(
            pairs
                .iter()
                .all(|(pause, _)| (PAUSE_MIN / 2..=PAUSE_MAX * 3 / 2).contains(pause))
        );
        assert!(
            pairs.iter().any(|(one, other)| one != other),
            "nobody would take turns"
        );
        assert!(pairs[20..].iter().all(|(pause, _)| *pause >= PAUSE_MAX / 2));
    }
}
