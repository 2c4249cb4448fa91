//! One scenario on one thread, from its start to the end of its last iteration.

use std::io;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::executor::{Arrivals, Ramp};
use crate::js::ScriptError;
use crate::options::Executor;

use super::Test;
use super::arriving;
use super::looping::{self, Quota};
use super::pool::{Pool, UnderWay};
use super::ramping;

/// Virtual users of an arrival-rate scenario that a thread has at least, unless it has all: an iteration is dropped
/// when none of them is free, though one of another thread's may be.
const ARRIVING_VUS_MIN: u32 = 32;
/// How long an interrupted iteration may take to notice: it may be in a native function.
const UNWINDING_MAX: Duration = Duration::from_secs(5);

/// How many of `threads` have a part of a scenario.
pub(super) fn parts(executor: &Executor, threads: usize) -> usize {
    let enough = match executor {
        Executor::ConstantArrivalRate { max_vus, .. } | Executor::RampingArrivalRate { max_vus, .. } => {
            max_vus / ARRIVING_VUS_MIN
        }
        other => other.max_vus(),
    };
    usize::try_from(enough).unwrap_or(threads).clamp(1, threads)
}

/// Which part of scenario number `place` the thread `index` of `threads` has, and of how many; `None` if it has none.
pub(super) fn part_of(executor: &Executor, place: usize, index: usize, threads: usize) -> Option<(u64, u64)> {
    let parts = parts(executor, threads);
    let part = (index + place) % threads; // not all scenarios on the first thread
    (part < parts).then_some((part as u64, parts as u64))
}

/// Makes the virtual users that have to be there before the test starts.
pub(super) async fn prepare(pool: &Pool) -> Result<(), ScriptError> {
    let (index, parts) = pool.part;
    let (index, parts) = (usize::try_from(index), usize::try_from(parts));
    let (index, parts) = (index.unwrap_or(usize::MAX), parts.unwrap_or(usize::MAX));
    let last = pool
        .first_vu
        .saturating_add(pool.state.scenario.executor.initial_vus());
    for number in (pool.first_vu..last).skip(index).step_by(parts) {
        pool.make(number).await?;
    }
    Ok(())
}

/// Runs this thread's part.
pub(super) async fn run(pool: Rc<Pool>, test_began: Instant) -> io::Result<()> {
    let (test, state) = (pool.shard.test.clone(), pool.state.clone());
    let scenario = &state.scenario;
    let began = test_began + scenario.start_time;
    let under_way = Rc::new(UnderWay::default());
    let result = tokio::select! {
        result = execute(&pool, began, &under_way) => result,
        () = test.stopped() => Ok(()),
    };
    let grace = scenario.graceful_stop.min(if test.is_stopped() {
        Duration::ZERO
    } else {
        Duration::MAX
    });
    finish(&pool, &test, grace, &under_way).await;
    state.ended.fetch_add(1, Ordering::Relaxed);
    result
}

/// Starts all iterations; those under way may go on when this is ready.
async fn execute(pool: &Rc<Pool>, began: Instant, under_way: &Rc<UnderWay>) -> io::Result<()> {
    tokio::time::sleep_until(began.into()).await;
    let executor = &pool.state.scenario.executor;
    let deadline = began + executor.duration();
    let quota = match executor {
        Executor::RampingVus {
            start_vus,
            stages,
            graceful_ramp_down,
        } => {
            return ramping::run(
                pool,
                &Ramp::new(*start_vus, stages),
                began,
                *graceful_ramp_down,
                under_way,
            )
            .await;
        }
        Executor::ConstantArrivalRate { .. } | Executor::RampingArrivalRate { .. } => {
            let arrivals = Arrivals::of(executor).expect("it is one of those that have arrivals");
            return arriving::run(pool, arrivals, began, under_way).await;
        }
        Executor::ConstantVus { .. } => Quota::Unlimited,
        Executor::PerVuIterations { iterations, .. } => Quota::Each(*iterations),
        Executor::SharedIterations { iterations, .. } => Quota::Shared(*iterations),
    };
    looping::start(pool, quota, deadline, under_way);
    tokio::select! {
        () = under_way.none() => {}
        () = tokio::time::sleep_until(deadline.into()) => {}
    }
    Ok(())
}

/// Waits for iterations under way, and cuts them short when their time is over.
async fn finish(pool: &Pool, test: &Test, grace: Duration, under_way: &UnderWay) {
    tokio::select! {
        () = under_way.none() => return,
        () = tokio::time::sleep(grace) => {}
        () = test.stopped() => {}
    }
    pool.is_over.set(true);
    for vu in &*pool.vus.borrow() {
        vu.interrupt();
    }
    let _ = tokio::time::timeout(UNWINDING_MAX, under_way.none()).await;
}
