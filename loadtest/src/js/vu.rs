//! A virtual user: a QuickJS runtime on a fiber, which obeys commands.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;

use rquickjs::{Context, Ctx, Module, Object, Runtime};
use tokio::sync::{mpsc, oneshot};

use crate::http::{Client, CookieJar};
use crate::run::{Shard, StopReason};

use super::circumstances::Circumstances;
use super::error::{ScriptError, throw};
use super::event_loop::EventLoop;
use super::exports::Exports;
use super::fiber::{Fiber, Suspender};
use super::host::{Host, Iteration, Live, Phase};
use super::loader::Modules;
use super::modules::{self, CurrentVu, Requests};
use super::rejections::Rejections;
use super::running::{Running, settle};
use super::script::Script;

/// What JavaScript may use of a fiber's stack, in bytes. The other half is for native functions.
const JS_STACK_BYTES: usize = 128 * 1024;

/// Where a virtual user's iterations come from.
pub trait Iterations {
    /// The next one, to start at once; `None` if there is none for now.
    fn next(&self) -> Option<Iteration>;
}

/// What a virtual user is told to do.
pub enum Command {
    /// Iterate until `source` has no more, then answer.
    Iterate {
        /// Whose function, environment and tags.
        source: Rc<dyn Iterations>,
        /// Told when `source` had no more.
        done: Box<dyn FnOnce()>,
    },
    /// Call one of the script's functions.
    Call {
        /// `Setup`, `Teardown` or `Summary`.
        phase: Phase,
        /// The exported function's name.
        function: &'static str,
        /// As JSON; `None` for `undefined`.
        argument: Option<Arc<str>>,
        /// What it returned, as JSON; `None` for `undefined`.
        reply: oneshot::Sender<Result<Option<String>, ScriptError>>,
    },
}

/// The handle of a virtual user. Dropped, it ends as soon as it is idle.
pub struct Vu {
    /// `__VU`.
    pub id: u32,
    suspender: Rc<Suspender>,
    commands: mpsc::UnboundedSender<Command>,
}

impl Vu {
    /// Makes a virtual user on this thread. Its init code has run when the receiver is ready.
    ///
    /// # Errors
    /// If there is no memory for its stack.
    ///
    /// # Panics
    /// Outside of a `LocalSet`.
    pub fn spawn(
        script: Arc<Script>,
        shard: Option<Rc<Shard>>,
        id: u32,
        setup_data: Rc<RefCell<Option<Arc<str>>>>,
    ) -> std::io::Result<(Self, oneshot::Receiver<Result<Exports, ScriptError>>)> {
        let (commands, received) = mpsc::unbounded_channel();
        let (ready, is_ready) = oneshot::channel();
        let fiber = Fiber::new(move |suspender| {
            let host = Rc::new(new_host(script, shard, id, suspender.clone()));
            let life = || live(&host, ready, received, &setup_data);
            // A panic of one virtual user must not go unnoticed: nothing waits for it once it is gone.
            if catch_unwind(AssertUnwindSafe(life)).is_err()
                && let Some(test) = host.test()
            {
                test.stop(StopReason::Died);
            }
        })?;
        let suspender = fiber.suspender();
        tokio::task::spawn_local(fiber);
        Ok((
            Self {
                id,
                suspender,
                commands,
            },
            is_ready,
        ))
    }

    /// Has it obey `command` as soon as it is idle.
    pub fn send(&self, command: Command) {
        let _ = self.commands.send(command); // one that died has said why
    }

    /// Cuts short what it is doing.
    pub fn interrupt(&self) {
        self.suspender.interrupt();
    }
}

fn new_host(script: Arc<Script>, shard: Option<Rc<Shard>>, id: u32, suspender: Rc<Suspender>) -> Host {
    let system: Arc<[String]> = match &shard {
        Some(shard) => shard.test.options.system_tags.clone().into(),
        None => Arc::default(),
    };
    Host {
        circumstances: RefCell::new(Circumstances::new(script.registry.clone(), system)),
        live: shard.map(|shard| Live {
            client: Client::new(shard.network.clone()),
            shard,
            jar: Rc::new(RefCell::new(CookieJar::default())),
        }),
        script,
        suspender,
        id,
        phase: Cell::new(Phase::Init),
        iteration: RefCell::new(None),
        iterations: Cell::new(0),
        in_scenario: Cell::new(0),
        events: EventLoop::default(),
        rejections: Rejections::default(),
        requests: Requests::default(),
        data: Cell::new((0, 0)),
    }
}

/// A virtual user's life, on its fiber.
fn live(
    host: &Rc<Host>,
    ready: oneshot::Sender<Result<Exports, ScriptError>>,
    mut commands: mpsc::UnboundedReceiver<Command>,
    setup_data: &RefCell<Option<Arc<str>>>,
) {
    let (_runtime, context) = match engine(host) {
        Ok(engine) => engine,
        Err(error) => {
            let _ = ready.send(Err(ScriptError {
                text: format!("cannot make a JavaScript runtime: {error}"),
            }));
            return;
        }
    };
    context.with(|ctx| {
        let _forgotten = Forgotten(host);
        let module = match init(&ctx, host) {
            Ok(module) => module,
            Err(error) => {
                let _ = ready.send(Err(error));
                return;
            }
        };
        let _ = ready.send(Ok(Exports::of(&ctx, &module)));
        let mut vu = Running::new(&ctx, host, module, setup_data);
        loop {
            match host.suspender.wait(commands.recv()) {
                Ok(Some(command)) => vu.obey(command),
                Ok(None) => break,
                Err(_) if host.suspender.is_closed() => break,
                Err(_) => host.suspender.resume(), // it was idle already
            }
        }
    });
}

/// Gives up what is under way.
pub(super) fn forget(host: &Host) {
    host.events.clear();
    host.rejections.clear();
}

/// What is under way holds JavaScript's values, which must not outlive the runtime, even if a panic ends it.
struct Forgotten<'a>(&'a Host);

impl Drop for Forgotten<'_> {
    fn drop(&mut self) {
        forget(self.0);
    }
}

fn engine(host: &Rc<Host>) -> rquickjs::Result<(Runtime, Context)> {
    let runtime = Runtime::new()?;
    runtime.set_max_stack_size(JS_STACK_BYTES);
    runtime.set_loader(Modules(host.script.clone()), Modules(host.script.clone()));
    let suspender = host.suspender.clone();
    // QuickJS asks every few thousand steps. A script that computes for long lets the others of its thread run.
    runtime.set_interrupt_handler(Some(Box::new(move || suspender.pass().is_err())));
    let of = host.clone();
    runtime.set_host_promise_rejection_tracker(Some(Box::new(move |ctx, promise, reason, is_handled| {
        of.rejections.track(&ctx, promise, reason, is_handled);
    })));
    let context = Context::full(&runtime)?;
    Ok((runtime, context))
}

/// Runs the script's module.
fn init<'js>(ctx: &Ctx<'js>, host: &Rc<Host>) -> Result<Object<'js>, ScriptError> {
    let run = || {
        let _ = ctx.store_userdata(CurrentVu(host.clone()));
        modules::set_globals(ctx)?;
        let source = host
            .script
            .file(&host.script.path)
            .map_err(|error| throw(ctx, &error.to_string()))?;
        let name = host.script.path.to_string_lossy().into_owned();
        let (module, promise) = Module::declare(ctx.clone(), name, &*source)?.eval()?;
        settle(ctx, host, &promise.into_value())?;
        module.namespace()
    };
    run().map_err(|error| ScriptError::caught(ctx, error))
}
