//! JavaScript: a QuickJS runtime for each virtual user, and k6's modules.

mod circumstances;
mod error;
mod event_loop;
mod exports;
pub mod fiber;
mod host;
mod loader;
mod modules;
mod rejections;
mod running;
mod script;
#[cfg(test)]
mod tests;
mod vu;

pub use error::ScriptError;
pub use exports::Exports;
pub use host::{Iteration, Phase};
pub use script::Script;
pub use vu::{Command, Iterations, Vu};
