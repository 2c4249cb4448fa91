//! Memory of a process, from `/proc`.

/// The most memory that a living process has had resident so far, in KiB.
pub(crate) fn peak_kib(pid: u32) -> Option<u64> {
    peak_in(&std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

/// `VmHWM` of proc_pid_status(5). A process that has ended but was not waited for has none.
fn peak_in(status: &str) -> Option<u64> {
    let of = |line: &str| {
        line.strip_prefix("VmHWM:")?
            .trim()
            .strip_suffix(" kB")?
            .parse()
            .ok()
    };
    status.lines().find_map(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_peak_where_there_is_one() {
        let status = "Name:\twrk\nVmPeak:\t  9999 kB\nVmHWM:\t    1234 kB\nVmRSS:\t     900 kB\n";
        assert_eq!(peak_in(status), Some(1234));
        assert_eq!(peak_in("Name:\twrk\nState:\tZ (zombie)\n"), None);
        assert!(peak_kib(std::process::id()).unwrap() > 100);
    }
}
