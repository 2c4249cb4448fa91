//! One JSON line per request, written by a thread of its own so that a slow disk slows no request.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus::IntCounter;
use proxima_config::checked::AccessLog as Target;
use serde::Serialize;

/// Lines waiting for the writer; beyond it lines are dropped and counted, never waited for.
const QUEUE_LINES_MAX: usize = 16_384;
const FLUSH_AFTER: Duration = Duration::from_millis(200);

/// What is said of one request.
#[derive(Debug, Serialize)]
pub(crate) struct Record<'r> {
    /// Unix time of the answer's end, ms.
    pub(crate) time_ms: u64,
    pub(crate) region: &'r str,
    pub(crate) route: &'r str,
    pub(crate) client: Option<std::net::IpAddr>,
    pub(crate) protocol: &'static str,
    pub(crate) method: &'r str,
    pub(crate) host: &'r str,
    pub(crate) target: &'r str,
    pub(crate) status: u16,
    pub(crate) body_bytes: u64,
    pub(crate) duration_us: u64,
    /// RFC 9211: `hit` or the reason for forwarding.
    pub(crate) cache: &'static str,
    pub(crate) tier: Option<&'static str>,
    pub(crate) age_s: Option<u64>,
    /// Time until the origin's header came, where one was asked.
    pub(crate) origin_ms: Option<u64>,
    pub(crate) trace_id: Option<&'r str>,
    /// The answer did not reach the client whole.
    pub(crate) cut_short: bool,
}

/// The writer's queue.
pub(crate) struct AccessLog {
    queue: Mutex<Option<SyncSender<Vec<u8>>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    dropped: IntCounter,
    on: bool,
}

impl AccessLog {
    /// Opens the target and starts the writer.
    ///
    /// # Errors
    /// When the file cannot be opened for appending.
    pub(crate) fn open(target: &Target, dropped: IntCounter) -> io::Result<Self> {
        let out: Option<Box<dyn Write + Send>> = match target {
            Target::Off => None,
            Target::Stdout => Some(Box::new(io::stdout())),
            Target::File(path) => {
                let file = OpenOptions::new()
                    .create(true)
                    .append(true)
                    .open(path)
                    .map_err(|error| {
                        io::Error::new(error.kind(), format!("access log {}: {error}", path.display()))
                    })?;
                Some(Box::new(file))
            }
        };
        let (mut queue, mut writer) = (None, None);
        if let Some(out) = out {
            let (sender, lines) = sync_channel(QUEUE_LINES_MAX);
            let thread = std::thread::Builder::new().name("access-log".into());
            writer = Some(thread.spawn(move || write_lines(&lines, BufWriter::new(out)))?);
            queue = Some(sender);
        }
        Ok(Self {
            on: queue.is_some(),
            queue: Mutex::new(queue),
            writer: Mutex::new(writer),
            dropped,
        })
    }

    /// Whether anybody reads; the caller spares itself making a record otherwise.
    pub(crate) fn is_on(&self) -> bool {
        self.on
    }

    /// Queues one line.
    pub(crate) fn write(&self, record: &Record<'_>) {
        let Ok(mut line) = serde_json::to_vec(record) else {
            return;
        };
        line.push(b'\n');
        let Some(queue) = self.queue.lock().clone() else {
            return;
        };
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = queue.try_send(line) {
            self.dropped.inc();
        }
    }

    /// Writes out what is queued and stops.
    pub(crate) fn close(&self) {
        drop(self.queue.lock().take());
        if let Some(writer) = self.writer.lock().take() {
            let _ = writer.join();
        }
    }
}

fn write_lines(lines: &Receiver<Vec<u8>>, mut out: impl Write) {
    let mut dirty = false;
    loop {
        match lines.recv_timeout(FLUSH_AFTER) {
            Ok(line) => {
                dirty = true;
                if out.write_all(&line).is_err() {
                    return; // a closed standard output: nobody reads any more
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                if std::mem::take(&mut dirty) && out.flush().is_err() {
                    return;
                }
            }
            Err(RecvTimeoutError::Disconnected) => {
                let _ = out.flush();
                return;
            }
        }
    }
}
