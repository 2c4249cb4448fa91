//! The program `proxima-local`.
