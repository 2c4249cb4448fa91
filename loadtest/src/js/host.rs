//! One virtual user, as its native functions see it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use crate::http::{Client, CookieJar};
use crate::metrics::{MetricId, Tags};
use crate::options::SummaryMode;
use crate::run::{ScenarioState, Shard, Test};

use super::circumstances::Circumstances;
use super::event_loop::EventLoop;
use super::fiber::Suspender;
use super::modules::Requests;
use super::rejections::Rejections;
use super::script::Script;

/// Which of the script's functions runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The module itself.
    Init,
    /// `setup`.
    Setup,
    /// A scenario's function.
    Iteration,
    /// `teardown`.
    Teardown,
    /// `handleSummary`.
    Summary,
}

/// Which iteration runs.
#[derive(Debug, Clone)]
pub struct Iteration {
    /// Of which scenario.
    pub scenario: Arc<ScenarioState>,
    /// Its number in the scenario, from 0, over all threads.
    pub in_test: u64,
    /// When it should have started, for executors that say so.
    pub intended: Option<Instant>,
}

/// What a virtual user has while a test runs; none of it while only options are read.
pub(super) struct Live {
    /// Its thread.
    pub(super) shard: Rc<Shard>,
    /// Its connections.
    pub(super) client: Client,
    /// Its cookies.
    pub(super) jar: Rc<RefCell<CookieJar>>,
}

/// A virtual user.
pub(super) struct Host {
    /// The test's files.
    pub(super) script: Arc<Script>,
    /// What makes it wait.
    pub(super) suspender: Rc<Suspender>,
    /// `None` while only options are read.
    pub(super) live: Option<Live>,
    /// `__VU`; 0 while only options are read, and in `setup`, `teardown` and `handleSummary`.
    pub(super) id: u32,
    /// What runs.
    pub(super) phase: Cell<Phase>,
    /// `None` outside iterations.
    pub(super) iteration: RefCell<Option<Iteration>>,
    /// Iterations it has started, in all.
    pub(super) iterations: Cell<u64>,
    /// Iterations it has started in its scenario.
    pub(super) in_scenario: Cell<u64>,
    /// Tags.
    pub(super) circumstances: RefCell<Circumstances>,
    /// What a promise may wait for.
    pub(super) events: EventLoop,
    /// Errors that nothing in the script has handled yet.
    pub(super) rejections: Rejections,
    /// What its requests have in common.
    pub(super) requests: Requests,
    /// Bytes of this iteration, sent and received.
    pub(super) data: Cell<(u64, u64)>,
}

impl Live {
    /// Milliseconds since the test's start.
    #[must_use]
    pub(super) fn now_ms(&self) -> f64 {
        self.shard
            .test
            .started()
            .map_or(0.0, |started| started.elapsed().as_secs_f64() * 1e3)
    }
}

impl Host {
    /// The thread and the connections.
    ///
    /// # Errors
    /// A sentence that says that init code has none.
    pub(super) fn live(&self) -> Result<&Live, String> {
        match (&self.live, self.phase.get()) {
            (Some(live), phase) if phase != Phase::Init => Ok(live),
            _ => Err(
                "requests cannot be made in init code: make them in setup() or in a scenario's function"
                    .to_owned(),
            ),
        }
    }

    /// The test, if it is more than its options.
    #[must_use]
    pub(super) fn test(&self) -> Option<&Arc<Test>> {
        self.live.as_ref().map(|live| &live.shard.test)
    }

    /// Begins a group in the one that is there.
    pub(super) fn enter_group(&self, live: &Live, name: &str) {
        let mut circumstances = self.circumstances.borrow_mut();
        let new = circumstances.enter_group(name);
        let path = circumstances.group();
        if new && live.shard.test.options.summary_mode == SummaryMode::Full {
            self.script.registry.select_all("group", &path);
        }
        live.shard.aggregate.lock().group(&path);
    }

    /// Takes one value in, with the tags of this moment.
    pub(super) fn record(&self, metric: MetricId, value: f64, tags: &Tags) {
        if let Some(live) = &self.live {
            live.shard.record(metric, value, tags);
        }
    }

    /// The tags of this moment.
    #[must_use]
    pub(super) fn tags(&self) -> Tags {
        self.circumstances.borrow_mut().plain()
    }
}
