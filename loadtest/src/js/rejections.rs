//! Promises that were rejected while nobody asked for their errors.

use std::cell::RefCell;

use rquickjs::{Ctx, Persistent, Value};

/// Promises that are kept in mind; of more, the first ones tell what went wrong.
const KEPT_MAX: usize = 100;

/// A promise, and why it was rejected.
type Rejection = (Persistent<Value<'static>>, Persistent<Value<'static>>);

/// The rejections of one virtual user that nothing has handled yet.
#[derive(Default)]
pub(super) struct Rejections(RefCell<Vec<Rejection>>);

impl Rejections {
    /// Takes down that `promise` was rejected without a handler, or, later, that it has got one.
    pub(super) fn track<'js>(
        &self,
        ctx: &Ctx<'js>,
        promise: Value<'js>,
        reason: Value<'js>,
        is_handled: bool,
    ) {
        let mut rejections = self.0.borrow_mut();
        if !is_handled {
            if rejections.len() < KEPT_MAX {
                rejections.push((Persistent::save(ctx, promise), Persistent::save(ctx, reason)));
            }
            return;
        }
        let known = rejections
            .iter()
            .position(|(known, _)| known.clone().restore(ctx).is_ok_and(|known| known == promise));
        if let Some(place) = known {
            rejections.remove(place);
        }
    }

    /// Why the first one was rejected; forgets all.
    pub(super) fn take<'js>(&self, ctx: &Ctx<'js>) -> Option<Value<'js>> {
        let first = self.0.take().into_iter().next();
        first.and_then(|(_, reason)| reason.restore(ctx).ok())
    }

    /// Forgets all.
    pub(super) fn clear(&self) {
        self.0.borrow_mut().clear();
    }
}
