//! Floors: the newest invalidation known for each tag, and whether an entry is at or above all of its own.
//!
//! Validity is proven on read (DESIGN section 6). An entry carries the position of the data it was made from; a floor
//! is the position of the last change to a tag. Late fills, lagging replicas and ring nodes that come back with old
//! contents are therefore recognised when they are read, and no delete has to win a race.
//!
//! Origins that tell no positions are served by the receipt time of the proxy instead.

use std::collections::HashMap;

use twox_hash::XxHash3_64;

use crate::clock::UnixMillis;
use crate::position::Position;

/// Most floors kept apart; beyond it one coarser floor rises for all (invalidate too much, never too little).
const FLOORS_MAX: usize = 1 << 20;

/// Hash of a tag. A collision invalidates one entry too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TagHash(u64);

impl TagHash {
    pub(crate) fn of_tag(tag: &str) -> Self {
        Self(XxHash3_64::oneshot(tag.as_bytes()))
    }

    /// Every entry carries its own URL as a tag, in a space that no origin's tag can name.
    pub(crate) fn of_url(key: &str) -> Self {
        Self(XxHash3_64::oneshot_with_seed(1, key.as_bytes()))
    }
}

/// A change to what a tag names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Invalidation {
    /// Position of the change, where the origin tells positions.
    pub(crate) position: Option<Position>,
    /// When this proxy heard of it.
    pub(crate) heard_at: UnixMillis,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Floor {
    /// Entries with a position have to reach this one.
    position: Position,
    /// Entries without a position have to have been asked for after this time.
    unpositioned: UnixMillis,
    /// All entries have to have been asked for after this time: a change came without a position.
    all: UnixMillis,
    /// When the floor last rose.
    raised_at: UnixMillis,
    /// The epoch that its last rise began, where that is of interest.
    epoch: u64,
}

impl Floor {
    fn raise(&mut self, by: Invalidation) {
        match by.position {
            Some(position) => {
                self.position = self.position.max(position);
                self.unpositioned = self.unpositioned.max(by.heard_at);
            }
            None => self.all = self.all.max(by.heard_at),
        }
        self.raised_at = self.raised_at.max(by.heard_at);
    }

    fn merge(&mut self, other: &Self) {
        self.position = self.position.max(other.position);
        self.unpositioned = self.unpositioned.max(other.unpositioned);
        self.all = self.all.max(other.all);
        self.raised_at = self.raised_at.max(other.raised_at);
        self.epoch = self.epoch.max(other.epoch);
    }

    /// At equal times the change wins: the clock is too coarse to tell which came first.
    fn admits(&self, position: Option<Position>, requested_at: UnixMillis) -> bool {
        let after = |time: UnixMillis| time == UnixMillis::default() || requested_at > time;
        let by_position = match position {
            Some(position) => position >= self.position,
            None => after(self.unpositioned),
        };
        by_position && after(self.all)
    }
}

/// All floors of one proxy.
#[derive(Debug, Default)]
pub(crate) struct Floors {
    tags: HashMap<TagHash, Floor>,
    global: Floor,
}

impl Floors {
    /// Raises the floor of one tag.
    pub(crate) fn raise(&mut self, tag: TagHash, by: Invalidation) {
        if self.tags.len() >= FLOORS_MAX && !self.tags.contains_key(&tag) {
            let all = std::mem::take(&mut self.tags);
            all.values().for_each(|floor| self.global.merge(floor));
        }
        self.tags.entry(tag).or_default().raise(by);
    }

    /// Notes the epoch that the last rise of a tag's floor has begun.
    pub(crate) fn stamp(&mut self, tag: TagHash, epoch: u64) {
        if let Some(floor) = self.tags.get_mut(&tag) {
            floor.epoch = epoch;
        }
    }

    /// Whether the floors of these tags have not risen since that epoch began.
    pub(crate) fn unmoved_since(&self, tags: &[TagHash], epoch: u64) -> bool {
        tags.iter()
            .all(|tag| self.tags.get(tag).is_some_and(|floor| floor.epoch == epoch))
    }

    /// Raises the floor of everything.
    pub(crate) fn raise_global(&mut self, by: Invalidation) {
        self.global.raise(by);
    }

