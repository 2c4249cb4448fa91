//! One JSON line per request, written by a thread of its own so that a slow disk slows no request.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus::IntCounter;
use proxima_config::checked::AccessLog as Target;
use serde::Serialize;

/// Bytes waiting for the writer; beyond it lines are dropped and counted, never waited for.
const WAITING_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How often the writer looks. It is never woken for a line: that would cost more than the line.
const WRITE_EVERY: Duration = Duration::from_millis(50);

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

/// Lines on their way to the writer.
pub(crate) struct AccessLog {
    lines: Arc<Lines>,
    writer: Mutex<Option<JoinHandle<()>>>,
    dropped: IntCounter,
    on: bool,
}

#[derive(Default)]
struct Lines {
    waiting: Mutex<Vec<u8>>,
    closing: AtomicBool,
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
        let lines = Arc::new(Lines::default());
        let on = out.is_some();
        let mut writer = None;
        if let Some(out) = out {
            let (thread, lines) = (
                std::thread::Builder::new().name("access-log".into()),
                Arc::clone(&lines),
            );
            writer = Some(thread.spawn(move || write_lines(&lines, out))?);
        }
        Ok(Self {
            lines,
            writer: Mutex::new(writer),
            dropped,
            on,
        })
    }

    /// Whether anybody reads; the caller spares itself making a record otherwise.
    pub(crate) fn is_on(&self) -> bool {
        self.on
    }

    /// Adds one line.
    pub(crate) fn write(&self, record: &Record<'_>) {
        let mut waiting = self.lines.waiting.lock();
        let start = waiting.len();
        if start > WAITING_BYTES_MAX || serde_json::to_writer(&mut *waiting, record).is_err() {
            waiting.truncate(start);
            drop(waiting);
            self.dropped.inc();
            return;
        }
        waiting.push(b'\n');
    }

    /// Writes out what is waiting and stops.
    pub(crate) fn close(&self) {
        self.lines.closing.store(true, Ordering::Release);
        if let Some(writer) = self.writer.lock().take() {
            writer.thread().unpark();
            let _ = writer.join();
        }
    }
}

fn write_lines(lines: &Lines, mut out: impl Write) {
    let mut batch = Vec::new();
    loop {
        let closing = lines.closing.load(Ordering::Acquire);
        std::mem::swap(&mut *lines.waiting.lock(), &mut batch);
        if !batch.is_empty() && out.write_all(&batch).and_then(|()| out.flush()).is_err() {
            return; // a closed standard output, a full disk: what waits is bounded, and what is dropped is counted
        }
        batch.clear();
        if closing {
            return;
        }
        std::thread::park_timeout(WRITE_EVERY);
    }
}
