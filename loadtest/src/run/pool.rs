//! The virtual users that one thread has for one scenario.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::Notify;

use crate::js::{ScriptError, Vu};
use crate::metrics::{TagSet, Tags};

use super::{ScenarioState, Shard, Test};

/// Virtual users of one scenario on one thread.
pub(super) struct Pool {
    pub(super) shard: Rc<Shard>,
    pub(super) state: Arc<ScenarioState>,
    /// This thread's place among those that run the scenario, and how many do.
    pub(super) part: (u64, u64),
    /// The number of the scenario's first virtual user.
    pub(super) first_vu: u32,
    pub(super) setup_data: Rc<RefCell<Option<Arc<str>>>>,
    pub(super) vus: RefCell<Vec<Rc<Vu>>>,
    /// Iterations under way are being cut short: none may start any more.
    pub(super) is_over: Cell<bool>,
}

impl Pool {
    /// Of samples that belong to the scenario and to none of its virtual users.
    pub(super) fn tags(&self) -> Tags {
        scenario_tags(&self.shard.test, &self.state)
    }

    /// Makes one more.
    pub(super) async fn grow(&self) -> Result<Rc<Vu>, ScriptError> {
        self.make(self.shard.test.next_vu()).await
    }

    /// Makes one of that number. Its init code has run when it is returned.
    pub(super) async fn make(&self, number: u32) -> Result<Rc<Vu>, ScriptError> {
        let test = &self.shard.test;
        let spawned = Vu::spawn(
            test.script.clone(),
            Some(self.shard.clone()),
            number,
            self.setup_data.clone(),
        );
        let no_memory = |error| ScriptError {
            text: format!("cannot make a virtual user: {error}; ask for fewer VUs"),
        };
        let (vu, ready) = spawned.map_err(no_memory)?;
        ready.await.unwrap_or_else(|_| {
            Err(ScriptError {
                text: "a virtual user died in its init code".to_owned(),
            })
        })?;
        let vu = Rc::new(vu);
        self.vus.borrow_mut().push(vu.clone());
        self.state.vus.fetch_add(1, Ordering::Relaxed);
        Ok(vu)
    }
}

/// Of samples that belong to a scenario and to none of its virtual users.
pub(super) fn scenario_tags(test: &Test, state: &ScenarioState) -> Tags {
    let (options, scenario) = (&test.options, &state.scenario);
    let own = options
        .tags
        .iter()
        .chain(&scenario.tags)
        .map(|(name, value)| (name.as_str().into(), value.as_str().into()));
    let name = options.system_tags.iter().any(|tag| tag == "scenario");
    let name = name.then(|| ("scenario".into(), scenario.name.as_str().into()));
    TagSet::new(own.chain(name).collect(), &test.script.registry)
}

/// Counts what is under way, and tells when nothing is.
#[derive(Default)]
pub(super) struct UnderWay {
    count: Cell<u32>,
    changed: Notify,
}

impl UnderWay {
    /// One more, until what is returned is dropped, as it is by a virtual user that dies.
    pub(super) fn begin(self: &Rc<Self>) -> OneUnderWay {
        self.count.set(self.count.get() + 1);
        OneUnderWay(self.clone())
    }

    /// Ready when nothing is under way.
    pub(super) async fn none(&self) {
        loop {
            let changed = self.changed.notified();
            if self.count.get() == 0 {
                return;
            }
            changed.await;
        }
    }
}

/// One of those that [`UnderWay`] counts.
pub(super) struct OneUnderWay(Rc<UnderWay>);

impl Drop for OneUnderWay {
    fn drop(&mut self) {
        self.0.count.set(self.0.count.get() - 1);
        self.0.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_dropped_is_no_longer_under_way() {
        let under_way = Rc::new(UnderWay::default());
        let (one, other) = (under_way.begin(), under_way.begin());
        // A command that its virtual user never got to.
        let done: Box<dyn FnOnce()> = Box::new(move || drop(one));
        let waiting = under_way.none();
        let ending = async {
            drop(done);
            tokio::task::yield_now().await;
            drop(other);
        };
        futures_util::future::join(waiting, ending).await;
        assert_eq!(under_way.count.get(), 0);
    }
}
