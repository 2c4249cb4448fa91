//! What a script, its environment and the command line ask for: read ([`raw`]), laid over each other, and checked.

mod checked;
pub mod duration;
pub(crate) mod nearest;

pub use checked::{Executor, Host, Options, RampingStage, Scenario, SummaryMode, TimeUnit, TrendStat};
