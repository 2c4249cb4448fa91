//! When iterations start and how many VUs there are, as pure functions of the time since a scenario's start.

mod share;

pub use share::{owner, share};
