//! A script, a run of it, and a server: what every test here is made of.

mod routes;
mod run;
mod server;

pub(crate) use run::{Run, Running, Test, iterating, passes};
pub(crate) use server::Server;
