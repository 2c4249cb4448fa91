//! Reference origin for Proxima: candidate profiles and job offers over a REST API, kept in one SQLite file
//! that several processes may share, with a log of every change and a feed that streams it.
//!
//! The road of a request: [`serve`] accepts it, [`api`] routes and answers it, [`model`] says what a valid
//! body is, [`store`] reads or changes the data and logs the change. [`seed`] fills a store.

#![forbid(unsafe_code)]

mod api;
mod cli;
mod model;
mod position;
mod seed;
mod serve;
mod store;

pub use cli::run;
