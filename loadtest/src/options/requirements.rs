//! What a test needs, before it runs.

use std::time::Duration;

use super::checked::Options;

/// The greatest number of VUs at one time, and the time after which nothing runs any more, without setup and teardown.
///
/// Both count graceful stops, as `k6 inspect --execution-requirements` does. A scenario counts with its greatest number
/// of VUs from its start to the end of its graceful stop, so scenarios that follow each other share VUs. k6 follows the
/// steps of a ramp, and needs fewer where one ramp ends while another begins.
#[must_use]
pub fn requirements(options: &Options) -> (u64, Duration) {
    let spans = options.scenarios.iter().map(|scenario| {
        let end = scenario
            .start_time
            .saturating_add(scenario.executor.duration())
            .saturating_add(scenario.graceful_stop);
        (scenario.start_time, end, u64::from(scenario.executor.max_vus()))
    });
    let spans: Vec<_> = spans.collect();
    // The number of VUs rises only where a scenario starts.
    let at = |time| {
        let under_way = spans
            .iter()
            .filter(|(start, end, _)| (*start..*end).contains(&time));
        under_way.map(|(_, _, vus)| vus).sum()
    };
    let max_vus = spans.iter().map(|(start, ..)| at(*start)).max();
    let end = spans.iter().map(|(_, end, _)| *end).max();
    (max_vus.unwrap_or_default(), end.unwrap_or_default())
}
