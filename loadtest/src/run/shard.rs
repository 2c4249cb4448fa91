//! What the virtual users of one thread share.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

use crate::http::Network;
use crate::metrics::{Aggregate, MetricId, Tags};

use super::Test;

/// One thread's part of a test.
pub struct Shard {
    /// The whole.
    pub test: Arc<Test>,
    /// What this thread measured; the collector takes it every second.
    pub aggregate: Arc<Mutex<Aggregate>>,
    /// How its virtual users reach servers.
    pub network: Rc<Network>,
}

impl Shard {
    /// Takes one value in.
    pub fn record(&self, metric: MetricId, value: f64, tags: &Tags) {
        self.aggregate.lock().record(metric, value, unix_ns(), tags);
    }
}

/// Now, in nanoseconds since the Unix epoch.
#[must_use]
pub fn unix_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
