//! Configuration of Proxima: what a file says, checked whole before anything uses it.

pub mod checked;
pub mod geo;
mod load;
mod overrides;
mod problem;
mod quantity;
pub mod template;

pub use checked::Config;
pub use load::{default_toml, from_flags, load, parse, schema, to_toml};
pub use overrides::Overrides;
pub use problem::{Place, Problem, Problems, render};
pub use quantity::{QuantityError, parse_duration, parse_size};
