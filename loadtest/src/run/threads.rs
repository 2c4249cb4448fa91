//! The threads that virtual users live on.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio::task::LocalSet;

use crate::http::Network;
use crate::js::{Command, Phase, ScriptError, Vu};
use crate::metrics::Aggregate;

use super::bottleneck;
use super::pool::Pool;
use super::scenario;
use super::{Shard, Test};

/// How long a function outside of scenarios may take to notice that its time is over.
const UNWINDING_MAX: Duration = Duration::from_secs(5);

/// Why a thread could not do what it was told.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The script threw something.
    #[error(transparent)]
    Script(#[from] ScriptError),
    /// `setup` or `teardown` took too long.
    #[error("{function}() did not end within {}; make it do less, or set {}Timeout", crate::options::duration::format(*limit), if *function == "setup" { "setup" } else { "teardown" })]
    TimedOut {
        /// Which one.
        function: &'static str,
        /// How long it may take.
        limit: Duration,
    },
    /// The machine did not give what is needed.
    #[error("cannot start a thread of the load generator: {0}")]
    Io(#[from] io::Error),
    /// The certificates of this machine are no good.
    #[error(transparent)]
    Network(#[from] crate::http::NetworkError),
    /// By a signal, before the test had begun.
    #[error("stopped before the test began")]
    Stopped,
    /// A bug.
    #[error("a part of the load generator died, which is a bug; the lines above say why")]
    Died,
}

/// A function outside of scenarios, and what it gets.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// Which one it is.
    pub(super) phase: Phase,
    /// Its exported name.
    pub(super) function: &'static str,
    /// As JSON.
    pub(super) argument: Option<Arc<str>>,
    /// `None` for as long as it takes.
    pub(super) limit: Option<Duration>,
}

enum Order {
    Prepare(oneshot::Sender<Result<(), RunError>>),
    Call(Call, oneshot::Sender<Result<Option<String>, RunError>>),
    Run {
        began: Instant,
        setup_data: Option<Arc<str>>,
        ended: oneshot::Sender<Result<Duration, RunError>>,
    },
}

/// A running thread.
pub(super) struct Thread {
    orders: mpsc::UnboundedSender<Order>,
    /// What it measured since the collector last took it.
    pub(super) aggregate: Arc<Mutex<Aggregate>>,
    thread: JoinHandle<()>,
}

impl Thread {
    /// Starts thread `index` of `count`.
    ///
    /// # Errors
    /// If there can be no more threads.
    pub(super) fn start(
        test: &Arc<Test>,
        index: usize,
        count: usize,
        keep_samples: bool,
    ) -> Result<Self, RunError> {
        let aggregate = Arc::new(Mutex::new(Aggregate::new(
            test.script.registry.clone(),
            keep_samples,
        )));
        let (orders, received) = mpsc::unbounded_channel();
        let (test, mine) = (test.clone(), aggregate.clone());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = std::thread::Builder::new()
            .name(format!("vus-{index}"))
            .spawn(move || {
                LocalSet::new().block_on(&runtime, live(test, mine, (index, count), received));
            })?;
        Ok(Self {
            orders,
            aggregate,
            thread,
        })
    }

    /// Makes the virtual users that have to be there before the test starts.
    ///
    /// # Errors
    /// Of the first one whose init code failed.
    pub(super) async fn prepare(&self) -> Result<(), RunError> {
        let (reply, done) = oneshot::channel();
        let _ = self.orders.send(Order::Prepare(reply));
        done.await.unwrap_or(Err(RunError::Died))
    }

    /// Calls a function in a virtual user of its own; what it returned, as JSON.
    ///
    /// # Errors
    /// If it threw something, or took too long.
    pub(super) async fn call(&self, call: Call) -> Result<Option<String>, RunError> {
        let (reply, done) = oneshot::channel();
        let _ = self.orders.send(Order::Call(call, reply));
        done.await.unwrap_or(Err(RunError::Died))
    }

    /// Runs its part of all scenarios, whose clocks started at `began`; the CPU time that this took.
    ///
    /// # Errors
    /// If the machine did not give what is needed.
    pub(super) async fn run(
        &self,
        began: Instant,
        setup_data: Option<Arc<str>>,
    ) -> Result<Duration, RunError> {
        let (ended, done) = oneshot::channel();
        let _ = self.orders.send(Order::Run {
            began,
            setup_data,
            ended,
        });
        done.await.unwrap_or(Err(RunError::Died))
    }

    /// Ends it, and its virtual users.
    pub(super) fn join(self) {
        drop(self.orders);
        let _ = self.thread.join(); // a panic has written its own message
    }
}

/// A thread's life.
async fn live(
    test: Arc<Test>,
    aggregate: Arc<Mutex<Aggregate>>,
    (index, count): (usize, usize),
    mut orders: mpsc::UnboundedReceiver<Order>,
) {
    let mut pools = Vec::new();
    let setup_data = Rc::new(RefCell::new(None));
    let shard = match Network::new(&test.options) {
        Ok(network) => Rc::new(Shard {
            test: test.clone(),
            aggregate,
            network,
        }),
        Err(error) => {
            let Some(Order::Prepare(reply)) = orders.recv().await else {
                return;
            };
            let _ = reply.send(Err(error.into()));
            return;
        }
    };
    while let Some(order) = orders.recv().await {
        match order {
            Order::Prepare(reply) => {
                pools = make_pools(&shard, index, count, &setup_data);
                let _ = reply.send(prepare(&pools).await);
            }
            Order::Call(call, reply) => {
                let _ = reply.send(self::call(&shard, call).await);
            }
            Order::Run {
                began,
                setup_data: data,
                ended,
            } => {
                *setup_data.borrow_mut() = data;
                let cpu = bottleneck::thread_time();
                let result = run(&pools, began).await;
                let _ = ended.send(result.map(|()| bottleneck::thread_time() - cpu));
            }
        }
    }
}

fn make_pools(
    shard: &Rc<Shard>,
    index: usize,
    count: usize,
    setup_data: &Rc<RefCell<Option<Arc<str>>>>,
) -> Vec<Rc<Pool>> {
    let parts = shard
        .test
        .scenarios
        .iter()
        .enumerate()
        .filter_map(|(place, state)| {
            let part = scenario::part_of(&state.scenario.executor, place, index, count)?;
            Some(Rc::new(Pool {
                shard: shard.clone(),
                state: state.clone(),
                part,
                first_vu: shard.test.first_vu(place),
                setup_data: setup_data.clone(),
                vus: RefCell::default(),
                is_over: Cell::new(false),
            }))
        });
    parts.collect()
}

async fn prepare(pools: &[Rc<Pool>]) -> Result<(), RunError> {
    for pool in pools {
        scenario::prepare(pool).await?;
    }
    Ok(())
}

async fn run(pools: &[Rc<Pool>], began: Instant) -> Result<(), RunError> {
    let scenarios = pools
        .iter()
        .map(|pool| tokio::task::spawn_local(scenario::run(pool.clone(), began)));
    let ended = futures_util::future::join_all(scenarios).await;
    for scenario in ended {
        scenario.map_err(|_| RunError::Died)??;
    }
    Ok(())
}

async fn call(shard: &Rc<Shard>, call: Call) -> Result<Option<String>, RunError> {
    let Call {
        phase,
        function,
        argument,
        limit,
    } = call;
    let (vu, ready) = Vu::spawn(shard.test.script.clone(), Some(shard.clone()), 0, Rc::default())?;
    ready.await.unwrap_or_else(|_| {
        Err(ScriptError {
            text: "a virtual user died in its init code".to_owned(),
        })
    })?;
    let (reply, mut done) = oneshot::channel();
    vu.send(Command::Call {
        phase,
        function,
        argument,
        reply,
    });
    let limited = async {
        match limit {
            Some(limit) => tokio::time::sleep(limit).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        returned = &mut done => return Ok(returned.map_err(|_| RunError::Died)??),
        () = limited => {}
        () = interrupted(shard, phase) => {}
    }
    vu.interrupt();
    let returned = tokio::time::timeout(UNWINDING_MAX, done).await;
    match limit {
        Some(limit) if !shard.test.is_stopped() || phase != Phase::Setup => {
            Err(RunError::TimedOut { function, limit })
        }
        _ => match returned {
            Ok(Ok(returned)) => Ok(returned?),
            _ => Err(RunError::Died),
        },
    }
}

/// `setup` ends with the test; `teardown` and `handleSummary` are there for its end.
async fn interrupted(shard: &Shard, phase: Phase) {
    if phase == Phase::Setup {
        shard.test.stopped().await;
    } else {
        std::future::pending::<()>().await;
    }
}
