//! Proxima: a multi-region, edge-cached read proxy and cache tier for HTTP APIs.
//!
//! The road of a read, in the order of the modules: [`accept`] → [`front`] → [`routes`] → [`key`] → [`lookup`] ([`cache`],
//! [`coherence`]) → [`coalesce`] → [`fill`] ([`fetch`], [`upstream`]) → [`policy`] → [`front`]. Writes go [`front`] →
//! [`forward`] → [`coherence`]. ARCHITECTURE.md draws the map.

#![forbid(unsafe_code)]

mod accept;
mod access_log;
mod admin;
mod answer;
#[cfg(feature = "bench")]
pub mod benching;
mod cache;
pub mod cli;
mod client_stream;
mod clock;
mod coalesce;
mod coherence;
mod explain;
mod explained;
mod feed;
mod fetch;
mod fields;
mod fill;
mod floors;
mod forward;
mod front;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod inquiry;
mod keep;
mod key;
mod lookup;
mod metrics;
mod per_thread;
mod policy;
mod position;
mod posted;
mod problem;
mod proxy;
mod read;
mod reference;
mod refresh;
mod region_tier;
mod reload;
mod request;
mod routes;
mod server;
mod shutdown;
mod status;
mod tls;
mod upstream;

pub use reload::Source;
pub use server::{Addresses, Server, StartError, check_files};
