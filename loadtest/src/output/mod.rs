//! What a test leaves behind: summary, exports, raw samples, report, and the progress shown while it runs.

mod cells;
pub mod export;
pub mod handle_summary;
pub mod html;
mod number;
pub mod progress;
pub mod raw;
pub mod report;
pub mod rfc3339;
pub mod summary;
pub mod timeline;
mod values;
mod verdict;

#[cfg(test)]
mod fixture;
