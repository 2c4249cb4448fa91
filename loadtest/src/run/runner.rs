//! A test, from its set-up to its report.

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};

use crate::js::{Phase, ScriptError};
use crate::log::Level;
use crate::metrics::builtin;
use crate::options::Executor;
use crate::output::progress::Display;
use crate::output::raw::Output;
use crate::output::report::{Progress, Report};

use super::bottleneck::{self, Effort};
use super::collector::{Collected, Collector};
use super::pool::scenario_tags;
use super::threads::{Call, RunError, Thread};
use super::verdicts;
use super::{ScenarioState, StopReason, Test, unix_ns};

/// How often measurements are taken from the threads.
const COLLECT_EVERY: Duration = Duration::from_secs(1);

/// By how much virtual users go before the collector; on Linux this is a thread's own.
const SUMMING_UP_NICE: i32 = 10;

/// How a test is run, apart from its options.
pub struct Settings {
    /// Threads for virtual users, at least 1.
    pub threads: usize,
    /// Functions that the script exports.
    pub exports: Vec<String>,
    /// Where raw samples go.
    pub outputs: Vec<Box<dyn Output>>,
    /// What a person sees meanwhile.
    pub display: Arc<Display>,
    /// Whether standard output and standard error are terminals, for `handleSummary`.
    pub terminals: (bool, bool),
}

/// A test that is over.
pub struct Outcome {
    /// What it measured.
    pub report: Report,
    /// Thresholds that do not hold.
    pub broken: Vec<String>,
    /// What went wrong in `setup`, `teardown` or on this machine; the report is what there is all the same.
    pub error: Option<RunError>,
    /// What `handleSummary` returned, an object; `None` if there is none, or it failed, which the log tells.
    pub summary: Option<serde_json::Value>,
    /// An output of raw samples could not be written to the end, which the log tells.
    pub lost_samples: bool,
}

/// Runs `test`.
///
/// # Errors
/// If it could not begin: the script's init code threw something, or the machine does not give what is needed.
pub async fn run(test: &Arc<Test>, settings: Settings) -> Result<Outcome, RunError> {
    let Settings {
        threads: count,
        exports,
        outputs,
        display,
        terminals,
    } = settings;
    let threads = (0..count).map(|index| Thread::start(test, index, count, !outputs.is_empty()));
    let threads: Vec<Thread> = threads.collect::<Result<_, _>>()?;
    // What is left to this thread, summing up, can wait; iterations that are due on the same core cannot.
    let _ = rustix::process::nice(SUMMING_UP_NICE);
    let running = Running {
        test,
        threads,
        exports,
        display,
    };
    tokio::task::spawn_local(obey_signals(test.clone()));
    let preparing = futures_util::future::join_all(running.threads.iter().map(Thread::prepare));
    tokio::select! {
        prepared = preparing => prepared.into_iter().collect::<Result<(), _>>()?,
        () = test.stopped() => return Err(RunError::Stopped),
    }
    let sources = running
        .threads
        .iter()
        .map(|thread| thread.aggregate.clone())
        .collect();
    let collector = Collector::new(test.clone(), sources, outputs);
    let outcome = running.carry_out(collector, terminals).await;
    running.threads.into_iter().for_each(Thread::join);
    Ok(outcome)
}

/// The first signal ends the test, the second one the process.
async fn obey_signals(test: Arc<Test>) {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        test.script.log.line(
            Level::Warning,
            "signals cannot be caught here: stopping by one loses the summary",
        );
        return;
    };
    let mut received = async || {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    received().await;
    test.script.log.line(
        Level::Warning,
        "stopping; once more stops at once and loses the summary",
    );
    test.stop(StopReason::Signal);
    received().await;
    std::process::exit(super::EXIT_INTERRUPTED.into());
}

struct Running<'a> {
    test: &'a Arc<Test>,
    threads: Vec<Thread>,
    exports: Vec<String>,
    display: Arc<Display>,
}