    /// Whether an entry with these tags, made from data at `position` that was asked for at `requested_at`, may be used.
    pub(crate) fn admit(
        &self,
        mut tags: impl Iterator<Item = TagHash>,
        position: Option<Position>,
        requested_at: UnixMillis,
    ) -> bool {
        let admits = |floor: &Floor| floor.admits(position, requested_at);
        admits(&self.global) && tags.all(|tag| self.tags.get(&tag).is_none_or(admits))
    }

    /// The lowest position that an answer with these tags has to have; `None` when any will do.
    pub(crate) fn min_position(&self, tags: impl Iterator<Item = TagHash>) -> Option<Position> {
        let floors = tags
            .filter_map(|tag| self.tags.get(&tag))
            .map(|floor| floor.position);
        let highest = floors.fold(self.global.position, Position::max);
        (highest > Position::default()).then_some(highest)
    }

    /// Forgets the floors that last rose before `limit`: no entry that old can still be stored.
    pub(crate) fn forget_before(&mut self, limit: UnixMillis) {
        self.tags.retain(|_, floor| floor.raised_at >= limit);
    }

    /// How many tags have a floor.
    pub(crate) fn len(&self) -> usize {
        self.tags.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TAG: TagHash = TagHash(7);

    fn at(offset: u64) -> Option<Position> {
        Some(Position { timeline: 0, offset })
    }

    fn change(position: Option<Position>, heard_ms: u64) -> Invalidation {
        Invalidation {
            position,
            heard_at: UnixMillis(heard_ms),
        }
    }

    fn admits(floors: &Floors, position: Option<Position>, requested_ms: u64) -> bool {
        floors.admit([TAG].into_iter(), position, UnixMillis(requested_ms))
    }

    #[test]
    fn an_entry_has_to_reach_the_position_of_the_last_change() {
        let mut floors = Floors::default();
        assert!(admits(&floors, at(0), 1));
        floors.raise(TAG, change(at(5), 100));
        assert!(!admits(&floors, at(4), 200));
        assert!(
            admits(&floors, at(5), 50),
            "data that holds the change is good, whenever it was asked for"
        );
        floors.raise(TAG, change(at(3), 100));
        assert!(admits(&floors, at(5), 50), "floors only rise");
    }

    #[test]
    fn without_positions_time_decides() {
        let mut floors = Floors::default();
        floors.raise(TAG, change(at(5), 100));
        assert!(!admits(&floors, None, 100));
        assert!(admits(&floors, None, 101));
        floors.raise(TAG, change(None, 300));
        assert!(
            !admits(&floors, at(9), 300),
            "a change without a position bars every earlier entry"
        );
        assert!(admits(&floors, at(9), 301));
    }

    #[test]
    fn the_global_floor_counts_for_all() {
        let mut floors = Floors::default();
        floors.raise_global(change(at(5), 100));
        assert!(!floors.admit(std::iter::empty(), at(4), UnixMillis(1)));
        assert_eq!(floors.min_position(std::iter::empty()), at(5));
    }

    #[test]
    fn a_miss_asks_for_the_highest_floor() {
        let mut floors = Floors::default();
        assert_eq!(floors.min_position([TAG].into_iter()), None);
        floors.raise(TAG, change(at(5), 1));
        floors.raise(TagHash(8), change(at(9), 1));
        assert_eq!(floors.min_position([TAG, TagHash(8)].into_iter()), at(9));
    }

    #[test]
    fn old_floors_go() {
        let mut floors = Floors::default();
        floors.raise(TAG, change(at(5), 100));
        floors.forget_before(UnixMillis(100));
        assert_eq!(floors.len(), 1);
        floors.forget_before(UnixMillis(101));
        assert_eq!(floors.len(), 0);
    }

    proptest! {
        #[test]
        fn nothing_older_than_any_heard_change_is_admitted(
            changes in prop::collection::vec((0_u64..50, 0_u64..50), 1..20), offset in 0_u64..50,
        ) {
            let mut floors = Floors::default();
            for (position, heard) in &changes {
                floors.raise(TAG, change(at(*position), *heard));
            }
            let newest = changes.iter().map(|(position, _)| *position).max().unwrap();
            prop_assert_eq!(admits(&floors, at(offset), 0), offset >= newest);
        }
    }
}
