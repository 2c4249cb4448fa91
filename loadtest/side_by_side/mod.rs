//! What comparisons side by side are made of: processes on one core each, what they cost, and what load tools report.
//!
//! Each program of this package that compares includes these files; they are no part of the runner.

pub(crate) mod comparison;
pub(crate) mod cpu;
pub(crate) mod h2load;
pub(crate) mod median;
pub(crate) mod percentile;
pub(crate) mod proc;
pub(crate) mod process;
pub(crate) mod program;
pub(crate) mod terms;
pub(crate) mod tool;
pub(crate) mod turns;
pub(crate) mod wrk;
