//! One connection to a node, shared by all who ask: requests are written as they come, and replies, which memcached gives
//! in order, are handed to whoever asked.
//!
//! Many requests go out in one write and many replies come in with one read, so that a look-up among many costs a fraction
//! of an exchange of its own (`benches/ring_client.rs`). A reply that does not repeat the number of the request it stands
//! for ends the connection: whatever follows might be somebody else's.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::command::{Command, Encoded, ReplyLine, Surprise, reply_line};
use super::dial::{Dial, Stream};

/// Requests that wait to be written; further ones fail at once.
const QUEUED_MAX: usize = 4096;
/// Requests that wait for their reply on one connection.
const PENDING_MAX: usize = 8192;
/// Requests that are taken from the queue in one go.
const BATCH_MAX: usize = 512;
/// Bytes that are read in one go, but for large values.
const READ_BYTES: usize = 64 * 1024;
/// Nothing is added to a write while this much has not gone out.
const UNWRITTEN_BYTES_MAX: usize = 256 * 1024;

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
    #[error("the connection that the request was for is gone")]
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
struct Asked {
    request: Encoded,
    /// `None`: the reply repeats nothing (`mn`).
    opaque: Option<u32>,
    only_on: Option<u64>,
    reply: oneshot::Sender<Result<Reply, LaneError>>,
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
struct Gauge {
    open: AtomicBool,
    pending: AtomicUsize,
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
        let opaque = self.opaque.fetch_add(1, Ordering::Relaxed);
        let repeats = command != Command::Noop;
        let request = command
            .encode(key, opaque)
            .map_err(|error| LaneError::Usage(error.to_string()))?;
        let (reply, coming) = oneshot::channel();
        let asked = Asked {
            request,
            opaque: repeats.then_some(opaque),
            only_on,
            reply,
        };
        self.queue.try_send(asked).map_err(|_| LaneError::Busy)?;
        Ok(coming)
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

fn fail_waiting(first: Asked, queue: &mut mpsc::Receiver<Asked>, error: &LaneError) {
    let _ = first.reply.send(Err(error.clone()));
    while let Ok(asked) = queue.try_recv() {
        let _ = asked.reply.send(Err(error.clone()));
    }
}

/// A request whose reply is awaited.
struct Pending {
    opaque: Option<u32>,
    reply: oneshot::Sender<Result<Reply, LaneError>>,
    since: Instant,
}

/// A value of which a part has come.
struct Partial {
    line: ReplyLine,
    /// With its line end.
    value: BytesMut,
    missing: usize,
}

/// What goes on over one connection.
struct Exchange<'c> {
    config: &'c LaneConfig,
    connection: u64,
    reader: ReadHalf<Box<dyn Stream>>,
    writer: WriteHalf<Box<dyn Stream>>,
    output: BytesMut,
    input: BytesMut,
    partial: Option<Partial>,
    pending: VecDeque<Pending>,
    /// TLS may keep the end of what was written to itself until it is asked to flush.
    unflushed: bool,
}

impl<'c> Exchange<'c> {
    fn new(stream: Box<dyn Stream>, connection: u64, config: &'c LaneConfig) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self {
            config,
            connection,
            reader,
            writer,
            output: BytesMut::new(),
            input: BytesMut::with_capacity(READ_BYTES),
            partial: None,
            pending: VecDeque::new(),
            unflushed: false,
        }
    }

