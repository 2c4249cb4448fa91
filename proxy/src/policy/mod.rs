//! What HTTP allows a shared cache to do: pure decisions, each with the section of the RFC it comes from.

pub(crate) mod cache_control;
pub(crate) mod conditional;
pub(crate) mod freshness;
pub(crate) mod storing;
