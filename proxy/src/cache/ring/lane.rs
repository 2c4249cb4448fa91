//! One connection to a node, shared by all who ask: requests are written as they come, and replies, which memcached gives
//! in order, are handed to whoever asked.
//!
//! Many requests go out in one write and many replies come in with one read, so that a look-up among many costs a fraction
//! of an exchange of its own (`benches/ring_client.rs`). A reply that does not repeat the number of the request it stands
//! for ends the connection: whatever follows might be somebody else's.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::command::{Command, Encoded, ReplyLine, Surprise};
use super::dial::Dial;
use super::exchange::Exchange;

/// Requests that wait to be written; further ones fail at once.
const QUEUED_MAX: usize = 4096;

/// Why a request got no reply.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum LaneError {
    #[error("too many requests wait for it")]
    Busy,
    #[error("cannot connect: {0}")]
    Connect(Arc<io::Error>),
    #[error("connect timed out after {} ms", .0.as_millis())]
    ConnectTimedOut(Duration),
    #[error("the connection broke: {0}")]
    Broken(Arc<io::Error>),
    #[error("it stayed silent for {} ms", .0.as_millis())]
    Silent(Duration),
    #[error(transparent)]
    Surprise(#[from] Surprise),
    #[error("its connection is gone")]
    Gone,
    #[error("{0}")]
    Usage(String),
}

/// A reply.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) line: ReplyLine,
    pub(crate) value: Option<Bytes>,
    /// Which of the lane's connections it came on: versions are told apart only within one.
    pub(crate) connection: u64,
}

/// A request on its way.
pub(super) struct Asked {
    pub(super) request: Encoded,
    /// `None`: the reply repeats nothing (`mn`).
    pub(super) opaque: Option<u32>,
    pub(super) only_on: Option<u64>,
    pub(super) reply: Answer,
}

/// Where a reply goes.
pub(super) enum Answer {
    To(oneshot::Sender<Result<Reply, LaneError>>),
    /// Nobody needs it.
    Nobody,
}

impl Answer {
    pub(super) fn send(self, reply: Result<Reply, LaneError>) {
        if let Self::To(asker) = self {
            let _ = asker.send(reply); // whoever asked may have gone on without
        }
    }

    pub(super) fn is_given_up(&self) -> bool {
        matches!(self, Self::To(asker) if asker.is_closed())
    }
}

/// What a lane is made of.
#[derive(Clone)]
pub(super) struct LaneConfig {
    pub(super) dial: Dial,
    pub(super) connect_timeout: Duration,
    /// A node that leaves a request without a reply for so long is given up on.
    pub(super) silence_max: Duration,
    /// Largest value that is read.
    pub(super) value_bytes_max: usize,
}

/// What can be seen of a lane from outside.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    open: AtomicBool,
    pub(super) pending: AtomicUsize,
}

/// One connection's place. It is opened when first needed, and again after it broke.
pub(super) struct Lane {
    queue: mpsc::Sender<Asked>,
    opaque: AtomicU32,
    gauge: Arc<Gauge>,
    driver: AbortHandle,
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// The reply to come.
pub(super) type Coming = oneshot::Receiver<Result<Reply, LaneError>>;

impl Lane {
    pub(super) fn new(config: LaneConfig) -> Self {
        let (queue, asked) = mpsc::channel(QUEUED_MAX);
        let gauge = Arc::default();
        Self {
            queue,
            opaque: AtomicU32::new(0),
            driver: tokio::spawn(drive(config, asked, Arc::clone(&gauge))).abort_handle(),
            gauge,
        }
    }

    /// Whether the connection is open.
    pub(super) fn is_open(&self) -> bool {
        self.gauge.open.load(Ordering::Relaxed)
    }

    /// Requests that wait for a reply.
    pub(super) fn pending(&self) -> usize {
        self.gauge.pending.load(Ordering::Relaxed)
    }

    /// Sends a request; the reply comes in its time. `only_on`: on no other connection than this.
    ///
    /// # Errors
    /// [`LaneError::Busy`] when too many requests wait already, [`LaneError::Usage`] for a key that cannot be sent.
    pub(super) fn ask(
        &self,
        key: &[u8],
        command: Command,
        only_on: Option<u64>,
    ) -> Result<Coming, LaneError> {
        let (reply, coming) = oneshot::channel();
        self.send(key, command, only_on, Answer::To(reply))?;
        Ok(coming)
    }

    /// Sends a request whose reply nobody needs.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub(super) fn tell(&self, key: &[u8], command: Command) -> Result<(), LaneError> {
        self.send(key, command, None, Answer::Nobody)
    }

    fn send(
        &self,
        key: &[u8],
        command: Command,
        only_on: Option<u64>,
        reply: Answer,
    ) -> Result<(), LaneError> {
        let opaque = self.opaque.fetch_add(1, Ordering::Relaxed);
        let repeats = command != Command::Noop;
        let request = command
            .encode(key, opaque)
            .map_err(|error| LaneError::Usage(error.to_string()))?;
        let asked = Asked {
            request,
            opaque: repeats.then_some(opaque),
            only_on,
            reply,
        };
        self.queue.try_send(asked).map_err(|_| LaneError::Busy)
    }
}

/// Connects when there is something to ask, and again when a connection has ended.
async fn drive(config: LaneConfig, mut queue: mpsc::Receiver<Asked>, gauge: Arc<Gauge>) {
    let mut connection = 0;
    while let Some(first) = queue.recv().await {
        let stream = match timeout(config.connect_timeout, config.dial.connect()).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                fail_waiting(first, &mut queue, &LaneError::Connect(Arc::new(error)));
                continue;
            }
            Err(_) => {
                fail_waiting(
                    first,
                    &mut queue,
                    &LaneError::ConnectTimedOut(config.connect_timeout),
                );
                continue;
            }
        };
        connection += 1;
        let mut exchange = Exchange::new(stream, connection, &config);
        exchange.take(first);
        gauge.open.store(true, Ordering::Relaxed);
        let error = exchange.run(&mut queue, &gauge).await;
        gauge.open.store(false, Ordering::Relaxed);
        gauge.pending.store(0, Ordering::Relaxed);
        tracing::debug!(%error, "a connection to a ring node ended");
        exchange.fail(&error);
    }
}

/// One failure of the node, however many wait.
fn fail_waiting(first: Asked, queue: &mut mpsc::Receiver<Asked>, error: &LaneError) {
    first.reply.send(Err(error.clone()));
    while let Ok(asked) = queue.try_recv() {
        asked.reply.send(Err(LaneError::Gone));
    }
}
