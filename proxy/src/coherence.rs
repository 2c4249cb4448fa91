//! What this proxy knows of changes: the floors, the epoch that moves with them, and whether the feed is heard.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::RwLock;
use proxima_config::checked::Feed;

use crate::cache::entry::Entry;
use crate::clock::UnixMillis;
use crate::floors::{Floors, Invalidation, TagHash};
use crate::position::Position;

/// An entry that was asked for longer ago than this is not used: its floors may have been dropped.
pub(crate) const ENTRY_AGE_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Floors outlive every entry that they may bar.
const FLOORS_KEPT_FOR: Duration = Duration::from_secs(31 * 24 * 60 * 60);

/// Shared by every request; a hit reads one atomic.
#[derive(Debug)]
pub(crate) struct Coherence {
    floors: RwLock<Floors>,
    /// Moves with every change of a floor. Starts at 1: an entry that was never checked says 0.
    epoch: AtomicU64,
    /// When the feed was last heard, in ms after `started`; 0 before the first floor snapshot is complete. By a clock that
    /// nobody sets back.
    heard_ms: AtomicU64,
    started: Instant,
    /// `None`: there is no feed to listen to.
    max_silence: Option<Duration>,
}

impl Coherence {
    pub(crate) fn new(feed: &Feed) -> Self {
        let max_silence = match feed {
            Feed::None => None,
            Feed::Origin { max_silence, .. } => Some(*max_silence),
        };
        Self {
            floors: RwLock::default(),
            epoch: AtomicU64::new(1),
            heard_ms: AtomicU64::new(0),
            started: Instant::now(),
            max_silence,
        }
    }

    /// Whether an entry is at or above the floor of each of its tags.
    pub(crate) fn admits(&self, entry: &Entry) -> bool {
        let epoch = self.epoch.load(Ordering::Acquire);
        if entry.checked_at(epoch) {
            return true;
        }
        let tags: Vec<_> = entry.floor_tags().collect(); // they take hashing, which is not for under the lock
        let good = self
            .floors
            .read()
            .admit(tags.into_iter(), entry.position(), entry.requested_at());
        if good {
            entry.mark_checked(epoch);
        }
        good
    }

    /// [`Self::admits`] for data that is not an entry (yet).
    pub(crate) fn admits_data(
        &self,
        tags: impl Iterator<Item = TagHash>,
        position: Option<Position>,
        requested_at: UnixMillis,
    ) -> bool {
        self.floors.read().admit(tags, position, requested_at)
    }

    /// Time since the start, by a clock that nobody sets back.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Whether changes made elsewhere are being heard of. While they are not, nothing stored counts as fresh.
    pub(crate) fn is_current(&self) -> bool {
        let Some(limit) = self.max_silence else {
            return true;
        };
        let heard_ms = self.heard_ms.load(Ordering::Relaxed);
        heard_ms > 0
            && self
                .started
                .elapsed()
                .saturating_sub(Duration::from_millis(heard_ms))
                <= limit
    }

    /// For how long nothing has been heard, `None` before the first word, and how long that may be. `None` without a feed.
    pub(crate) fn silence(&self) -> Option<(Option<Duration>, Duration)> {
        let limit = self.max_silence?;
        let heard_ms = self.heard_ms.load(Ordering::Relaxed);
        let since = self
            .started
            .elapsed()
            .saturating_sub(Duration::from_millis(heard_ms));
        Some(((heard_ms > 0).then_some(since), limit))
    }

    /// The feed said something (a heartbeat will do), after its snapshot was complete.
    pub(crate) fn feed_heard(&self) {
        let now_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.heard_ms.store(now_ms.max(1), Ordering::Relaxed);
    }

    /// Raises the floors of `tags`. Returns whether nothing else had changed since `asked_at`, and the epoch that begins.
    pub(crate) fn invalidate(&self, tags: &[TagHash], by: Invalidation, asked_at: UnixMillis) -> (bool, u64) {
        let mut floors = self.floors.write();
        let first = floors.admit(tags.iter().copied(), by.position, asked_at);
        tags.iter().for_each(|tag| floors.raise(*tag, by));
        let epoch = self.epoch.fetch_add(1, Ordering::AcqRel) + 1;
        tags.iter().for_each(|tag| floors.stamp(*tag, epoch));
        (first, epoch)
    }

    /// Whether none of these tags has changed since the epoch that the last change of all of them began.
    pub(crate) fn unmoved_since(&self, tags: &[TagHash], epoch: u64) -> bool {
        self.floors.read().unmoved_since(tags, epoch)
    }

    /// Raises the floor of everything: what was missed cannot be known.
    pub(crate) fn invalidate_all(&self, by: Invalidation) {
        let mut floors = self.floors.write();
        floors.raise_global(by);
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    /// The position that an answer for these tags has to have reached.
    pub(crate) fn min_position(&self, tags: impl Iterator<Item = TagHash>) -> Option<Position> {
        self.floors.read().min_position(tags)
    }

    /// Drops floors that no stored entry can be older than. Returns how many stay.
    pub(crate) fn tidy(&self, now: UnixMillis) -> usize {
        let kept_ms = u64::try_from(FLOORS_KEPT_FOR.as_millis()).unwrap_or(u64::MAX);
        let mut floors = self.floors.write();
        floors.forget_before(UnixMillis(now.0.saturating_sub(kept_ms)));
        floors.len()
    }
}
