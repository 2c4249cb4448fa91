//! Proxima as its users meet it: real proxies, origins and memcached nodes as processes, real sockets, real TLS.

#![allow(
    clippy::unwrap_used,
    reason = "every item here is a test or serves one, where a panic is the way to fail"
)]

mod admin;
mod clients;
mod coherence;
mod command_line;
mod conformance;
mod explain;
mod failures;
mod framing;
mod h2;
mod interleavings;
mod load;
mod overload;
mod protection;
mod reads;
mod reload;
mod ring_change;
mod ring_command;
mod ring_faults;
mod ring_keys;
mod ring_large;
mod ring_lies;
mod ring_links;
mod ring_moves;
mod ring_node;
mod ring_placement;
mod ring_sharing;
mod ring_turns;
mod shelf;
mod stopping;
mod tiers;
mod tls;
mod writes;
mod zero_config;

/// Routes for tests with a scripted origin: every path obeys the origin.
const OBEY: &str = "[[route]]\nname = 'all'\npath = '/{rest...}'\n";
