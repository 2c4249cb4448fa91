//! `proxima-load` as its users meet it: the real binary, real scripts, real servers.

#![allow(
    clippy::unwrap_used,
    reason = "every item here is a test or serves one, where a panic is the way to fail"
)]

mod agreement;
mod concurrency;
mod cookies;
mod execution;
mod executors;
mod exits;
mod failing_requests;
mod harness;
mod imports;
mod language;
mod lifecycle;
mod memory;
mod own_metrics;
mod requests;
mod responses;
mod runaway;
mod scripts;
mod shared_data;
mod signals;
mod truth;
mod world;
