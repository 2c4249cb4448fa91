//! What all threads of a running test share.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::js::Script;
use crate::options::{Options, Scenario};

/// Why a test ends before its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopReason {
    /// SIGINT or SIGTERM.
    Signal,
    /// `exec.test.abort()`, with what it was given.
    Aborted(String),
    /// A threshold with `abortOnFail` does not hold.
    Threshold(String),
    /// A virtual user panicked, which is a bug.
    Died,
}

/// A test with options.
#[derive(Debug)]
pub struct Test {
    /// Its files.
    pub script: Arc<Script>,
    /// How it runs.
    pub options: Arc<Options>,
    /// The same, for `exec.test.options` and `handleSummary`.
    pub options_json: serde_json::Value,
    /// In the order of the options.
    pub scenarios: Vec<Arc<ScenarioState>>,
    started: OnceLock<Instant>,
    stop: watch::Sender<Option<StopReason>>,
    /// Asked before every iteration, so it is kept apart from the reason's lock.
    is_stopped: AtomicBool,
    vus: AtomicU32,
    /// When the next request may go, for `rps`.
    next_request: Mutex<Option<Instant>>,
    failed: AtomicBool,
    exceptions: AtomicU64,
}

impl Test {
    /// A test that has not begun.
    #[must_use]
    pub fn new(script: Arc<Script>, options: Arc<Options>, options_json: serde_json::Value) -> Self {
        let scenarios = options
            .scenarios
            .iter()
            .map(|scenario| Arc::new(ScenarioState::new(scenario.clone())));
        Self {
            scenarios: scenarios.collect(),
            script,
            options_json,
            started: OnceLock::new(),
            stop: watch::Sender::new(None),
            is_stopped: AtomicBool::new(false),
            vus: AtomicU32::new(initial_vus(&options.scenarios)),
            next_request: Mutex::new(None),
            failed: AtomicBool::new(false),
            exceptions: AtomicU64::new(0),
            options,
        }
    }

    /// When the scenarios' clocks began; `None` before that.
    #[must_use]
    pub fn started(&self) -> Option<Instant> {
        self.started.get().copied()
    }

    /// Starts the scenarios' clocks at `at`, once.
    pub fn start(&self, at: Instant) {
        let _ = self.started.set(at);
    }

    /// Ends the test now; the first reason counts.
    pub fn stop(&self, reason: StopReason) {
        self.is_stopped.store(true, Ordering::Relaxed);
        self.stop.send_if_modified(|known| {
            let first = known.is_none();
            if first {
                *known = Some(reason);
            }
            first
        });
    }

    /// Why it was stopped, if it was.
    #[must_use]
    pub fn stop_reason(&self) -> Option<StopReason> {
        self.stop.borrow().clone()
    }

    /// Whether it was stopped.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    /// Whether it was stopped by the script.
    #[must_use]
    pub fn is_aborted(&self) -> bool {
        matches!(*self.stop.borrow(), Some(StopReason::Aborted(_)))
    }

    /// Ready as soon as it is stopped.
    pub async fn stopped(&self) {
        let mut stop = self.stop.subscribe();
        let _ = stop.wait_for(Option::is_some).await; // the sender is `self`, so it is there
    }

    /// The number of the first virtual user of scenario number `place`, from 1. Those that are there from the start have
    /// numbers by their places, whichever thread they are on.
    #[must_use]
    pub fn first_vu(&self, place: usize) -> u32 {
        initial_vus(&self.options.scenarios[..place]).saturating_add(1)
    }

    /// The number of a virtual user that is made while the test runs.
    pub fn next_vu(&self) -> u32 {
        self.vus.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// How many virtual users were made.
    #[must_use]
    pub fn vus(&self) -> u32 {
        self.vus.load(Ordering::Relaxed)
    }

    /// Takes the next place in the queue of requests that `rps` makes of all of them: when it is, if not now.
    #[must_use]
    pub fn queue_request(&self) -> Option<Instant> {
        let per_request = Duration::from_secs(1) / self.options.rps?.max(1);
        let now = Instant::now();
        let mut next = self.next_request.lock();
        let mine = next.unwrap_or(now).max(now);
        *next = Some(mine + per_request);
        (mine > now).then_some(mine)
    }

    /// Marks the test as failed, without ending it.
    pub fn fail(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }

    /// `exec.test.fail()` was called.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// Counts an exception that ended an iteration.
    pub fn count_exception(&self) {
        self.exceptions.fetch_add(1, Ordering::Relaxed);
    }

    /// How many exceptions ended iterations.
    #[must_use]
    pub fn exceptions(&self) -> u64 {
        self.exceptions.load(Ordering::Relaxed)
    }
}

fn initial_vus(scenarios: &[Scenario]) -> u32 {
    scenarios
        .iter()
        .map(|scenario| scenario.executor.initial_vus())
        .fold(0, u32::saturating_add)
}

/// How far a scenario is.
#[derive(Debug)]
pub struct ScenarioState {
    /// What it is.
    pub scenario: Arc<Scenario>,
    /// Iterations that were started.
    pub iterations: AtomicU64,
    /// Iterations that came to their end.
    pub completed: AtomicU64,
    /// Iterations that were cut short.
    pub interrupted: AtomicU64,
    /// Iterations that no virtual user was free for, or no time was left for.
    pub dropped: AtomicU64,
    /// Virtual users in an iteration.
    pub active: AtomicU32,
    /// Virtual users there are.
    pub vus: AtomicU32,
    /// Threads on which it is over.
    pub ended: AtomicU32,
}

impl ScenarioState {
    fn new(scenario: Scenario) -> Self {
        Self {
            scenario: Arc::new(scenario),
            iterations: AtomicU64::new(0),
            completed: AtomicU64::new(0),
            interrupted: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            active: AtomicU32::new(0),
            vus: AtomicU32::new(0),
            ended: AtomicU32::new(0),
        }
    }

    /// Since its own start; `None` before.
    #[must_use]
    pub fn elapsed(&self, test: &Test) -> Option<Duration> {
        let started = test.started()? + self.scenario.start_time;
        Instant::now().checked_duration_since(started)
    }
}
