//! Configuration of Proxima: what a file says, checked whole before anything uses it.
