//! `[cache]` and `[feed]`.

use std::time::Duration;

use super::{Checker, DAY, HOUR, MILLISECOND};
use crate::checked::{Cache, Feed, L1, OnRingFailure};
use crate::document::KeyPath;
use crate::raw;

/// Largest capacity or body in bytes: 1 PiB, past any machine, yet safe to add up.
const BYTES_MAX: u64 = 1 << 50;

impl Checker<'_> {
    pub(super) fn cache(&mut self, raw: &raw::Cache) -> Option<Cache> {
        let at = KeyPath::of("cache");
        let max_body_bytes = self.size(&at.key("max_body"), &raw.max_body, 1..=BYTES_MAX);
        let fill_wait = self.duration(&at.key("fill_wait"), &raw.fill_wait, Duration::ZERO..=HOUR);
        let capacity_bytes = self.size(&at.key("l1").key("capacity"), &raw.l1.capacity, 0..=BYTES_MAX);
        let ring = raw.ring.as_ref().map(|ring| self.ring(ring));
        let ring = match ring {
            Some(ring) => Some(ring?),
            None => None,
        };
        let l1 = L1 {
            capacity_bytes: capacity_bytes?,
            hot_key_rate: raw.l1.hot_key_rate,
        };
        Some(Cache {
            l1,
            ring,
            max_body_bytes: max_body_bytes?,
            fill_wait: fill_wait?,
            refresh_ahead_percent: raw.refresh_ahead_percent,
            on_ring_failure: match raw.on_ring_failure {
                raw::OnRingFailure::Origin => OnRingFailure::Origin,
                raw::OnRingFailure::Stale => OnRingFailure::Stale,
                raw::OnRingFailure::Reject => OnRingFailure::Reject,
            },
        })
    }

    pub(super) fn feed(&mut self, raw: &raw::Feed) -> Option<Feed> {
        let at = KeyPath::of("feed");
        let path = self.request_path(&at.key("path"), &raw.path);
        let max_silence = self.duration(&at.key("max_silence"), &raw.max_silence, MILLISECOND * 100..=DAY);
        match raw.kind {
            raw::FeedKind::None => Some(Feed::None),
            raw::FeedKind::Origin => Some(Feed::Origin {
                path: path?,
                max_silence: max_silence?,
            }),
        }
    }
}
