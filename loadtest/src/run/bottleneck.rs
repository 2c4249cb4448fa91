//! Whether the load generator itself was what the test measured.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::metrics::{Aggregate, Sink, builtin};

/// Above this share of its threads' time the generator has none left to be punctual.
const BUSY_SHARE: f64 = 0.85;
/// A shorter test consists of its own start for the most part.
const JUDGED_FROM: Duration = Duration::from_secs(1);
/// Starts later than this, in one of a hundred iterations, are not the server's doing.
const LATE_MS: f64 = 5.0;

/// CPU time that this process has used.
pub(super) fn cpu_time() -> Duration {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        used.tv_sec.unsigned_abs(),
        u32::try_from(used.tv_nsec).unwrap_or(0),
    )
}

/// Sentences for the operator about a test of `elapsed` on `threads` threads, which used `cpu` on a machine of `cores`.
#[expect(clippy::cast_precision_loss, reason = "a machine has few threads")]
pub(super) fn warnings(
    whole: &Aggregate,
    elapsed: Duration,
    cpu: Duration,
    threads: usize,
    cores: usize,
) -> Vec<String> {
    let mut warnings = Vec::new();
    let busy = cpu.as_secs_f64() / (elapsed.as_secs_f64() * threads.min(cores) as f64).max(1e-9);
    if busy > BUSY_SHARE && elapsed >= JUDGED_FROM {
        warnings.push(format!(
            "the load generator was busy for {:.0} % of the time its {threads} threads can have on {cores} cores: latencies may be its own. \
             Ask for less load, or give it more cores",
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
    warnings
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::metrics::Tags;

    #[test]
    fn more_threads_than_cores_do_not_make_a_generator_idle() {
        let whole = Aggregate::new(Arc::default(), false);
        let second = Duration::from_secs(1);
        let busy = warnings(&whole, second, Duration::from_millis(1_900), 16, 2);
        assert!(busy[0].contains("busy for 95 %"), "{busy:?}");
    }

    fn warned(record: impl FnOnce(&mut Aggregate), cpu_ms: u64) -> Vec<String> {
        let mut whole = Aggregate::new(Arc::default(), false);
        record(&mut whole);
        warnings(
            &whole,
            Duration::from_secs(1),
            Duration::from_millis(cpu_ms),
            2,
            8,
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
