//! The HTTP client below `k6/http`: knows connections and messages, and nothing of JavaScript.
//!
//! The road of a request, in the order of the modules: [`Request`] to a [`Target`] → [`Client`] → pool → `dns` →
//! `connect` → `tls` → `http1` or `http2` → `decode` → [`Response`] in an [`Exchange`]; `redirect` and [`CookieJar`] lie around
//! it. Everything runs on one thread: a [`Network`] belongs to a shard, a [`Client`] to a VU. Futures have to be polled
//! inside a `tokio::task::LocalSet`; dropping one closes the connection it uses.

mod body;
mod client;
mod connect;
mod cookies;
mod decode;
mod dns;
mod exchange;
mod failure;
mod http1;
mod http2;
mod network;
mod pool;
mod redirect;
mod request;
mod response;
mod retry;
mod socket;
mod target;
mod tls;

#[cfg(test)]
mod tests;

pub use client::Client;
pub use cookies::{CookieAttributes, CookieError, CookieJar};
pub use exchange::{Exchange, Timings, TlsInfo};
pub use failure::Failure;
pub use network::{Network, NetworkError};
pub use request::Request;
pub use response::{Headers, Proto, Response, canonical_name};
pub use target::Target;

/// A longer body, as it comes or decoded, fails its exchange.
const BODY_BYTES_MAX: u64 = 1 << 30;

/// A longer head fails its exchange.
const HEAD_BYTES_MAX: usize = 256 * 1024;
