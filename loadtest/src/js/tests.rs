//! Virtual users that die.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::task::LocalSet;

use super::{Command, Iteration, Iterations, Script, Vu};
use crate::http::Network;
use crate::log::Log;
use crate::metrics::Aggregate;
use crate::options::{Layers, resolve};
use crate::run::{Shard, StopReason, Test};

/// One iteration, and a panic where the next one should come from.
struct Panicking(RefCell<Option<Iteration>>);

impl Iterations for Panicking {
    fn next(&self) -> Option<Iteration> {
        Some(self.0.take().expect("a panic that is meant to be"))
    }
}

fn shard() -> Rc<Shard> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("script.js");
    std::fs::write(
        &path,
        "export default () => new Promise((done) => setTimeout(done, 1));",
    )
    .unwrap();
    let script = Arc::new(Script::read(&path, BTreeMap::new(), Arc::new(Log::default())).unwrap());
    let layers = Layers {
        config: None,
        script: &serde_json::Value::Null,
        env: &BTreeMap::new(),
        flags: &serde_json::Map::new(),
    };
    let resolved = resolve(&layers, &["default".to_owned()]).unwrap();
    let test = Arc::new(Test::new(script, Arc::new(resolved.options), resolved.json));
    Rc::new(Shard {
        aggregate: Arc::new(Mutex::new(Aggregate::new(test.script.registry.clone(), false))),
        network: Network::new(&test.options).unwrap(),
        test,
    })
}

#[tokio::test]
async fn a_virtual_user_that_panics_ends_the_test_and_is_not_waited_for() {
    let (shard, (done, mut was_done)) = (shard(), tokio::sync::mpsc::channel::<()>(1));
    let local = LocalSet::new();
    let living = local.run_until(async {
        let (vu, ready) =
            Vu::spawn(shard.test.script.clone(), Some(shard.clone()), 1, Rc::default()).unwrap();
        ready.await.unwrap().unwrap();
        let iteration = Iteration {
            scenario: shard.test.scenarios[0].clone(),
            in_test: 0,
            intended: None,
        };
        vu.send(Command::Iterate {
            source: Rc::new(Panicking(RefCell::new(Some(iteration)))),
            done: Box::new(move || drop(done)),
        });
        was_done.recv().await
    });
    assert_eq!(living.await, None);
    assert_eq!(shard.test.stop_reason(), Some(StopReason::Died));
}
