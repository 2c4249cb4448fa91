//! Reading a fill as it grows.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use tokio::sync::watch;

use super::{BrokenOff, Fill, Head, Hint};
use crate::fetch::FetchError;

/// One reader of a fill. Dropping it tells the fill that nobody waits here any more.
#[derive(Debug)]
pub(crate) struct FillReader {
    pub(super) fill: Arc<Fill>,
    pub(super) id: u64,
    pub(super) moved: watch::Receiver<u64>,
    /// Bytes to pass over, and those to read after them.
    pub(super) skip: u64,
    pub(super) left: u64,
}

impl FillReader {
    /// Reads this part of the body only.
    pub(crate) fn only(mut self, part: &Range<u64>) -> Self {
        self.skip = part.start;
        self.left = part.end - part.start;
        self
    }

    /// Waits for the head.
    pub(crate) async fn head(&mut self) -> Head {
        self.head_and_hints(|_| ()).await
    }

    /// Waits for the head, and hands on what the origin says before it.
    pub(crate) async fn head_and_hints(&mut self, mut hand_on: impl FnMut(Arc<Hint>)) -> Head {
        let mut handed_on = 0;
        loop {
            self.moved.borrow_and_update();
            let hints: Vec<_> = self.fill.state.lock().hints[handed_on..].to_vec();
            handed_on += hints.len();
            hints.into_iter().for_each(&mut hand_on);
            if let Some(head) = &self.fill.state.lock().head {
                return head.clone();
            }
            if self.moved.changed().await.is_err() {
                return Head::Failed(FetchError::GivenUp); // not reached while `self.fill` lives
            }
        }
    }

    /// Waits for the next piece of the body; `None` at its end.
    ///
    /// # Errors
    /// [`BrokenOff`] when the body will never be whole.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, BrokenOff> {
        loop {
            self.moved.borrow_and_update();
            if self.left == 0 {
                return Ok(None);
            }
            match self.step() {
                Some(Ok(Some(chunk))) => {
                    if let Some(chunk) = self.wanted(chunk) {
                        return Ok(Some(chunk));
                    }
                    continue;
                }
                Some(end) => return end,
                None => {}
            }
            if self.moved.changed().await.is_err() {
                return Err(BrokenOff);
            }
        }
    }

    /// What of a chunk lies in the part to read.
    fn wanted(&mut self, mut chunk: Bytes) -> Option<Bytes> {
        let within =
            |count: u64, chunk: &Bytes| usize::try_from(count).unwrap_or(usize::MAX).min(chunk.len());
        let before = within(self.skip, &chunk);
        self.skip -= before as u64;
        chunk.advance(before);
        chunk.truncate(within(self.left, &chunk));
        self.left -= chunk.len() as u64;
        (!chunk.is_empty()).then_some(chunk)
    }

    fn step(&mut self) -> Option<Result<Option<Bytes>, BrokenOff>> {
        let mut state = self.fill.state.lock();
        let Some(at) = state.readers.get(&self.id).copied() else {
            return Some(Err(BrokenOff));
        };
        let chunk = state.chunks.get(at - state.first).cloned();
        match chunk {
            Some(chunk) => {
                state.readers.insert(self.id, at + 1);
                state.drop_read();
                let waits = !state.keep_all;
                drop(state);
                if waits {
                    self.fill.change(|_| ());
                }
                Some(Ok(Some(chunk)))
            }
            None => state.end.map(|end| end.map(|()| None)),
        }
    }
}

impl Drop for FillReader {
    fn drop(&mut self) {
        self.fill.change(|state| {
            state.readers.remove(&self.id);
            state.drop_read();
        });
    }
}
