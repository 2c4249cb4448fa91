//! Iterations that start when they are to, whatever became of those before: the arrival-rate executors.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::executor::{Arrivals, share};
use crate::js::{Command, Iteration, Iterations, Vu};
use crate::log::Level;
use crate::metrics::{Tags, builtin};

use super::alarm::Alarm;
use super::pool::{Pool, UnderWay};

/// How late an iteration may start when the scenario is over: a machine that is behind for a moment catches up, and one
/// that cannot keep up at all stops in time.
const BEHIND_MAX: Duration = Duration::from_secs(1);

/// One iteration.
struct Once {
    iteration: Cell<Option<Iteration>>,
    pool: Rc<Pool>,
}

impl Iterations for Once {
    fn next(&self) -> Option<Iteration> {
        // The scenario may be over before the virtual user has had its turn: nothing would cut that iteration short.
        self.iteration.take().filter(|_| !self.pool.is_over.get())
    }
}

struct Arriving {
    pool: Rc<Pool>,
    free: Rc<RefCell<Vec<Rc<Vu>>>>,
    under_way: Rc<UnderWay>,
    /// Virtual users that this thread may have.
    vus_max: u64,
    /// Virtual users that it has, or will.
    vus: Rc<Cell<u64>>,
    /// Of dropped iterations.
    tags: Tags,
}

/// Starts this thread's share of the scenario's iterations.
pub(super) async fn run(
    pool: &Rc<Pool>,
    arrivals: Arrivals,
    began: Instant,
    under_way: &Rc<UnderWay>,
) -> io::Result<()> {
    let (index, parts) = pool.part;
    let free: Vec<Rc<Vu>> = pool.vus.borrow().clone();
    let arriving = Arriving {
        vus: Rc::new(Cell::new(free.len() as u64)),
        vus_max: share(pool.state.scenario.executor.max_vus().into(), index, parts),
        tags: pool.tags(),
        pool: pool.clone(),
        free: Rc::new(RefCell::new(free)),
        under_way: under_way.clone(),
    };
    let alarm = Alarm::new()?;
    let duration = arrivals.duration();
    let (mine, mut taken) = (share(arrivals.total(), index, parts), 0);
    for arrival in arrivals.shard(index, parts) {
        let intended = began + arrival.at;
        alarm.at(intended).await?;
        if Instant::now() > began + duration + BEHIND_MAX {
            arriving.drop_some(mine - taken);
            return Ok(());
        }
        taken += 1;
        arriving.start(arrival.iteration, intended);
        if Instant::now() > intended {
            tokio::task::yield_now().await; // behind time: let virtual users run, too
        }
    }
    alarm.at(began + duration).await
}

impl Arriving {
    fn start(&self, in_test: u64, intended: Instant) {
        let Some(vu) = self.free.borrow_mut().pop() else {
            self.drop_some(1);
            self.grow();
            return;
        };
        let scenario = self.pool.state.clone();
        scenario.iterations.fetch_add(1, Ordering::Relaxed);
        let once = Once {
            iteration: Cell::new(Some(Iteration {
                scenario,
                in_test,
                intended: Some(intended),
            })),
            pool: self.pool.clone(),
        };
        let (free, back, one) = (self.free.clone(), vu.clone(), self.under_way.begin());
        let done = Box::new(move || {
            free.borrow_mut().push(back);
            drop(one);
        });
        vu.send(Command::Iterate {
            source: Rc::new(once),
            done,
        });
    }

    /// They are never made up for.
    #[expect(clippy::cast_precision_loss, reason = "a count that somebody reads")]
    fn drop_some(&self, count: u64) {
        let (shard, state) = (&self.pool.shard, &self.pool.state);
        state.dropped.fetch_add(count, Ordering::Relaxed);
        shard.record(builtin::DROPPED_ITERATIONS, count as f64, &self.tags);
    }

    /// Makes one more virtual user in the background, if there may be one.
    fn grow(&self) {
        if self.vus.get() >= self.vus_max {
            return;
        }
        self.vus.set(self.vus.get() + 1);
        let (pool, free, vus) = (self.pool.clone(), self.free.clone(), self.vus.clone());
        tokio::task::spawn_local(async move {
            match pool.grow().await {
                Ok(vu) => free.borrow_mut().push(vu),
                Err(error) => {
                    vus.set(vus.get() - 1);
                    pool.shard.test.script.log.line(Level::Error, &error.text);
                }
            }
        });
    }
}