    /// Goes on until the connection ends, and says why it did.
    async fn run(&mut self, queue: &mut mpsc::Receiver<Asked>, gauge: &Gauge) -> LaneError {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        let mut ticks = interval(self.config.silence_max / 2);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            gauge.pending.store(self.pending.len(), Ordering::Relaxed);
            let takes_more = self.pending.len() < PENDING_MAX && self.output.len() < UNWRITTEN_BYTES_MAX;
            tokio::select! {
                biased;
                read = read_more(&mut self.reader, &mut self.input, &mut self.partial) => {
                    if let Err(error) = read.map_err(broken).and_then(|()| self.hand_out()) {
                        return error;
                    }
                }
                taken = queue.recv_many(&mut batch, BATCH_MAX), if takes_more => {
                    if taken == 0 {
                        return LaneError::Gone; // the node is no longer wanted
                    }
                    batch.drain(..).for_each(|asked| self.take(asked));
                    // whoever else is ready may have something to ask, too: one write for all
                    tokio::task::yield_now().await;
                    while self.output.len() < UNWRITTEN_BYTES_MAX && let Ok(asked) = queue.try_recv() {
                        self.take(asked);
                    }
                }
                written = write_more(&mut self.writer, &mut self.output, &mut self.unflushed),
                    if self.unflushed || !self.output.is_empty() =>
                {
                    if let Err(error) = written {
                        return broken(error);
                    }
                }
                _ = ticks.tick(), if !self.pending.is_empty() => {
                    if self.is_silent() {
                        return LaneError::Silent(self.config.silence_max);
                    }
                }
            }
        }
    }

    fn is_silent(&self) -> bool {
        let oldest = self.pending.front();
        oldest.is_some_and(|pending| pending.since.elapsed() > self.config.silence_max)
    }

    /// Adds a request to what is to be written.
    fn take(&mut self, asked: Asked) {
        if asked.only_on.is_some_and(|only| only != self.connection) {
            let _ = asked.reply.send(Err(LaneError::Gone));
            return;
        }
        if asked.reply.is_closed() {
            return; // whoever asked has gone on without
        }
        self.output.put_slice(&asked.request.line);
        if let Some(value) = &asked.request.value {
            self.output.put_slice(value);
            self.output.put_slice(b"\r\n");
        }
        self.pending.push_back(Pending {
            opaque: asked.opaque,
            reply: asked.reply,
            since: Instant::now(),
        });
    }

    /// Hands out every reply that is there.
    fn hand_out(&mut self) -> Result<(), LaneError> {
        loop {
            if let Some(partial) = self.partial.take_if(|partial| partial.missing == 0) {
                self.answer(partial.line, Some(whole_value(partial.value)?))?;
            }
            if self.partial.is_some() {
                return Ok(());
            }
            let Some((line, used)) = reply_line(&self.input)? else {
                return Ok(());
            };
            self.input.advance(used);
            let Some(value_bytes) = line.value_bytes else {
                self.answer(line, None)?;
                continue;
            };
            if value_bytes > self.config.value_bytes_max {
                return Err(Surprise(format!("a value of {value_bytes} bytes")).into());
            }
            let with_end = value_bytes + 2;
            if self.input.len() >= with_end {
                // an entry of its own: a slice would keep all that was read with it in memory
                let value = Bytes::copy_from_slice(&self.input[..value_bytes]);
                ended(&self.input[value_bytes..with_end])?;
                self.input.advance(with_end);
                self.answer(line, Some(value))?;
                continue;
            }
            let mut value = BytesMut::with_capacity(with_end);
            value.put_slice(&self.input);
            self.input.clear();
            self.partial = Some(Partial {
                line,
                missing: with_end - value.len(),
                value,
            });
        }
    }

    fn answer(&mut self, line: ReplyLine, value: Option<Bytes>) -> Result<(), LaneError> {
        let refused = line.code == super::command::Code::Refused;
        let fits = |pending: &Pending| refused || pending.opaque == line.opaque;
        let Some(pending) = self.pending.pop_front_if(|pending| fits(pending)) else {
            return Err(Surprise(format!("a reply to another request ({:?})", line.opaque)).into());
        };
        let reply = Reply {
            line,
            value,
            connection: self.connection,
        };
        let _ = pending.reply.send(Ok(reply)); // whoever asked may have gone on without
        Ok(())
    }

    fn fail(&mut self, error: &LaneError) {
        for pending in self.pending.drain(..) {
            let _ = pending.reply.send(Err(error.clone()));
        }
    }
}

/// Reads what is there: a large value straight into its place.
async fn read_more(
    reader: &mut ReadHalf<Box<dyn Stream>>,
    input: &mut BytesMut,
    partial: &mut Option<Partial>,
) -> io::Result<()> {
    let read = match partial {
        Some(partial) => {
            let read = reader
                .read_buf(&mut (&mut partial.value).limit(partial.missing))
                .await?;
            partial.missing -= read;
            read
        }
        None => {
            input.reserve(READ_BYTES);
            reader.read_buf(input).await?
        }
    };
    nothing_is_broken(read)
}

/// Writes what there is, and once that is all sees to it that it goes out.
async fn write_more(
    writer: &mut WriteHalf<Box<dyn Stream>>,
    output: &mut BytesMut,
    unflushed: &mut bool,
) -> io::Result<()> {
    if output.is_empty() {
        writer.flush().await?;
        *unflushed = false;
        return Ok(());
    }
    *unflushed = true;
    nothing_is_broken(writer.write_buf(output).await?)
}

fn nothing_is_broken(bytes: usize) -> io::Result<()> {
    if bytes == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

fn broken(error: io::Error) -> LaneError {
    LaneError::Broken(Arc::new(error))
}

fn ended(end: &[u8]) -> Result<(), Surprise> {
    if end == b"\r\n" {
        return Ok(());
    }
    Err(Surprise("a value that does not end where it should".into()))
}

fn whole_value(mut value: BytesMut) -> Result<Bytes, Surprise> {
    let end = value.split_off(value.len() - 2);
    ended(&end)?;
    Ok(value.freeze())
}

#[cfg(test)]
mod tests;
