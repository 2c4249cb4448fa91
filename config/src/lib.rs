//! Configuration of Proxima: what a file says, checked whole before anything uses it.
//!
//! A text becomes a document (values and their places), flags are put over it, the schema sorts out keys and
//! types, serde reads the rest into `raw`, and `check` gives it meaning. Problems of all steps come together.

#![forbid(unsafe_code)]

mod annotated;
mod check;
pub mod checked;
mod document;
mod effective;
pub mod geo;
mod load;
mod overrides;
mod problem;
mod quantity;
mod raw;
mod schema;
mod shape;
pub mod template;

pub use annotated::default_toml;
pub use checked::Config;
pub use effective::to_toml;
pub use load::{from_flags, load, parse};
pub use overrides::Overrides;
pub use problem::{Place, Problem, Problems, render};
pub use quantity::{QuantityError, format_duration, parse_duration, parse_size};
pub use schema::schema;
