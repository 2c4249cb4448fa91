//! A stack of its own for each virtual user, so that JavaScript can wait for a request without a thread to block.
//!
//! A [`Fiber`] is a future. Polled, it runs its body until the body waits for a future of its own
//! ([`Suspender::wait`]) that is not ready, and is then itself not ready.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::{Pin, pin};
use std::ptr::NonNull;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};

/// Of one fiber, in bytes: half for JavaScript, half for what it calls.
const STACK_BYTES: usize = 256 * 1024;

/// What a fiber waited for will not come: it is to come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

/// Runs a body on a stack of its own. A fiber that is dropped before its end is interrupted until it gets there: its
/// stack holds frames of C, which must not be skipped.
pub struct Fiber {
    coroutine: Coroutine<(), (), (), DefaultStack>,
    suspender: Rc<Suspender>,
}

impl Fiber {
    /// A fiber that has not started; it does at the first poll.
    ///
    /// # Errors
    /// If there is no memory for its stack.
    pub fn new(body: impl FnOnce(&Rc<Suspender>) + 'static) -> std::io::Result<Self> {
        let suspender = Rc::new(Suspender {
            yielder: Cell::new(None),
            running: Cell::new(false),
            interrupted: Cell::new(false),
            closed: Cell::new(false),
            waker: RefCell::new(Waker::noop().clone()),
        });
        let mine = suspender.clone();
        let coroutine = Coroutine::with_stack(DefaultStack::new(STACK_BYTES)?, move |yielder, ()| {
            mine.yielder.set(Some(NonNull::from(yielder)));
            body(&mine);
            mine.yielder.set(None);
        });
        Ok(Self { coroutine, suspender })
    }

    /// What interrupts it from outside.
    #[must_use]
    pub fn suspender(&self) -> Rc<Suspender> {
        self.suspender.clone()
    }

    /// Whether it came to its end.
    fn resume(&mut self) -> bool {
        self.suspender.running.set(true);
        let result = self.coroutine.resume(());
        self.suspender.running.set(false);
        matches!(result, CoroutineResult::Return(()))
    }
}

impl Future for Fiber {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let fiber = self.get_mut();
        fiber.suspender.waker.borrow_mut().clone_from(context.waker());
        if fiber.resume() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

impl Drop for Fiber {
    fn drop(&mut self) {
        self.suspender.closed.set(true);
        while self.coroutine.started() && !self.coroutine.done() {
            self.resume();
        }
    }
}

/// A fiber, as its body sees it.
#[derive(Debug)]
pub struct Suspender {
    /// Set while the body runs or is suspended.
    yielder: Cell<Option<NonNull<Yielder<(), ()>>>>,
    /// The fiber's stack is the one in use.
    running: Cell<bool>,
    interrupted: Cell<bool>,
    closed: Cell<bool>,
    waker: RefCell<Waker>,
}

impl Suspender {
    /// Waits for `future`, and lets other fibers of the thread run meanwhile. To be called on the fiber's own stack.
    ///
    /// # Errors
    /// [`Interrupted`] if the fiber was interrupted before `future` was ready; `future` is dropped.
    ///
    /// # Panics
    /// If the fiber is not running.
    pub fn wait<F: Future>(&self, future: F) -> Result<F::Output, Interrupted> {
        let mut future = pin!(future);
        loop {
            if self.is_interrupted() {
                return Err(Interrupted);
            }
            let waker = self.waker.borrow().clone();
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return Ok(output);
            }
            drop(waker);
            self.suspend();
        }
    }

    /// Lets others run for once: fibers, and what waits for sockets and timers, too. tokio looks at those only when
    /// nothing else is ready, or after dozens of turns, so being ready again at once would hold them up.
    ///
    /// # Errors
    /// [`Interrupted`]
    pub fn pass(&self) -> Result<(), Interrupted> {
        self.wait(tokio::task::yield_now())
    }

    /// Whether the body is to give up what it is doing.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.get() || self.closed.get()
    }

    /// Whether the fiber is being dropped.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// Has whatever the body waits for fail, until [`Self::resume`].
    pub fn interrupt(&self) {
        self.interrupted.set(true);
        self.waker.borrow().wake_by_ref();
    }

    /// Ends an interruption. The body may wait again.
    pub fn resume(&self) {
        self.interrupted.set(false);
    }

    #[expect(
        unsafe_code,
        reason = "corosensei lends its yielder to the body's closure, and what waits is a native function deep below it"
    )]
    fn suspend(&self) {
        assert!(self.running.get(), "only a running fiber can wait");
        let yielder = self.yielder.get().expect("a running fiber has one");
        // SAFETY: `yielder` was made from the reference that corosensei lends to the body, and is cleared when the body
        // returns; the body cannot be left by a panic that goes on to use it, since the suspender is then out of reach
        // of any running code. `running` says that this call comes from the fiber itself: fibers are neither `Send`
        // nor nested, so nothing else runs on this thread between `Fiber::resume` and the next suspension.
        unsafe { yielder.as_ref() }.suspend(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn fibers_wait_at_the_same_time() {
        let log = Rc::new(RefCell::new(Vec::new()));
        let (mut gates, mut fibers) = (Vec::new(), Vec::new());
        for name in ["a", "b", "c"] {
            let (open, opened) = tokio::sync::oneshot::channel::<()>();
            let log = log.clone();
            gates.push(open);
            fibers.push(Fiber::new(move |fiber| {
                fiber.wait(opened).unwrap().unwrap();
                log.borrow_mut().push(name);
            }));
        }
        let open_last_first = async {
            while let Some(gate) = gates.pop() {
                gate.send(()).unwrap();
                tokio::task::yield_now().await;
            }
        };
        let fibers = fibers.into_iter().map(Result::unwrap);
        futures_util::future::join(futures_util::future::join_all(fibers), open_last_first).await;
        assert_eq!(*log.borrow(), ["c", "b", "a"]);
    }

    #[tokio::test]
    async fn an_interrupted_fiber_may_clean_up_and_go_on() {
        let ended = Rc::new(Cell::new(0));
        let seen = ended.clone();
        let fiber = Fiber::new(move |fiber| {
            assert_eq!(fiber.wait(std::future::pending::<()>()), Err(Interrupted));
            fiber.resume();
            assert_eq!(fiber.wait(std::future::ready(7)), Ok(7));
            seen.set(1);
        })
        .unwrap();
        let suspender = fiber.suspender();
        let interrupt = async {
            tokio::task::yield_now().await;
            suspender.interrupt();
        };
        futures_util::future::join(fiber, interrupt).await;
        assert_eq!(ended.get(), 1);
    }

    #[tokio::test]
    async fn a_fiber_that_is_dropped_comes_to_its_end() {
        let ended = Rc::new(Cell::new(false));
        let seen = ended.clone();
        let mut fiber = Fiber::new(move |fiber| {
            while fiber.wait(std::future::pending::<()>()).is_ok() {}
            seen.set(true);
        })
        .unwrap();
        let polled = Pin::new(&mut fiber).poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending() && !ended.get());
        drop(fiber);
        assert!(ended.get());
    }
}
