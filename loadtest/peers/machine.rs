//! The machine that was measured on.

use serde::{Deserialize, Serialize};

use crate::side_by_side::proc::{kib, value};

/// The machine that was measured on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// Cores that this program may use.
    pub(crate) cores: usize,
    /// The processor's model, as it says.
    pub(crate) cpu: String,
    /// Memory.
    pub(crate) memory_mib: u64,
    /// The kernel's release.
    pub(crate) kernel: String,
}

impl Machine {
    /// This one. To be asked before this process is moved to one core: the others are not counted afterwards.
    pub(crate) fn this() -> Self {
        let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
        let cpu = read("/proc/cpuinfo");
        Self {
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            cpu: value(&cpu, "model name")
                .unwrap_or("an unknown processor")
                .to_owned(),
            memory_mib: kib(&read("/proc/meminfo"), "MemTotal").unwrap_or(0) / 1024,
            kernel: format!("Linux {}", read("/proc/sys/kernel/osrelease").trim()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_cores_and_memory() {
        let machine = Machine::this();
        assert!(machine.cores > 0 && machine.memory_mib > 0, "{machine:?}");
    }
}
