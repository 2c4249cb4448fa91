//! Tests against real processes, database files and sockets. One binary, so that it is linked once.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod api;
mod feed;
mod idempotency;
mod listing;
mod process;
mod support;
