//! `proxima-load`: runs k6 scripts, and tells latencies as users felt them.
//!
//! The road of an iteration, in the order of the modules: [`cli`] → [`options`] → [`run`] ([`executor`]) → [`js`] →
//! [`http`] → [`metrics`] → [`threshold`] → [`output`]. ARCHITECTURE.md draws the map.

pub mod cli;
pub mod executor;
pub mod http;
pub mod js;
pub mod log;
pub mod metrics;
pub mod options;
pub mod output;
pub mod run;
pub mod threshold;
