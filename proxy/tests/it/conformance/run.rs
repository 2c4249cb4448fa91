//! Running the table.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use futures_util::future::join_all;
use proxima_local::{Proxy, World};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::case::{Case, Item, Step, Want};
use super::check::Ran;
use super::client::{Answer, Ask, Connector, Protocol};
use super::report::Failure;
use super::settle::Fills;
use super::stage::Stages;
use super::template::Names;

/// Cases under way at once.
const AT_ONCE: usize = 64;
/// The way of running the table in which the proxies restart before each last step.
const RESTARTED: char = 'd';
const HOST: &str = "conformance.example";

/// How a case is asked: the protocol of each step, in turn.
#[derive(Debug, Clone, Copy)]
pub(super) enum Speaks {
    H1,
    H2,
    /// Stored over HTTP/1.1, read over HTTP/2, and so on.
    Both,
}

impl Speaks {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::H1 => "HTTP/1.1",
            Self::H2 => "HTTP/2",
            Self::Both => "HTTP/1.1 and HTTP/2 in turn",
        }
    }

    fn protocol(self, step: usize) -> Protocol {
        match self {
            Self::H1 => Protocol::H1,
            Self::Both if step % 2 == 1 => Protocol::H1Tls,
            Self::H2 | Self::Both => Protocol::H2,
        }
    }
}

/// A case on its way.
struct Run {
    /// Which case.
    index: usize,
    speaks: Speaks,
    /// What its paths are known by.
    id: String,
    names: Names,
    /// Items of the case that lie behind it, and how many of them were steps.
    items: usize,
    steps: usize,
    /// As the case says.
    waited: Duration,
}

impl Run {
    /// Whole seconds that it has waited for more than its case says: for others, and for a machine that has much to do.
    fn late_s(&self) -> i64 {
        let elapsed = self.names.start.elapsed().unwrap_or_default();
        i64::try_from(elapsed.saturating_sub(self.waited).as_secs()).unwrap_or(i64::MAX)
    }
}

/// A world to run the table in.
pub(super) struct Stand {
    pub(super) mode: char,
    pub(super) stages: Arc<Stages>,
    connector: Connector,
    /// Steps go to them in turn.
    proxies: Vec<(Arc<Proxy>, Fills)>,
}

impl Stand {
    pub(super) fn new(world: &World, stages: Arc<Stages>, mode: char) -> Arc<Self> {
        let client = world.client();
        let proxies = world.regions()[0].proxies().into_iter();
        Arc::new(Self {
            mode,
            stages,
            connector: Connector::new(world.ca().pem()),
            proxies: proxies
                .map(|proxy| (Arc::clone(&proxy), Fills::of(proxy, client.clone())))
                .collect(),
        })
    }

    /// Runs all cases that have a meaning in this mode; returns how many there were and what failed.
    pub(super) async fn run(
        self: &Arc<Self>,
        cases: &Arc<Vec<Case>>,
        speaks: &[Speaks],
    ) -> (usize, Vec<Failure>) {
        let runs = speaks.iter().flat_map(|speaks| {
            let ours = cases
                .iter()
                .enumerate()
                .filter(|(_, case)| self.takes(case, *speaks));
            ours.map(|(index, case)| self.open(index, case, *speaks))
        });
        let runs: Vec<_> = runs.collect();
        let count = runs.len();
        self.wait_for_ring().await;
        if self.mode != RESTARTED {
            let (_, failures) = self.side_by_side(cases, runs, |case| case.steps.len()).await;
            return (count, failures);
        }
        // everything but the last steps, which find the cache as the process before has left it
        let (runs, mut failures) = self.side_by_side(cases, runs, Case::last_step).await;
        for (proxy, _) in &self.proxies {
            proxy.stop().await.unwrap();
            proxy.restart().await.unwrap();
        }
        self.wait_for_ring().await;
        let (_, later) = self.side_by_side(cases, runs, |case| case.steps.len()).await;
        failures.extend(later);
        (count, failures)
    }

    async fn wait_for_ring(&self) {
        for (_, fills) in self.proxies.iter().filter(|_| self.mode != 'a') {
            fills.ring_is_in().await.unwrap();
        }
    }

    fn takes(&self, case: &Case, speaks: Speaks) -> bool {
        let mode = case.modes.is_empty() || case.modes.contains(&self.mode);
        mode && case.only.as_deref().is_none_or(|only| only == speaks.as_str())
    }

