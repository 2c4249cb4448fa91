//! Requests for one key share one fill: an answer that grows while everybody who waits for it reads along.
//!
//! A fill is a task of its own (DESIGN section 4): a client that leaves aborts nothing that others, or the cache, still want.

mod reader;
mod table;
mod under_way;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode};
use parking_lot::Mutex;
use tokio::sync::watch;

pub(crate) use self::reader::FillReader;
pub(crate) use self::table::{Fills, Joined};
pub(crate) use self::under_way::{Register, UnderWay};
use crate::cache::entry::Entry;
use crate::clock::UnixMillis;
use crate::fetch::FetchError;
use crate::floors::TagHash;
use crate::policy::freshness::Facts;
use crate::policy::storing::NotStored;
use crate::position::Position;

/// A fill that is not stored keeps at most this much that its slowest reader has not read.
const WINDOW_BYTES: usize = 256 * 1024;
/// How long one reader may hold up others.
const HOLD_UP_MAX: Duration = Duration::from_secs(1);
/// An origin that says more than this before its answer is not passed on.
const HINTS_MAX: usize = 16;

/// What an origin says before its answer (RFC 9110 section 15.2, RFC 8297).
#[derive(Debug)]
pub(crate) struct Hint {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
}

/// The head of an answer that is on its way.
#[derive(Debug, Clone)]
pub(crate) struct ResponseHead {
    pub(crate) status: StatusCode,
    /// As they are sent on: no hop-by-hop fields, no `Age`.
    pub(crate) headers: HeaderMap,
    pub(crate) content_length: Option<u64>,
    /// Age that caches before this one have given it.
    pub(crate) age_given_s: Option<u32>,
    /// What is kept of its freshness, if it goes into the cache: then it may be for those who wait, too.
    pub(crate) stored: Option<Facts>,
    /// Why it does not, for those who want that explained.
    pub(crate) not_stored: Option<NotStored>,
    /// Fields that only the client that caused the fill may have.
    pub(crate) withheld: Vec<HeaderName>,
    /// Request values that the answer is for, by the names in `Vary`.
    pub(crate) vary: Vec<(String, Option<Vec<u8>>)>,
    /// What it is made of, how much of the data's history it reflects, and when it was asked for: the floors decide
    /// whether it answers a request that came later.
    pub(crate) floor_tags: Vec<TagHash>,
    pub(crate) position: Option<Position>,
    pub(crate) requested_at: UnixMillis,
    pub(crate) received_at: UnixMillis,
    pub(crate) origin_took: Duration,
}

/// What a fill comes to.
#[derive(Debug, Clone)]
pub(crate) enum Head {
    /// A body follows.
    Response(Arc<ResponseHead>),
    /// The stored response was found good, or another fill had just ended: nothing follows.
    Entry {
        entry: Arc<Entry>,
        /// Others may have it, too.
        shared: bool,
        fwd_status: Option<u16>,
        /// Age that caches before this one have given the answer that confirmed it.
        age_given_s: Option<u32>,
        origin_took: Duration,
        /// Another proxy of the region has stored it meanwhile: no origin was asked.
        from_ring: bool,
    },
    /// Nothing came.
    Failed(FetchError),
}

/// The origin broke off in the middle of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the origin broke off before the end of the body")]
pub(crate) struct BrokenOff;

/// Nobody reads a fill that is not stored: it may stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unwanted;

#[derive(Debug, Default)]
struct State {
    hints: Vec<Arc<Hint>>,
    head: Option<Head>,
    /// Chunks from `first` on; earlier ones have been read by all and dropped.
    chunks: std::collections::VecDeque<Bytes>,
    first: usize,
    keep_all: bool,
    end: Option<Result<(), BrokenOff>>,
    /// Next chunk of each reader.
    readers: HashMap<u64, usize>,
    readers_ever: u64,
}

impl State {
    fn drop_read(&mut self) {
        if self.keep_all {
            return;
        }
        let slowest = self.readers.values().copied().min().unwrap_or(usize::MAX);
        while self.first < slowest && self.chunks.pop_front().is_some() {
            self.first += 1;
        }
    }

