//! When iterations start and how many VUs there are, as pure functions of the time since a scenario's start.

mod arrivals;
mod ramp;
mod share;

pub use arrivals::{Arrival, Arrivals, ShardArrivals};
pub use ramp::{Change, Changes, Ramp};
pub use share::{owner, share};