impl Running<'_> {
    async fn carry_out(&self, mut collector: Collector, terminals: (bool, bool)) -> Outcome {
        let (test, options) = (self.test, &self.test.options);
        let mut error = None;
        let setup = self
            .call(
                Phase::Setup,
                "setup",
                None,
                (!options.no_setup).then_some(options.setup_timeout),
            )
            .await;
        let setup_data: Option<Arc<str>> = setup
            .unwrap_or_else(|problem| {
                error = Some(problem).filter(|_| !test.is_stopped()); // then it threw because of that
                None
            })
            .map(Into::into);
        let (started_unix_ns, cpu) = (unix_ns(), bottleneck::cpu_time());
        let mut busiest = Duration::ZERO;
        let began = Instant::now();
        if error.is_none() && !test.is_stopped() {
            test.start(began);
            match self.scenarios(&mut collector, began, setup_data.clone()).await {
                Ok(used) => busiest = used,
                Err(problem) => error = Some(problem),
            }
            self.count_unstarted();
        }
        let elapsed = began.elapsed();
        let effort = Effort {
            process: bottleneck::cpu_time() - cpu,
            busiest,
            threads: self.threads.len(),
            cores: std::thread::available_parallelism().map_or(1, NonZero::get),
        };
        if test.started().is_some() {
            let limit = (!options.no_teardown).then_some(options.teardown_timeout);
            let was_aborted = test.is_aborted();
            let torn_down = self
                .call(Phase::Teardown, "teardown", setup_data.clone(), limit)
                .await;
            let aborts = test.is_aborted() && !was_aborted; // by an exception, which is nobody's mistake
            error = error.or(torn_down.err().filter(|_| !aborts));
        }
        self.display.finish();
        let collected = collector.finish();
        let lost_samples = collected.lost_samples;
        let report = self.report(
            collected,
            (elapsed, started_unix_ns),
            effort,
            setup_data.as_deref(),
        );
        let summary = self
            .summarise(&report, terminals)
            .await
            .unwrap_or_else(|problem| {
                test.script.log.line(Level::Error, &problem.to_string());
                None // the usual summary takes its place
            });
        Outcome {
            broken: verdicts::broken(&report.metrics),
            report,
            error,
            summary,
            lost_samples,
        }
    }

    /// Calls an exported function, if there is one and `limit` says that it is to be called.
    async fn call(
        &self,
        phase: Phase,
        function: &'static str,
        argument: Option<Arc<str>>,
        limit: Option<Duration>,
    ) -> Result<Option<String>, RunError> {
        if limit.is_none() || !self.exports.iter().any(|export| export == function) {
            return Ok(None);
        }
        self.threads[0]
            .call(Call {
                phase,
                function,
                argument,
                limit,
            })
            .await
    }

    /// Runs all scenarios, and takes measurements meanwhile.
    async fn scenarios(
        &self,
        collector: &mut Collector,
        began: Instant,
        data: Option<Arc<str>>,
    ) -> Result<Duration, RunError> {
        let parts =
            futures_util::future::join_all(self.threads.iter().map(|thread| thread.run(began, data.clone())));
        let mut parts = std::pin::pin!(parts);
        let mut tick = tokio::time::interval_at((began + COLLECT_EVERY).into(), COLLECT_EVERY);
        loop {
            tokio::select! {
                ended = &mut parts => {
                    let used = ended.into_iter().collect::<Result<Vec<_>, _>>()?;
                    return Ok(used.into_iter().max().unwrap_or_default());
                }
                _ = tick.tick() => {
                    let live = collector.collect();
                    collector.judge();
                    self.display.update(&self.progress(), live);
                }
            }
        }
    }

    fn progress(&self) -> Vec<Progress> {
        self.test
            .scenarios
            .iter()
            .map(|state| progress(self.test, state, self.threads.len()))
            .collect()
    }

    /// Counts iterations that scenarios of a fixed number had no time for as dropped.
    fn count_unstarted(&self) {
        for state in &self.test.scenarios {
            let wanted = match &state.scenario.executor {
                Executor::SharedIterations { iterations, .. } => *iterations,
                Executor::PerVuIterations { vus, iterations, .. } => {
                    iterations.saturating_mul(u64::from(*vus))
                }
                _ => continue,
            };
            let left = wanted.saturating_sub(state.iterations.load(Ordering::Relaxed));
            if left > 0 {
                state.dropped.fetch_add(left, Ordering::Relaxed);
                let tags = scenario_tags(self.test, state);
                #[expect(clippy::cast_precision_loss, reason = "a count that somebody reads")]
                self.threads[0].aggregate.lock().record(
                    builtin::DROPPED_ITERATIONS,
                    left as f64,
                    unix_ns(),
                    &tags,
                );
            }
        }
    }

    fn report(
        &self,
        collected: Collected,
        when: (Duration, u64),
        effort: Effort,
        setup_data: Option<&str>,
    ) -> Report {
        let (test, (elapsed, started_unix_ns)) = (self.test, when);
        let Collected { whole, timeline, .. } = collected;
        let thresholds = if test.options.no_thresholds {
            &[][..]
        } else {
            &test.options.thresholds
        };
        Report {
            script: test
                .script
                .path
                .file_name()
                .map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
            duration: elapsed,
            started_unix_ns,
            metrics: verdicts::metrics(&whole, thresholds, elapsed),
            root_group: whole.groups().root().clone(),
            options: test.options.clone(),
            options_json: test.options_json.clone(),
            setup_data: setup_data
                .and_then(|json| serde_json::from_str(json).ok())
                .unwrap_or_default(),
            timeline,
            warnings: bottleneck::warnings(&whole, elapsed, effort),
        }
    }

    async fn summarise(
        &self,
        report: &Report,
        terminals: (bool, bool),
    ) -> Result<Option<serde_json::Value>, RunError> {
        let data = crate::output::handle_summary::data(report, terminals.0, terminals.1).to_string();
        let limit = Some(self.test.options.teardown_timeout);
        let exported = self.exports.iter().any(|export| export == "handleSummary");
        let returned = self
            .call(Phase::Summary, "handleSummary", Some(data.into()), limit)
            .await?;
        let returned = returned.and_then(|json| serde_json::from_str(&json).ok());
        let summary = returned.filter(serde_json::Value::is_object);
        if exported && summary.is_none() {
            return Err(RunError::Script(ScriptError {
                text: "handleSummary() returned no object of texts by file, stdout or stderr".to_owned(),
            }));
        }
        Ok(summary)
    }
}

fn progress(test: &Test, state: &ScenarioState, threads: usize) -> Progress {
    let elapsed = state.elapsed(test);
    let rate = crate::executor::Arrivals::of(&state.scenario.executor);
    let parts = super::scenario::parts(&state.scenario.executor, threads);
    Progress {
        scenario: state.scenario.clone(),
        vus: (
            state.active.load(Ordering::Relaxed),
            state.vus.load(Ordering::Relaxed),
        ),
        iterations: state.completed.load(Ordering::Relaxed),
        dropped: state.dropped.load(Ordering::Relaxed),
        rate: rate.map(|arrivals| arrivals.rate_at(elapsed.unwrap_or_default())),
        elapsed,
        ended: usize::try_from(state.ended.load(Ordering::Relaxed)).is_ok_and(|ended| ended >= parts),
    }
}