    /// Goes on without the readers that are furthest behind, unless that is all of them.
    fn leave_slowest(&mut self) {
        let slowest = self.readers.values().copied().min().unwrap_or_default();
        if self.readers.values().any(|at| *at > slowest) {
            self.readers.retain(|_, at| *at > slowest);
            self.drop_read();
        }
    }

    fn waiting_bytes(&self) -> usize {
        self.chunks.iter().map(Bytes::len).sum()
    }
}

/// An answer that grows.
#[derive(Debug)]
pub(crate) struct Fill {
    /// Whoever comes after a change that was heard of later needs another fill.
    pub(crate) started_at: UnixMillis,
    state: Mutex<State>,
    /// Moves with every change of the state.
    moved: watch::Sender<u64>,
}

impl Fill {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            started_at: UnixMillis::now(),
            state: Mutex::default(),
            moved: watch::Sender::new(0),
        })
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let out = change(&mut self.state.lock());
        self.moved.send_modify(|moves| *moves = moves.wrapping_add(1));
        out
    }

    /// A reader from the start. Only before the head is out, or while everything is kept, is the start still there.
    pub(crate) fn reader(self: &Arc<Self>) -> Option<FillReader> {
        let mut state = self.state.lock();
        if state.first > 0 {
            return None;
        }
        let id = state.readers_ever;
        state.readers_ever += 1;
        state.readers.insert(id, 0);
        Some(FillReader {
            fill: Arc::clone(self),
            id,
            moved: self.moved.subscribe(),
            skip: 0,
            left: u64::MAX,
        })
    }

    /// Passes on what the origin says before its answer.
    pub(crate) fn hint(&self, hint: Hint) {
        self.change(|state| {
            if state.hints.len() < HINTS_MAX {
                state.hints.push(Arc::new(hint));
            }
        });
    }

    /// Says what the fill comes to. `keep_all`: the body is wanted whole, whoever reads it.
    pub(crate) fn set_head(&self, head: Head, keep_all: bool) {
        self.change(|state| {
            state.head = Some(head);
            state.keep_all = keep_all;
        });
    }

    /// From here on what all have read is dropped, and the fill waits for its readers.
    pub(crate) fn stop_keeping(&self) {
        self.change(|state| {
            state.keep_all = false;
            state.drop_read();
        });
    }

    pub(crate) fn push(&self, chunk: Bytes) {
        self.change(|state| state.chunks.push_back(chunk));
    }

    /// Waits until there is room for more. A reader that holds up others for longer than [`HOLD_UP_MAX`] loses the rest.
    ///
    /// # Errors
    /// [`Unwanted`] when nobody reads and nothing is kept.
    pub(crate) async fn room(&self) -> Result<(), Unwanted> {
        let mut moved = self.moved.subscribe();
        loop {
            moved.borrow_and_update();
            let others_wait = {
                let state = self.state.lock();
                if state.keep_all {
                    return Ok(());
                }
                if state.readers.is_empty() {
                    return Err(Unwanted);
                }
                if state.waiting_bytes() < WINDOW_BYTES {
                    return Ok(());
                }
                state.readers.len() > 1
            };
            if !others_wait {
                let _ = moved.changed().await;
            } else if tokio::time::timeout(HOLD_UP_MAX, moved.changed()).await.is_err() {
                self.change(State::leave_slowest);
            }
        }
    }

    /// Tells readers that nothing more will come, unless they know already: the task that fills has ended.
    pub(crate) fn abandon(&self) {
        self.change(|state| {
            state.head.get_or_insert(Head::Failed(FetchError::GivenUp));
            state.end.get_or_insert(Err(BrokenOff));
        });
    }

    pub(crate) fn finish(&self, end: Result<(), BrokenOff>) {
        self.change(|state| state.end = Some(end));
    }
}

