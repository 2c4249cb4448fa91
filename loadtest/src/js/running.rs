//! What a virtual user does when it is told to: iterations, and calls of `setup`, `teardown` and `handleSummary`.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use rquickjs::{Ctx, Function, Object, Promise, Value};

use crate::log::Level;
use crate::metrics::{Aggregate, Tags, builtin};

use super::error::{ScriptError, interrupted, throw};
use super::fiber::Interrupted;
use super::host::{Host, Iteration, Phase};
use super::vu::{Command, forget};

/// A virtual user whose init code has run.
pub(super) struct Running<'a, 'js> {
    ctx: &'a Ctx<'js>,
    host: &'a Rc<Host>,
    module: Object<'js>,
    setup_data: &'a RefCell<Option<Arc<str>>>,
    /// What `setup` returned, in this runtime.
    data: Option<Value<'js>>,
    /// What iterations call.
    function: Option<Function<'js>>,
}

/// How an iteration ended.
enum Ended {
    Completed,
    Interrupted,
}

impl<'a, 'js> Running<'a, 'js> {
    pub(super) fn new(
        ctx: &'a Ctx<'js>,
        host: &'a Rc<Host>,
        module: Object<'js>,
        setup_data: &'a RefCell<Option<Arc<str>>>,
    ) -> Self {
        Self {
            ctx,
            host,
            module,
            setup_data,
            data: None,
            function: None,
        }
    }
}

impl<'js> Running<'_, 'js> {
    /// Does what it is told.
    pub(super) fn obey(&mut self, command: Command) {
        match command {
            Command::Iterate { source, done } => {
                while let Some(iteration) = source.next() {
                    self.iterate(iteration);
                }
                done();
            }
            Command::Call {
                phase,
                function,
                argument,
                reply,
            } => {
                let _ = reply.send(self.call(phase, function, argument.as_deref()));
            }
        }
    }

    fn call(&self, phase: Phase, name: &str, argument: Option<&str>) -> Result<Option<String>, ScriptError> {
        let (ctx, host) = (self.ctx, self.host);
        host.phase.set(phase);
        host.suspender.resume();
        self.enter(None);
        self.enter_phase(phase);
        let run = || {
            let function: Function<'js> = self.module.get(name)?;
            let argument = match argument {
                Some(json) => ctx.json_parse(json)?,
                None => Value::new_undefined(ctx.clone()),
            };
            let returned = settle(ctx, host, &function.call((argument,))?)?;
            ctx.json_stringify(returned)?
                .map(|json| json.to_string())
                .transpose()
        };
        let result = run().map_err(|error| ScriptError::caught(ctx, error));
        if let Some(live) = host.live.as_ref().filter(|_| host.data.get() != (0, 0)) {
            let tags = host.tags();
            let mut aggregate = live.shard.aggregate.lock();
            self.record_data(&mut aggregate, crate::run::unix_ns(), &tags);
        }
        self.leave();
        result
    }

    fn iterate(&mut self, iteration: Iteration) {
        let (host, scenario) = (self.host, iteration.scenario.clone());
        if host.iteration.borrow().is_none() {
            self.enter(Some(&iteration));
        }
        let intended = iteration.intended;
        host.iterations.set(host.iterations.get() + 1);
        host.in_scenario.set(host.in_scenario.get() + 1);
        host.phase.set(Phase::Iteration);
        host.suspender.resume();
        *host.iteration.borrow_mut() = Some(iteration);
        scenario.active.fetch_add(1, Ordering::Relaxed);
        let began = Instant::now();
        let ended = self.run(&scenario.scenario.exec);
        self.record(began, intended, &ended);
        match ended {
            Ended::Completed => scenario.completed.fetch_add(1, Ordering::Relaxed),
            Ended::Interrupted => scenario.interrupted.fetch_add(1, Ordering::Relaxed),
        };
        self.rest(began);
        scenario.active.fetch_sub(1, Ordering::Relaxed);
        self.leave();
    }

    /// Runs the scenario's function once.
    fn run(&mut self, exec: &str) -> Ended {
        let (ctx, host) = (self.ctx, self.host);
        let called = self.data().and_then(|data| {
            let function = self.function(exec)?;
            let returned: Value<'js> = function.call((data,))?;
            settle(ctx, host, &returned)
        });
        let Err(error) = called else {
            return Ended::Completed;
        };
        let error = ScriptError::caught(ctx, error);
        if host.suspender.is_interrupted() || host.test().is_some_and(|test| test.stop_reason().is_some()) {
            return Ended::Interrupted;
        }
        if let Some(test) = host.test() {
            test.count_exception();
        }
        host.script.log.line(Level::Error, &error.text);
        Ended::Completed
    }

    /// The scenario's function, looked up once: a virtual user has one scenario.
    fn function(&mut self, exec: &str) -> rquickjs::Result<Function<'js>> {
        if let Some(function) = &self.function {
            return Ok(function.clone());
        }
        let function: Function<'js> = self.module.get(exec)?;
        self.function = Some(function.clone());
        Ok(function)
    }

    /// What `setup` returned, a copy of its own for each virtual user.
    fn data(&mut self) -> rquickjs::Result<Value<'js>> {
        if let Some(data) = &self.data {
            return Ok(data.clone());
        }
        let data = match &*self.setup_data.borrow() {
            Some(json) => self.ctx.json_parse(&**json)?,
            None => Value::new_undefined(self.ctx.clone()),
        };
        self.data = Some(data.clone());
        Ok(data)
    }

    /// Sets tags and environment for a scenario, or for what belongs to none.
    fn enter(&self, iteration: Option<&Iteration>) {
        let Some(test) = self.host.test() else { return };
        let scenario = iteration.map(|iteration| &iteration.scenario.scenario);
        let own = scenario.into_iter().flat_map(|scenario| &scenario.tags);
        let tags = test
            .options
            .tags
            .iter()
            .chain(own)
            .map(|(name, value)| (name.as_str().into(), value.as_str().into()));
        self.host
            .circumstances
            .borrow_mut()
            .enter(scenario.map(|scenario| scenario.name.as_str()), tags);
        let Some(scenario) = scenario.filter(|scenario| !scenario.env.is_empty()) else {
            return;
        };
        let Ok(env) = self.ctx.globals().get::<_, Object<'js>>("__ENV") else {
            return;
        };
        for (name, value) in &scenario.env {
            let _ = env.set(name.as_str(), value.as_str()); // a script that froze it gets what it wants
        }
    }

    /// Everything that `setup` and `teardown` do is in a group of that name.
    fn enter_phase(&self, phase: Phase) {
        let name = match phase {
            Phase::Setup => "setup",
            Phase::Teardown => "teardown",
            Phase::Init | Phase::Iteration | Phase::Summary => return,
        };
        if let Some(live) = &self.host.live {
            self.host.enter_group(live, name);
        }
    }

    /// Ends what one iteration must not leave to the next.
    fn leave(&self) {
        forget(self.host);
        self.host.circumstances.borrow_mut().leave_all_groups();
        let Some(live) = &self.host.live else { return };
        let options = &live.shard.test.options;
        if !options.no_cookies_reset {
            live.jar.borrow_mut().reset();
        }
        if options.no_vu_connection_reuse {
            live.client.forget_connections();
        }
    }

    /// Counts what was sent and received since the last time.
    fn record_data(&self, aggregate: &mut Aggregate, now: u64, tags: &Tags) {
        let (sent, received) = self.host.data.take();
        #[expect(clippy::cast_precision_loss, reason = "bytes of one iteration")]
        for (metric, bytes) in [
            (builtin::DATA_SENT, sent as f64),
            (builtin::DATA_RECEIVED, received as f64),
        ] {
            aggregate.record(metric, bytes, now, tags);
        }
    }

    fn record(&self, began: Instant, intended: Option<Instant>, ended: &Ended) {
        let Some(live) = &self.host.live else { return };
        let tags = self.host.tags();
        let ms = |since: Instant| since.elapsed().as_secs_f64() * 1e3;
        let now = crate::run::unix_ns();
        let mut aggregate = live.shard.aggregate.lock();
        self.record_data(&mut aggregate, now, &tags);
        if matches!(ended, Ended::Interrupted) {
            return;
        }
        aggregate.record(builtin::ITERATION_DURATION, ms(began), now, &tags);
        aggregate.record(builtin::ITERATIONS, 1.0, now, &tags);
        if let Some(intended) = intended {
            let delay = began.saturating_duration_since(intended).as_secs_f64() * 1e3;
            aggregate.record(builtin::ITERATION_LATENCY, ms(intended), now, &tags);
            aggregate.record(builtin::ITERATION_START_DELAY, delay, now, &tags);
        }
    }

    /// Waits until the iteration has lasted as long as it has to.
    fn rest(&self, began: Instant) {
        let Some(test) = self.host.test() else { return };
        let left = test
            .options
            .min_iteration_duration
            .saturating_sub(began.elapsed());
        if !left.is_zero() {
            let _ = self
                .host
                .suspender
                .wait(async move { tokio::time::sleep(left).await }); // interrupted or not, it is over
        }
    }
}

