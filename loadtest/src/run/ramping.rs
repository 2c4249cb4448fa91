//! Virtual users that come and go: ramping-vus.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::executor::Ramp;
use crate::js::{Command, Iteration, Iterations, Vu};

use super::alarm::Alarm;
use super::pool::{Pool, UnderWay};
use super::{ScenarioState, Test};

/// A virtual user, and whether it is wanted.
struct Member {
    vu: Rc<Vu>,
    /// Its number in the scenario, from 0: it is wanted while there are to be more than that.
    rank: u32,
    test: Arc<Test>,
    state: Arc<ScenarioState>,
    wanted: Cell<bool>,
    running: Cell<bool>,
    /// How often it was sent away.
    dismissals: Cell<u32>,
}

/// The source of a member's iterations.
struct WhileWanted(Rc<Member>);

impl Iterations for WhileWanted {
    fn next(&self) -> Option<Iteration> {
        let member = &self.0;
        if !member.wanted.get() || member.test.is_stopped() {
            return None;
        }
        let in_test = member.state.iterations.fetch_add(1, Ordering::Relaxed);
        Some(Iteration {
            scenario: member.state.clone(),
            in_test,
            intended: None,
        })
    }
}

impl Member {
    fn call(self: &Rc<Self>, under_way: &Rc<UnderWay>) {
        self.wanted.set(true);
        if self.running.replace(true) {
            return; // it is still in the iteration it was sent away in, and goes on after that
        }
        let (member, again, one) = (self.clone(), under_way.clone(), under_way.begin());
        let done = Box::new(move || {
            member.running.set(false);
            if member.wanted.get() && !member.test.is_stopped() {
                member.call(&again);
            }
            drop(one);
        });
        self.vu.send(Command::Iterate {
            source: Rc::new(WhileWanted(self.clone())),
            done,
        });
    }

    fn dismiss(self: &Rc<Self>, grace: Duration) {
        if !self.wanted.replace(false) {
            return;
        }
        let dismissal = self.dismissals.get() + 1;
        self.dismissals.set(dismissal);
        let member = self.clone();
        tokio::task::spawn_local(async move {
            tokio::time::sleep(grace).await;
            if member.running.get() && !member.wanted.get() && member.dismissals.get() == dismissal {
                member.vu.interrupt();
            }
        });
    }
}

/// Calls and dismisses virtual users as the ramp says. All are dismissed in the end; the last are left their grace.
pub(super) async fn run(
    pool: &Pool,
    ramp: &Ramp,
    began: Instant,
    grace: Duration,
    under_way: &Rc<UnderWay>,
) -> io::Result<()> {
    let (index, parts) = pool.part;
    let members: Vec<Rc<Member>> = (index..)
        .step_by(usize::try_from(parts).unwrap_or(usize::MAX))
        .zip(&*pool.vus.borrow())
        .map(|(rank, vu)| {
            Rc::new(Member {
                vu: vu.clone(),
                rank: u32::try_from(rank).unwrap_or(u32::MAX),
                test: pool.shard.test.clone(),
                state: pool.state.clone(),
                wanted: Cell::new(false),
                running: Cell::new(false),
                dismissals: Cell::new(0),
            })
        })
        .collect();
    let alarm = Alarm::new()?;
    for change in ramp.changes() {
        alarm.at(began + change.at).await?;
        for member in &members {
            if member.rank < change.vus {
                member.call(under_way);
            } else {
                member.dismiss(grace);
            }
        }
    }
    alarm.at(began + ramp.duration()).await?;
    for member in &members {
        member.wanted.set(false);
    }
    Ok(())
}
