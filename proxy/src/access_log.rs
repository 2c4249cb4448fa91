//! One JSON line per request, written by a thread of its own so that a slow disk slows no request.

mod record;

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus::IntCounter;
use proxima_config::checked::AccessLog as Target;

pub(crate) use self::record::Record;
use crate::per_thread::{PerThread, places};

/// Bytes that wait for the writer; beyond it lines are dropped and counted, never waited for. Each thread has its share.
const WAITING_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Room that is kept for the next lines.
const KEPT_BYTES: usize = 256 * 1024;
/// How often the writer looks while there is something to write. It is never woken for a line: that would cost more than the
/// line. More rarely, it would have so much to write at a time that requests on its core waited for that.
const WRITE_EVERY: Duration = Duration::from_millis(10);
/// How often it looks while there is nothing.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Lines on their way to the writer.
pub(crate) struct AccessLog {
    lines: Arc<Lines>,
    writer: Mutex<Option<JoinHandle<()>>>,
    dropped: IntCounter,
    on: bool,
    /// Bytes that may wait in one place.
    share: usize,
}

struct Lines {
    waiting: PerThread<Mutex<Vec<u8>>>,
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
        let lines = Arc::new(Lines {
            waiting: PerThread::new(),
            closing: AtomicBool::new(false),
        });
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
            share: WAITING_BYTES_MAX / places(),
        })
    }

    /// Whether anybody reads; the caller spares itself making a record otherwise.
    pub(crate) fn is_on(&self) -> bool {
        self.on
    }

    /// Adds one line. Lines of one thread keep their order; between threads it is up to the writer.
    pub(crate) fn write(&self, record: &Record<'_>) {
        let mut waiting = self.lines.waiting.own().lock();
        if waiting.len() > self.share {
            drop(waiting);
            self.dropped.inc();
            return;
        }
        record.write_line(&mut waiting);
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
        let mut pause = LOOK_EVERY;
        for waiting in lines.waiting.all() {
            std::mem::swap(&mut *waiting.lock(), &mut batch);
            if batch.is_empty() {
                continue;
            }
            if out.write_all(&batch).is_err() {
                return; // a closed standard output, a full disk: what waits is bounded, and what is dropped is counted
            }
            batch.clear();
            batch.shrink_to(KEPT_BYTES);
            pause = WRITE_EVERY;
        }
        if out.flush().is_err() || closing {
            return;
        }
        std::thread::park_timeout(pause);
    }
}
