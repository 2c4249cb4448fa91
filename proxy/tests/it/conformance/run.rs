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
            Self::H2 => Protocol::H2,
            Self::Both if step % 2 == 1 => Protocol::H1Tls,
            Self::Both => Protocol::H2,
        }
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

    /// Runs all cases that have a meaning in this mode, side by side; returns how many there were and what failed.
    pub(super) async fn run(
        self: &Arc<Self>,
        cases: &Arc<Vec<Case>>,
        speaks: &[Speaks],
    ) -> (usize, Vec<Failure>) {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        let mut running = JoinSet::new();
        for speaks in speaks.iter().copied() {
            for index in 0..cases.len() {
                let (stand, cases) = (Arc::clone(self), Arc::clone(cases));
                if !self.runs(&cases[index], speaks) {
                    continue;
                }
                let places = Arc::clone(&places);
                running.spawn(async move {
                    let _place = places.acquire().await;
                    stand.case(index, &cases[index], speaks).await
                });
            }
        }
        let count = running.len();
        let failures = running.join_all().await.into_iter().flatten().collect();
        (count, failures)
    }

    fn runs(&self, case: &Case, speaks: Speaks) -> bool {
        let mode = case.modes.is_empty() || case.modes.contains(&self.mode);
        mode && case.only.as_deref().is_none_or(|only| only == speaks.as_str())
    }

    /// Runs one case up to the first step that fails.
    async fn case(&self, index: usize, case: &Case, speaks: Speaks) -> Option<Failure> {
        let run = format!("{index}{}{speaks:?}", self.mode).to_lowercase();
        let path = format!("/{}/{run}", case.route);
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
        self.stages.open(&run, &names);
        let mut number = 0;
        for item in &case.steps {
            let step = match item {
                Item::Wait(pause) => {
                    tokio::time::sleep(*pause).await;
                    continue;
                }
                Item::Step(step) => step,
            };
            number += 1;
            let problems = self
                .step(&run, &names, number, step, speaks.protocol(number))
                .await;
            if !problems.is_empty() {
                return Some(Failure {
                    index,
                    speaks: speaks.as_str(),
                    step: number,
                    problems,
                });
            }
        }
        None
    }

    async fn step(
        &self,
        run: &str,
        names: &Names,
        number: usize,
        step: &Step,
        protocol: Protocol,
    ) -> Vec<(usize, String)> {
        let repeats = step.times > 1 || step.drops();
        self.stages
            .begin(run, number, &step.origin, repeats && !step.origin.is_empty());
        let (proxy, fills) = &self.proxies[(number - 1) % self.proxies.len()];
        let ask = ask(step, names);
        let (plain, tls) = (proxy.http_address(), proxy.https_address());
        let asks = (0..step.times).map(|_| self.connector.ask(protocol, plain, tls, &ask));
        let answers: Result<Vec<Answer>, String> = join_all(asks).await.into_iter().collect();
        let answers = match answers {
            Ok(answers) => answers,
            // a stream that is reset at once takes its header with it
            Err(_) if step.wants.iter().any(|(_, want)| *want == Want::Incomplete) => return Vec::new(),
            Err(problem) => return vec![(step.line, format!("an answer; came none: {problem}"))],
        };
        if step.behind && !self.asked_behind(run, step.origin.len()).await {
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
            seen: &self.stages.seen(run),
            stages: &self.stages,
            run,
            names,
            mode: self.mode,
            protocol,
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
