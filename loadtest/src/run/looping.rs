//! Virtual users that iterate one time after the other: constant-vus, per-vu-iterations, shared-iterations.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::js::{Command, Iteration, Iterations};

use super::pool::{Pool, UnderWay};
use super::{ScenarioState, Test};

/// How often they may.
#[derive(Debug, Clone, Copy)]
pub(super) enum Quota {
    /// As often as time allows.
    Unlimited,
    /// So often, all together.
    Shared(u64),
    /// So often, each.
    Each(u64),
}

struct Loop {
    test: Arc<Test>,
    state: Arc<ScenarioState>,
    deadline: Instant,
    shared: Option<u64>,
    /// Of this virtual user.
    left: Cell<u64>,
}

impl Iterations for Loop {
    fn next(&self) -> Option<Iteration> {
        let left = self.left.get();
        if left == 0 || Instant::now() >= self.deadline || self.test.is_stopped() {
            return None;
        }
        let in_test = self.state.iterations.fetch_add(1, Ordering::Relaxed);
        if self.shared.is_some_and(|total| in_test >= total) {
            self.state.iterations.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        self.left.set(left - 1);
        Some(Iteration {
            scenario: self.state.clone(),
            in_test,
            intended: None,
        })
    }
}

/// Has all virtual users of the pool iterate until `deadline`.
pub(super) fn start(pool: &Pool, quota: Quota, deadline: Instant, under_way: &Rc<UnderWay>) {
    for vu in &*pool.vus.borrow() {
        let source = Rc::new(Loop {
            test: pool.shard.test.clone(),
            state: pool.state.clone(),
            deadline,
            shared: if let Quota::Shared(total) = quota {
                Some(total)
            } else {
                None
            },
            left: Cell::new(if let Quota::Each(each) = quota {
                each
            } else {
                u64::MAX
            }),
        });
        let one = under_way.begin();
        vu.send(Command::Iterate {
            source,
            done: Box::new(move || drop(one)),
        });
    }
}
