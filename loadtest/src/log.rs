//! What a running test has to say, line by line, on standard error.

use std::fmt;
use std::io::Write as _;
use std::time::Instant;

use parking_lot::Mutex;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// `console.debug`
    Debug,
    /// `console.log`, `console.info`
    Info,
    /// `console.warn`, and advice
    Warning,
    /// `console.error`, and exceptions
    Error,
}

impl Level {
    /// As lines begin.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "DEBU",
            Self::Info => "INFO",
            Self::Warning => "WARN",
            Self::Error => "ERRO",
        }
    }
}

type Writer = Box<dyn Fn(&str) + Send>;

/// Where lines go. The progress display takes them over while it is there, so that they do not tear it.
pub struct Log {
    started: Instant,
    writer: Mutex<Option<Writer>>,
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").finish_non_exhaustive()
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            writer: Mutex::new(None),
        }
    }
}

impl Log {
    /// Writes one line (or more, if `text` has several), with the seconds since the start before it.
    pub fn line(&self, level: Level, text: &str) {
        let line = format!(
            "{}[{:04}] {text}",
            level.as_str(),
            self.started.elapsed().as_secs()
        );
        match &*self.writer.lock() {
            Some(write) => write(&line),
            // A reader that has gone away is no reason to end a test.
            None => drop(writeln!(std::io::stderr().lock(), "{line}")),
        }
    }

    /// Has lines written by `writer` from now on, or to standard error again.
    pub fn redirect(&self, writer: Option<Writer>) {
        *self.writer.lock() = writer;
    }
}
