//! The few numbers that most readers want.

use crate::metrics::Sink;
use crate::output::number::{bytes, duration, per_second, percent, plain};
use crate::output::report::Report;

/// Name, number and remark of each; what was not measured is left out.
pub(super) fn of(report: &Report) -> Vec<(&'static str, String, String)> {
    let seconds = report.duration.as_secs_f64();
    let sink = |name: &str| {
        let of = report.metrics.iter().find(|of| &*of.metric.name == name);
        of.map(|of| &of.sink).filter(|sink| !sink.is_empty())
    };
    let mut figures = Vec::new();
    let mut counter = |name: &str, title: &'static str, write: fn(f64) -> String| {
        if let Some(Sink::Counter(counter)) = sink(name) {
            let rate = per_second(counter.sum, seconds);
            let rate = if rate >= 100.0 {
                rate.round()
            } else {
                (rate * 100.0).round() / 100.0
            };
            figures.push((title, write(counter.sum), format!("{}/s", write(rate))));
        }
    };
    counter("http_reqs", "Requests", plain);
    counter("iterations", "Iterations", plain);
    counter("dropped_iterations", "Dropped iterations", plain);
    counter("data_received", "Received", bytes);
    counter("data_sent", "Sent", bytes);
    if let Some(Sink::Rate(rate)) = sink("http_req_failed") {
        let share = percent(rate.trues, rate.total);
        figures.insert(
            1,
            (
                "Failed requests",
                share,
                format!("{} of {}", rate.trues, rate.total),
            ),
        );
    }
    if let Some(Sink::Trend(trend)) = sink("http_req_duration") {
        for (place, (title, percent)) in [("p50", 50.0), ("p95", 95.0), ("p99", 99.0)]
            .into_iter()
            .enumerate()
        {
            let time = duration(trend.percentile(percent), report.options.summary_time_unit);
            figures.insert(
                (2 + place).min(figures.len()),
                (title, time, "http_req_duration".to_owned()),
            );
        }
    }
    figures
}
