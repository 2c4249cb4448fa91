//! CPU time of processes, from `/proc`.

use std::time::Duration;

use anyhow::Context;

/// CPU time, in user and kernel mode, that a process and its living descendants have used so far. The clock ticks
/// every 10 ms, so measure over seconds.
pub(crate) fn used_by_tree(root: u32) -> anyhow::Result<Duration> {
    let own = used_by(root)?;
    // A helper such as nginx's cache loader may end between the two looks.
    let others = tree(root).into_iter().skip(1);
    Ok(others.fold(own, |total, pid| total + used_by(pid).unwrap_or_default()))
}

/// A process and its living descendants, itself first.
pub(crate) fn tree(root: u32) -> Vec<u32> {
    let mut tree = vec![root];
    let mut next = 0;
    while let Some(&pid) = tree.get(next) {
        tree.extend(children_of(pid));
        next += 1;
    }
    tree
}

fn children_of(pid: u32) -> Vec<u32> {
    let list = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    list.split_ascii_whitespace()
        .filter_map(|child| child.parse().ok())
        .collect()
}

/// CPU time that all threads of one process have used, ended ones included.
fn used_by(pid: u32) -> anyhow::Result<Duration> {
    times_from(pid, OWN)
}

/// The process's own times, in proc_pid_stat(5).
const OWN: usize = 14;

/// The sum of two neighbouring fields of proc_pid_stat(5), the times in user and in kernel mode.
pub(crate) fn times_from(pid: u32, field: usize) -> anyhow::Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let stat = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    let ticks = ticks(&stat, field).with_context(|| format!("{path}: no CPU times"))?;
    let per_second = rustix::param::clock_ticks_per_second();
    Ok(Duration::from_micros(ticks * 1_000_000 / per_second))
}

/// Field 2 is the program's name in brackets and may itself hold spaces and brackets.
fn ticks(stat: &str, field: usize) -> Option<u64> {
    let (_, from_field_3) = stat.rsplit_once(')')?;
    let mut times = from_field_3.split_ascii_whitespace().skip(field.checked_sub(3)?);
    let user: u64 = times.next()?.parse().ok()?;
    let kernel: u64 = times.next()?.parse().ok()?;
    Some(user + kernel)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_user_and_kernel_time_whatever_the_name() {
        for name in ["nginx", "nginx: worker", "a) R 1 (b", "()"] {
            let stat = format!("42 ({name}) S 1 42 42 0 -1 4194560 9 0 0 0 123 45 6 7 20 0 1 0 99 8192 64\n");
            assert_eq!(ticks(&stat, OWN), Some(168), "{name}");
            assert_eq!(ticks(&stat, 16), Some(13), "{name}");
        }
    }

    #[test]
    fn refuses_what_is_no_stat_line() {
        for stat in [
            "",
            "42 nginx S 1",
            "42 (nginx) S 1 42",
            "42 (n) S 1 2 3 4 5 6 7 8 9 0 1 x 3",
        ] {
            assert_eq!(ticks(stat, OWN), None, "{stat}");
        }
    }

    #[test]
    fn own_time_grows() {
        let before = used_by_tree(std::process::id()).unwrap();
        let start = std::time::Instant::now();
        while used_by_tree(std::process::id()).unwrap() < before + Duration::from_millis(20) {
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "busy for 20 s and no CPU time"
            );
        }
    }
}