/// Lets everything that `value` waits for, if it is a promise, and everything else under way, come to its end. An error
/// that nobody asked for is one all the same.
pub(super) fn settle<'js>(ctx: &Ctx<'js>, host: &Host, value: &Value<'js>) -> rquickjs::Result<Value<'js>> {
    let settled = outcome(ctx, host, value);
    match (settled, host.rejections.take(ctx)) {
        (Ok(_), Some(reason)) => Err(ctx.throw(reason)),
        (settled, _) => settled,
    }
}

fn outcome<'js>(ctx: &Ctx<'js>, host: &Host, value: &Value<'js>) -> rquickjs::Result<Value<'js>> {
    loop {
        while ctx.execute_pending_job() {}
        if host.suspender.is_interrupted() {
            host.events.clear(); // a job was cut short, which nothing else tells
            return Err(interrupted(ctx, Interrupted));
        }
        if host.events.is_empty() {
            break;
        }
        match host.suspender.wait(host.events.next()) {
            Ok(Some(Some(complete))) => complete(ctx)?,
            Ok(_) => {}
            Err(stop) => {
                host.events.clear();
                return Err(interrupted(ctx, stop));
            }
        }
    }
    if !value.is_promise() {
        return Ok(value.clone());
    }
    Promise::from_value(value.clone())?
        .result()
        .unwrap_or_else(|| Err(throw(ctx, "a promise is awaited that nothing will settle")))
}