/// A new fill and its first reader.
pub(crate) fn start() -> (Arc<Fill>, FillReader) {
    let fill = Fill::new();
    let reader = fill.reader().expect("a new fill has dropped nothing");
    (fill, reader)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head {
        Head::Response(Arc::new(ResponseHead {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            content_length: None,
            age_given_s: None,
            stored: Some(Facts::default()),
            not_stored: None,
            withheld: vec![],
            vary: vec![],
            floor_tags: vec![],
            position: None,
            requested_at: UnixMillis(0),
            received_at: UnixMillis(0),
            origin_took: Duration::ZERO,
        }))
    }

    async fn read_all(mut reader: FillReader) -> Result<Vec<u8>, BrokenOff> {
        let mut all = Vec::new();
        while let Some(chunk) = reader.next().await? {
            all.extend_from_slice(&chunk);
        }
        Ok(all)
    }

    #[tokio::test]
    async fn everybody_reads_the_whole_body_whenever_they_came() {
        let fills = Fills::default();
        let Joined::Leader(fill, first) = fills.join(1, |_| true, || None) else {
            panic!("nobody was filling")
        };
        fill.set_head(head(), true);
        fill.push(Bytes::from_static(b"one "));
        let Joined::Waiter(second) = fills.join(1, |_| true, || None) else {
            panic!("a fill is under way")
        };
        fill.push(Bytes::from_static(b"two"));
        fill.finish(Ok(()));
        assert_eq!(read_all(first).await.unwrap(), b"one two");
        assert_eq!(read_all(second).await.unwrap(), b"one two");
        fills.remove(1, &fill);
        assert_eq!(fills.len(), 0);
        assert!(matches!(fills.join(1, |_| true, || None), Joined::Leader(..)));
    }

    #[tokio::test]
    async fn a_fill_that_keeps_nothing_waits_for_its_slowest_reader() {
        let (fill, mut reader) = start();
        fill.set_head(head(), false);
        fill.push(Bytes::from(vec![0; WINDOW_BYTES]));
        let room = tokio::time::timeout(Duration::from_millis(20), fill.room()).await;
        assert!(room.is_err(), "full");
        assert_eq!(reader.next().await.unwrap().unwrap().len(), WINDOW_BYTES);
        assert_eq!(fill.room().await, Ok(()));
        assert!(fill.reader().is_none(), "the start is gone");
    }

    #[tokio::test]
    async fn one_slow_reader_does_not_hold_up_the_others_for_long() {
        let (fill, slow) = start();
        let mut quick = fill.reader().unwrap();
        fill.set_head(head(), false);
        fill.push(Bytes::from(vec![0; WINDOW_BYTES]));
        quick.next().await.unwrap();
        assert_eq!(fill.room().await, Ok(()));
        fill.push(Bytes::from_static(b"more"));
        assert_eq!(quick.next().await.unwrap().unwrap(), "more");
        assert_eq!(read_all(slow).await, Err(BrokenOff), "never a wrong body");
    }

    #[tokio::test]
    async fn a_fill_that_nobody_wants_may_stop() {
        let (fill, reader) = start();
        fill.set_head(head(), false);
        drop(reader);
        assert_eq!(fill.room().await, Err(Unwanted));
        fill.set_head(head(), true);
        assert_eq!(fill.room().await, Ok(()), "the cache wants it");
    }

    #[test]
    fn a_fill_from_before_a_change_is_not_joined() {
        let fills = Fills::default();
        let Joined::Leader(old, _) = fills.join(1, |_| true, || None) else {
            panic!("nobody was filling")
        };
        let Joined::Leader(new, _) = fills.join(1, |_| false, || None) else {
            panic!("the fill is outdated")
        };
        assert!(!Arc::ptr_eq(&old, &new));
        fills.remove(1, &old);
        assert_eq!(
            fills.len(),
            1,
            "the old fill does not take the new one off the table"
        );
    }

    #[tokio::test]
    async fn readers_learn_that_the_task_is_gone() {
        let (fill, mut reader) = start();
        fill.abandon();
        assert!(matches!(reader.head().await, Head::Failed(FetchError::GivenUp)));
        assert_eq!(read_all(reader).await, Err(BrokenOff));
    }

    #[tokio::test]
    async fn readers_learn_that_the_origin_broke_off() {
        let (fill, reader) = start();
        fill.set_head(head(), true);
        fill.push(Bytes::from_static(b"half"));
        fill.finish(Err(BrokenOff));
        assert_eq!(read_all(reader).await, Err(BrokenOff));
    }
}
