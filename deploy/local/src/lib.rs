//! A whole multi-region Proxima world on one machine: real origins, memcached rings and proxies as processes
//! of their own, on ports that nobody else uses, gone without a trace when the [`World`] is dropped.
//!
//! ```no_run
//! # async fn test() -> anyhow::Result<()> {
//! use proxima_local::World;
//!
//! let world = World::builder().regions(&["us-west", "ap-east"]).start().await?;
//! let url = format!("{}/profiles/7", world.region("us-west").proxy().https_url());
//! let answer = world.client().get(url).send().await?;
//! assert_eq!(answer.headers()["cache-status"], "Proxima-us-west; fwd=uri-miss; stored");
//! # Ok(())
//! # }
//! ```
//!
//! Errors are `anyhow`'s: whoever starts a world reads them, no program decides by them.

#![forbid(unsafe_code)]

mod builder;
mod certificates;
mod client;
mod config;
mod memcached;
mod nutcracker;
mod origin;
mod place;
mod process;
mod programs;
mod proxy;
mod region;
mod scripted;
mod spawn;
mod world;

pub use builder::WorldBuilder;
pub use certificates::Ca;
pub use memcached::Memcached;
pub use nix::sys::signal::Signal;
pub use nutcracker::Nutcracker;
pub use origin::Origin;
pub use process::{Process, Stopped};
pub use proxy::Proxy;
pub use region::Region;
pub use scripted::{Asked, Say, Scripted, answer, raw};
pub use world::World;
