//! Scripts: their engine and the modules they import.

mod modules;
