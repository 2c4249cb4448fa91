//! Raw samples, written while the test runs (`--out`).

mod csv;
mod destination;
mod json;

use std::io;

use crate::metrics::{Registry, Sample};
use crate::threshold::Threshold;

pub use csv::CsvOutput;
pub use json::JsonOutput;

/// Takes every sample of a test.
pub trait Output: Send {
    /// Writes samples, oldest first, and what is buffered of them. `registry` is the one they were recorded with, the
    /// same in every call.
    ///
    /// # Errors
    /// What the destination says, and which one it is.
    fn write(&mut self, samples: &[Sample], registry: &Registry, thresholds: &[Threshold]) -> io::Result<()>;

    /// Writes what has to stand at the end, and closes the destination.
    ///
    /// # Errors
    /// What the destination says, and which one it is.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

#[cfg(test)]
mod tests;
