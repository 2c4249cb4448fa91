//! What a test leaves behind: summary, exports, raw samples, report, and the progress shown while it runs.

pub mod report;
pub mod timeline;
