//! Refreshes that no client waits for: behind an answer that is stale, or before one that many read ends.

use std::sync::Arc;

use crate::coalesce::Joined;
use crate::fill::{Errand, Job};
use crate::lookup::{Found, Looked};
use crate::proxy::Proxy;
use crate::read::Read;

/// Reads in the last part of an answer's lifetime from which on its key counts as hot, and after which a refresh that came to
/// nothing is tried again.
const LATE_READS_MIN: u32 = 3;
const LATE_READS_AGAIN: u32 = 1024;

impl Proxy {
    /// Whether a key is so hot that its answer is refreshed before its end: nobody is to wait for it then.
    pub(crate) fn is_to_be_refreshed(&self, read: &Read<'_>, found: &Found) -> bool {
        let percent = self.config.cache.refresh_ahead_percent;
        if !found.freshness.is_ending(percent) || !read.is_shareable() {
            return false;
        }
        // again only after many more: an origin that fails is not asked all the time
        let reads = found.entry.read_late();
        reads == LATE_READS_MIN || reads.is_multiple_of(LATE_READS_AGAIN)
    }

    /// Starts a fill that nobody waits for.
    pub(crate) fn refresh(self: &Arc<Self>, read: &Read<'_>, looked: &Looked) {
        if let Joined::Leader(fill, _) =
            self.fills
                .join(looked.hash, |started| self.knows_changes(read, started), || None)
        {
            tokio::spawn(Job::new(self, read, looked, Errand::Whole, true).run(fill));
        }
    }
}
