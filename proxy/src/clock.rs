//! Time as the pure rooms see it: a number that the shell hands in.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct UnixMillis(pub(crate) u64);

impl UnixMillis {
    /// Reads the system clock. Only the shell calls this.
    pub(crate) fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    /// From whole seconds since the epoch.
    #[cfg(test)]
    pub(crate) fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Time from `earlier` to here; zero when the clock went backwards.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl From<SystemTime> for UnixMillis {
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}
