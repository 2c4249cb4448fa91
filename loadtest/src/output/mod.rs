//! What a test leaves behind: summary, exports, raw samples, report, and the progress shown while it runs.

pub mod export;
pub mod handle_summary;
mod number;
pub mod raw;
pub mod report;
pub mod summary;
pub mod timeline;
mod values;

#[cfg(test)]
mod fixture;
