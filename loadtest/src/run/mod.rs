//! A test under way: its threads, its scenarios, and what is made of their measurements.

mod alarm;
mod arriving;
mod bottleneck;
mod collector;
mod looping;
mod pool;
mod ramping;
mod runner;
mod scenario;
mod shard;
mod test;
mod threads;
mod verdicts;

pub use alarm::Alarm;
pub use runner::{Outcome, Settings, run};
pub use shard::{Shard, unix_ns};
pub use test::{ScenarioState, StopReason, Test};
pub use threads::RunError;

/// The exit code of a process that a signal ended.
pub const EXIT_INTERRUPTED: u8 = 105;
