//! What a promise waits for: timers and requests that go on while JavaScript does something else.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::StreamExt;
use futures_util::future::{AbortHandle, Abortable};
use futures_util::stream::FuturesUnordered;
use rquickjs::{Ctx, Result};

/// What is to be done on the fiber's stack when something has come to its end.
pub(super) type Completion = Box<dyn for<'js> FnOnce(&Ctx<'js>) -> Result<()>>;
/// The number of a timer, if it is one, and what is to be done, unless it was cancelled.
type Pending = Pin<Box<dyn Future<Output = (Option<u32>, Option<Completion>)>>>;

/// Things at the same time, at most, in one virtual user.
const PENDING_MAX: usize = 10_000;

/// Things under way in one virtual user.
#[derive(Default)]
pub(super) struct EventLoop {
    pending: RefCell<FuturesUnordered<Pending>>,
    timers: RefCell<Vec<(u32, AbortHandle)>>,
    last_timer: Cell<u32>,
}

impl EventLoop {
    /// Has `future` go on in the background.
    ///
    /// # Errors
    /// A sentence, if there are too many.
    pub(super) fn add(
        &self,
        future: impl Future<Output = Completion> + 'static,
    ) -> std::result::Result<(), String> {
        self.push(Box::pin(async move { (None, Some(future.await)) }))
    }

    /// The same, for what [`Self::cancel`] can end.
    ///
    /// # Errors
    /// A sentence, if there are too many.
    pub(super) fn add_timer(
        &self,
        future: impl Future<Output = Completion> + 'static,
    ) -> std::result::Result<u32, String> {
        let timer = self.last_timer.get().wrapping_add(1);
        let (handle, registration) = AbortHandle::new_pair();
        let future = Abortable::new(future, registration);
        self.push(Box::pin(async move { (Some(timer), future.await.ok()) }))?;
        self.last_timer.set(timer);
        self.timers.borrow_mut().push((timer, handle));
        Ok(timer)
    }

    /// Ends a timer before its time.
    pub(super) fn cancel(&self, timer: u32) {
        if let Some((_, handle)) = self.timers.borrow().iter().find(|(known, _)| *known == timer) {
            handle.abort();
        }
    }

    /// Nothing is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.pending.borrow().is_empty()
    }

    /// What the next thing to come to its end leaves to do (nothing, if it was cancelled); `None` if nothing is under way.
    pub(super) fn next(&self) -> impl Future<Output = Option<Option<Completion>>> + '_ {
        std::future::poll_fn(|context: &mut Context<'_>| {
            let Poll::Ready(ended) = self.pending.borrow_mut().poll_next_unpin(context) else {
                return Poll::Pending;
            };
            Poll::Ready(ended.map(|(timer, completion)| {
                self.timers
                    .borrow_mut()
                    .retain(|(known, _)| Some(*known) != timer);
                completion
            }))
        })
    }

    /// Gives everything up.
    pub(super) fn clear(&self) {
        if !self.is_empty() {
            self.pending.borrow_mut().clear(); // which makes a new queue
            self.timers.borrow_mut().clear();
        }
    }

    fn push(&self, pending: Pending) -> std::result::Result<(), String> {
        let all = self.pending.borrow();
        if all.len() >= PENDING_MAX {
            return Err(format!(
                "more than {PENDING_MAX} timers and requests at the same time: await some of them"
            ));
        }
        all.push(pending);
        Ok(())
    }
}
