//! The modules that scripts import, each a glue file of JavaScript over a few native functions.

#![cfg_attr(not(test), expect(dead_code, reason = "what loads modules is not there yet"))]

mod crypto;
mod encoding;

#[cfg(test)]
mod tests;
