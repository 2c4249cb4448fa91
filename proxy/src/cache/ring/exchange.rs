//! What goes on over one connection: requests go out together, replies are matched with them as they come.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::command::{Code, ReplyLine, Surprise, reply_line};
use super::dial::Stream;
use super::lane::{Answer, Asked, Gauge, LaneConfig, LaneError, Reply};

/// Requests that wait for their reply on one connection.
const PENDING_MAX: usize = 8192;
/// Bytes that are read in one go, but for large values.
const READ_BYTES: usize = 64 * 1024;
/// Nothing is added to a write while this much has not gone out: it is longer by no more than one value.
const UNWRITTEN_BYTES_MAX: usize = 256 * 1024;

/// A request whose reply is awaited.
struct Pending {
    opaque: Option<u32>,
    reply: Answer,
    since: Instant,
}

/// A value that is larger than any that is wanted: somebody with a higher limit has stored it.
struct Skipped {
    line: ReplyLine,
    /// With its line end.
    missing: usize,
}

/// A value of which a part has come.
struct Partial {
    line: ReplyLine,
    /// With its line end.
    value: BytesMut,
    missing: usize,
}

/// What goes on over one connection.
pub(super) struct Exchange<'c> {
    config: &'c LaneConfig,
    connection: u64,
    reader: ReadHalf<Box<dyn Stream>>,
    writer: WriteHalf<Box<dyn Stream>>,
    output: BytesMut,
    /// Nothing is left to write, in `output` or in TLS.
    all_out: bool,
    input: BytesMut,
    partial: Option<Partial>,
    skipped: Option<Skipped>,
    pending: VecDeque<Pending>,
}

impl<'c> Exchange<'c> {
    pub(super) fn new(stream: Box<dyn Stream>, connection: u64, config: &'c LaneConfig) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self {
            config,
            connection,
            reader,
            writer,
            output: BytesMut::new(),
            all_out: true,
            input: BytesMut::with_capacity(READ_BYTES),
            partial: None,
            skipped: None,
            pending: VecDeque::new(),
        }
    }

    /// Goes on until the connection ends, and says why it did.
    pub(super) async fn run(&mut self, queue: &mut mpsc::Receiver<Asked>, gauge: &Gauge) -> LaneError {
        let mut ticks = interval(self.config.silence_max / 2);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            gauge.pending.store(self.pending.len(), Ordering::Relaxed);
            tokio::select! {
                biased;
                read = read_more(&mut self.reader, &mut self.input, &mut self.partial) => {
                    if let Err(error) = read.map_err(broken).and_then(|()| self.hand_out()) {
                        return error;
                    }
                }
                asked = queue.recv(), if self.has_room() => {
                    let Some(asked) = asked else {
                        return LaneError::Gone; // the node is no longer wanted
                    };
                    self.take(asked);
                    // whoever else is ready may have something to ask, too: one write for all
                    tokio::task::yield_now().await;
                    while self.has_room() && let Ok(asked) = queue.try_recv() {
                        self.take(asked);
                    }
                }
                written = write_more(&mut self.writer, &mut self.output), if !self.all_out => match written {
                    Ok(()) => self.all_out = self.output.is_empty(),
                    Err(error) => return broken(error),
                },
                _ = ticks.tick(), if !self.pending.is_empty() => {
                    if self.is_silent() {
                        return LaneError::Silent(self.config.silence_max);
                    }
                }
            }
        }
    }

    fn has_room(&self) -> bool {
        self.pending.len() < PENDING_MAX && self.output.len() < UNWRITTEN_BYTES_MAX
    }

    fn is_silent(&self) -> bool {
        let oldest = self.pending.front();
        oldest.is_some_and(|pending| pending.since.elapsed() > self.config.silence_max)
    }

    /// Adds a request to what is to be written.
    pub(super) fn take(&mut self, asked: Asked) {
        if asked.only_on.is_some_and(|only| only != self.connection) {
            asked.reply.send(Err(LaneError::Gone));
            return;
        }
        if asked.reply.is_given_up() {
            return; // whoever asked has gone on without
        }
        self.all_out = false;
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
            self.skip()?;
            if self.partial.is_some() || self.skipped.is_some() {
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
            let with_end = value_bytes + 2;
            if value_bytes > self.config.value_bytes_max {
                let missing = with_end;
                self.skipped = Some(Skipped { line, missing });
                continue;
            }
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

    /// Passes over a value that is too large; to whoever asked, it is as good as none.
    fn skip(&mut self) -> Result<(), LaneError> {
        let Some(skipped) = &mut self.skipped else {
            return Ok(());
        };
        let here = skipped.missing.min(self.input.len());
        self.input.advance(here);
        skipped.missing -= here;
        match self.skipped.take_if(|skipped| skipped.missing == 0) {
            Some(skipped) => self.answer(skipped.line, None),
            None => Ok(()),
        }
    }

    fn answer(&mut self, line: ReplyLine, value: Option<Bytes>) -> Result<(), LaneError> {
        let refused = line.code == Code::Refused;
        let fits = |pending: &Pending| refused || pending.opaque == line.opaque;
        let Some(pending) = self.pending.pop_front_if(|pending| fits(pending)) else {
            return Err(Surprise(format!("a reply to another request ({:?})", line.opaque)).into());
        };
        let reply = Reply {
            line,
            value,
            connection: self.connection,
        };
        pending.reply.send(Ok(reply));
        Ok(())
    }

    /// Tells all who wait that the connection has ended. That is one failure of the node, however many wait.
    pub(super) fn fail(&mut self, error: &LaneError) {
        let mut pending = self.pending.drain(..);
        if let Some(first) = pending.next() {
            first.reply.send(Err(error.clone()));
        }
        pending.for_each(|pending| pending.reply.send(Err(LaneError::Gone)));
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

/// Writes what there is, and what TLS has kept of it. Once it returns, nothing is left in between.
async fn write_more(writer: &mut WriteHalf<Box<dyn Stream>>, output: &mut BytesMut) -> io::Result<()> {
    if !output.is_empty() {
        nothing_is_broken(writer.write_buf(output).await?)?;
    }
    if output.is_empty() {
        writer.flush().await?;
    }
    Ok(())
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
