//! Worlds of real processes. One binary, so that it is linked once.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod faults;
mod program;
mod support;
mod world;
