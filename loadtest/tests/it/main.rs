//! `proxima-load` as its users meet it: the real binary, real scripts, real servers.

#![allow(
    clippy::unwrap_used,
    reason = "every item here is a test or serves one, where a panic is the way to fail"
)]

mod agreement;
mod executors;
mod exits;
mod harness;
mod language;
mod lifecycle;
mod memory;
mod runaway;
mod signals;
mod truth;
