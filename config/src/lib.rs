//! Configuration of Proxima: what a file says, checked whole before anything uses it.

mod check;
pub mod checked;
mod document;
pub mod geo;
mod load;
mod overrides;
mod problem;
mod quantity;
mod raw;
mod schema;
mod shape;
pub mod template;

pub use checked::Config;
pub use load::{default_toml, from_flags, load, parse, to_toml};
pub use overrides::Overrides;
pub use problem::{Place, Problem, Problems, render};
pub use quantity::{QuantityError, parse_duration, parse_size};
pub use schema::schema;