    fn open(&self, index: usize, case: &Case, speaks: Speaks) -> Run {
        let id = format!("{index}{}{speaks:?}", self.mode).to_lowercase();
        let path = format!("/{}/{id}", case.route);
        let scheme = if matches!(speaks, Speaks::H1) {
            "http"
        } else {
            "https"
        };
        let names = Names {
            start: SystemTime::now(),
            url: format!("{scheme}://{HOST}{path}"),
            path,
        };
        Run {
            index,
            speaks,
            id,
            names,
            items: 0,
            steps: 0,
            waited: Duration::ZERO,
        }
    }

    /// Takes every run up to an item of its case; returns those that came so far, and what failed.
    async fn side_by_side(
        self: &Arc<Self>,
        cases: &Arc<Vec<Case>>,
        runs: Vec<Run>,
        until: fn(&Case) -> usize,
    ) -> (Vec<Run>, Vec<Failure>) {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        let mut running = JoinSet::new();
        for mut run in runs {
            let (stand, cases, places) = (Arc::clone(self), Arc::clone(cases), Arc::clone(&places));
            running.spawn(async move {
                let _place = places.acquire().await;
                let case = &cases[run.index];
                let outcome = stand.advance(case, &mut run, until(case)).await;
                outcome.map(|()| run)
            });
        }
        let (mut runs, mut failures) = (Vec::new(), Vec::new());
        for outcome in running.join_all().await {
            match outcome {
                Ok(run) => runs.push(run),
                Err(failure) => failures.push(failure),
            }
        }
        (runs, failures)
    }

    /// Goes on with a case up to the first step that fails.
    async fn advance(&self, case: &Case, run: &mut Run, until: usize) -> Result<(), Failure> {
        if run.items == 0 {
            run.names.start = SystemTime::now();
            self.stages.open(&run.id, &run.names);
        }
        for item in &case.steps[run.items..until] {
            run.items += 1;
            let step = match item {
                Item::Wait(pause) => {
                    tokio::time::sleep(*pause).await;
                    run.waited += *pause;
                    continue;
                }
                Item::Step(step) => step,
            };
            run.steps += 1;
            let problems = self.step(run, step).await;
            if !problems.is_empty() {
                return Err(Failure {
                    index: run.index,
                    speaks: run.speaks.as_str(),
                    step: run.steps,
                    problems,
                });
            }
        }
        Ok(())
    }

    async fn step(&self, run: &Run, step: &Step) -> Vec<(usize, String)> {
        let (id, number, protocol) = (run.id.as_str(), run.steps, run.speaks.protocol(run.steps));
        let repeats = step.times > 1 || step.drops();
        self.stages
            .begin(id, number, &step.origin, repeats && !step.origin.is_empty());
        let (proxy, fills) = &self.proxies[(number - 1) % self.proxies.len()];
        let ask = ask(step, &run.names);
        let (plain, tls) = (proxy.http_address(), proxy.https_address());
        let asks = (0..step.times).map(|_| self.connector.ask(protocol, plain, tls, &ask));
        let answers: Result<Vec<Answer>, String> = join_all(asks).await.into_iter().collect();
        let answers = match answers {
            Ok(answers) => answers,
            // a stream that is reset at once takes its header with it
            Err(_) if step.wants.iter().any(|(_, want)| *want == Want::Incomplete) => return Vec::new(),
            Err(problem) => return vec![(step.line, format!("an answer; came none: {problem}"))],
        };
        if step.behind && !self.asked_behind(id, step.origin.len()).await {
            return vec![(
                step.line,
                "the origin is asked behind the answer; it was not".into(),
            )];
        }
        // in L1 an answer lies when the client has it whole; the ring, and refreshes, come behind
        if (self.mode != 'a' || step.behind)
            && let Err(problem) = fills.settled().await
        {
            return vec![(step.line, problem)];
        }
        let ran = Ran {
            step,
            answers: &answers,
            seen: &self.stages.seen(id),
            stages: &self.stages,
            run: id,
            names: &run.names,
            mode: self.mode,
            protocol,
            late_s: run.late_s(),
        };
        ran.check()
    }

    async fn asked_behind(&self, run: &str, times: usize) -> bool {
        let began = Instant::now();
        while self.stages.asked(run) < times {
            if began.elapsed() > Duration::from_secs(3) {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        true
    }
}

fn ask(step: &Step, names: &Names) -> Ask {
    let mut ask = Ask {
        method: step.method.clone(),
        authority: HOST.to_owned(),
        target: format!("{}{}", names.path, step.suffix),
        fields: Vec::new(),
        body: step.body.clone(),
    };
    for (name, value) in &step.fields {
        let value = names.expand(value);
        if name.eq_ignore_ascii_case("host") {
            ask.authority = value;
        } else {
            ask.fields.push((name.clone(), value));
        }
    }
    ask
}
