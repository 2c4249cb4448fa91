//! JavaScript: a QuickJS runtime for each virtual user, and k6's modules.

mod circumstances;
mod error;
mod event_loop;
pub mod fiber;
mod host;
mod loader;
mod modules;
mod rejections;
mod script;
mod vu;

pub use error::ScriptError;
pub use host::{Iteration, Phase};
pub use script::Script;
pub use vu::{Command, Exports, Iterations, Vu};
