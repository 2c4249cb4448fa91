//! Whether the load generator itself was what the test measured.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::metrics::{Aggregate, NAMES_MAX, Sink, builtin};

/// Above this share of its threads' time the generator has none left to be punctual.
const BUSY_SHARE: f64 = 0.85;
/// A shorter test consists of its own start for the most part.
const JUDGED_FROM: Duration = Duration::from_secs(1);
/// Starts later than this, in one of a hundred iterations, are not the server's doing.
const LATE_MS: f64 = 5.0;

/// CPU time that this process has used.
pub(super) fn cpu_time() -> Duration {
    used(ClockId::ProcessCPUTime)
}

/// CPU time that this thread has used.
pub(super) fn thread_time() -> Duration {
    used(ClockId::ThreadCPUTime)
}

fn used(clock: ClockId) -> Duration {
    let used = clock_gettime(clock);
    Duration::new(
        used.tv_sec.unsigned_abs(),
        u32::try_from(used.tv_nsec).unwrap_or(0),
    )
}

/// CPU time that a test used, and where there was how much of it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Effort {
    /// Of the whole process.
    pub(super) process: Duration,
    /// Of the thread that used most.
    pub(super) busiest: Duration,
    /// Threads of virtual users.
    pub(super) threads: usize,
    /// The machine's.
    pub(super) cores: usize,
}

/// Sentences for the operator about a test of `elapsed`.
#[expect(clippy::cast_precision_loss, reason = "a machine has few threads")]
pub(super) fn warnings(whole: &Aggregate, elapsed: Duration, effort: Effort) -> Vec<String> {
    let mut warnings = Vec::new();
    let Effort {
        process,
        busiest,
        threads,
        cores,
    } = effort;
    let seconds = elapsed.as_secs_f64().max(1e-9);
    let shared = process.as_secs_f64() / (seconds * threads.min(cores).max(1) as f64);
    let busy = shared.max(busiest.as_secs_f64() / seconds);
    if busy > BUSY_SHARE && elapsed >= JUDGED_FROM {
        warnings.push(format!(
            "the load generator, or one of its {threads} threads, was busy for {:.0} % of the time it could have on {cores} \
             cores: latencies may be its own. Ask for less load, or give it more cores",
            busy * 100.0
        ));
    }
    if let Some(Sink::Trend(delays)) = whole.metric(builtin::ITERATION_START_DELAY) {
        let late = delays.percentile(99.0);
        if late > LATE_MS {
            warnings.push(format!(
                "1 % of the iterations started more than {late:.1} ms late: read iteration_latency, which counts from the \
                 intended start, and not iteration_duration"
            ));
        }
    }
    if let Some(Sink::Counter(dropped)) = whole.metric(builtin::DROPPED_ITERATIONS) {
        warnings.push(format!(
            "{} iterations were dropped, so that the load was lower than it should have been: no VU was free, or no time \
             was left. Raise maxVUs, or ask for less",
            dropped.sum
        ));
    }
    if whole.groups().is_overfull() {
        warnings.push(format!(
            "one group has more than {NAMES_MAX} different checks or groups: those after are missing above, and are part of \
             the totals only. Give them fixed names, and put what varies into tags"
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::metrics::Tags;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn more_threads_than_cores_do_not_make_a_generator_idle() {
        let whole = Aggregate::new(Arc::default(), false);
        let process = Duration::from_millis(1_900);
        let effort = Effort {
            process,
            threads: 16,
            cores: 2,
            ..Effort::default()
        };
        let busy = warnings(&whole, SECOND, effort);
        assert!(busy[0].contains("busy for 95 %"), "{busy:?}");
    }

    #[test]
    fn one_busy_thread_is_not_hidden_by_idle_ones() {
        let whole = Aggregate::new(Arc::default(), false);
        let busiest = Duration::from_millis(970);
        let effort = Effort {
            process: busiest,
            busiest,
            threads: 8,
            cores: 8,
        };
        let busy = warnings(&whole, SECOND, effort);
        assert!(busy[0].contains("busy for 97 %"), "{busy:?}");
    }

    #[test]
    fn names_that_were_left_out_are_spoken_of() {
        let named = warned(
            |whole| {
                for name in 0..=NAMES_MAX {
                    whole.check("", &name.to_string(), true, 1, &Tags::default());
                }
            },
            0,
        );
        assert!(named[0].contains("more than 1000 different checks"), "{named:?}");
    }

    fn warned(record: impl FnOnce(&mut Aggregate), cpu_ms: u64) -> Vec<String> {
        let mut whole = Aggregate::new(Arc::default(), false);
        record(&mut whole);
        let process = Duration::from_millis(cpu_ms);
        warnings(
            &whole,
            SECOND,
            Effort {
                process,
                threads: 2,
                cores: 8,
                ..Effort::default()
            },
        )
    }

    #[test]
    fn a_generator_with_time_to_spare_is_not_spoken_of() {
        assert_eq!(
            warned(
                |whole| whole.record(builtin::ITERATION_START_DELAY, 0.4, 1, &Tags::default()),
                900
            ),
            [""; 0]
        );
    }

    #[test]
    fn a_busy_generator_late_starts_and_dropped_iterations_are() {
        assert!(warned(|_| {}, 1_900)[0].contains("busy for 95 %"));
        let late = warned(
            |whole| whole.record(builtin::ITERATION_START_DELAY, 40.0, 1, &Tags::default()),
            0,
        );
        assert!(late[0].contains("40.0 ms late"), "{late:?}");
        let dropped = warned(
            |whole| whole.record(builtin::DROPPED_ITERATIONS, 3.0, 1, &Tags::default()),
            0,
        );
        assert!(dropped[0].starts_with("3 iterations were dropped"), "{dropped:?}");
    }
}
