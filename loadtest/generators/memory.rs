//! Memory of a generator.

use crate::side_by_side::proc::kib;

/// The most memory that a living process has had resident so far, in KiB. One that has ended but was not waited for
/// has none.
pub(crate) fn peak_kib(pid: u32) -> Option<u64> {
    kib(
        &std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?,
        "VmHWM",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_a_peak() {
        assert!(peak_kib(std::process::id()).unwrap() > 100);
    }
}
