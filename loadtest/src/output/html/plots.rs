//! What is drawn of a test.

use crate::metrics::{Sink, Trend};
use crate::output::number::duration;
use crate::output::report::{MetricReport, Report};
use crate::output::timeline::Slot;
use crate::output::values::float;

use super::chart::{Chart, Line};
use super::scale::Scale;

/// Curves of one plot at most.
const CURVES_MAX: usize = 12;

/// Those that there is something to draw in.
pub(super) fn of(report: &Report) -> Vec<Chart> {
    let slots = report.timeline.slots();
    let mut charts = Vec::new();
    if !slots.is_empty() {
        let end = slots[slots.len() - 1].end_s;
        if slots.iter().any(|slot| slot.p99_ms.is_finite()) {
            charts.push(latency(slots, end));
        }
        charts.push(throughput(slots, end));
        charts.push(vus(slots, end));
    }
    let durations = report
        .metrics
        .iter()
        .find(|of| &*of.metric.name == "http_req_duration");
    charts.extend(durations.and_then(percentiles));
    charts
}

fn latency(slots: &[Slot], end: f64) -> Chart {
    let lines = vec![
        line("p50", slots, |slot| slot.p50_ms),
        line("p95", slots, |slot| slot.p95_ms),
        line("p99", slots, |slot| slot.p99_ms),
    ];
    let worst = greatest(&lines);
    over_time(
        "Latency over time",
        format!(
            "Median, 95th and 99th percentile of http_req_duration; the greatest is {}.",
            duration(worst, None)
        ),
        "http_req_duration",
        Scale::linear(worst, true),
        lines,
        end,
    )
}

fn throughput(slots: &[Slot], end: f64) -> Chart {
    let mut lines = vec![
        line("requests/s", slots, |slot| slot.requests_per_s),
        line("failed/s", slots, |slot| slot.failed_per_s),
        line("iterations/s", slots, |slot| slot.iterations_per_s),
    ];
    if slots.iter().any(|slot| slot.dropped_per_s > 0.0) {
        lines.push(line("dropped/s", slots, |slot| slot.dropped_per_s));
    }
    let most = greatest(&lines);
    over_time(
        "Requests and iterations over time",
        format!("Requests, failed requests and iterations per second; at most {most:.0}."),
        "per second",
        Scale::linear(most, false),
        lines,
        end,
    )
}

fn vus(slots: &[Slot], end: f64) -> Chart {
    let lines = vec![line("VUs", slots, |slot| f64::from(slot.vus))];
    let most = greatest(&lines);
    over_time(
        "Virtual users over time",
        format!("Virtual users that there were; at most {most:.0}."),
        "VUs",
        Scale::linear(most.max(5.0), false),
        lines,
        end,
    )
}

fn over_time(
    title: &'static str,
    description: String,
    y_label: &'static str,
    y: Scale,
    lines: Vec<Line>,
    end: f64,
) -> Chart {
    Chart {
        title,
        description,
        x_label: "time since the start",
        y_label,
        x: Scale::seconds(end),
        y,
        lines,
    }
}

fn line(name: &str, slots: &[Slot], value: impl Fn(&Slot) -> f64) -> Line {
    Line {
        name: name.to_owned(),
        points: slots.iter().map(|slot| (slot.end_s, value(slot))).collect(),
    }
}

fn greatest(lines: &[Line]) -> f64 {
    let values = lines.iter().flat_map(|line| &line.points).map(|(_, y)| *y);
    values.fold(0.0, f64::max)
}

/// One curve for all requests, and one for each sub-metric that has samples; `None` without requests.
fn percentiles(of: &MetricReport) -> Option<Chart> {
    let mut curves = Vec::new();
    if let Sink::Trend(trend) = &of.sink {
        curves.push(("all".to_owned(), trend));
    }
    for part in &of.submetrics {
        if let Sink::Trend(trend) = &part.sink {
            curves.push((part.selector.conditions(), trend));
        }
    }
    curves.retain(|(_, trend)| trend.count() > 0);
    let most = curves.iter().map(|(_, trend)| trend.count()).max()?;
    let worst = curves.iter().map(|(_, trend)| trend.max()).fold(0.0, f64::max);
    let left_out = match curves.len().saturating_sub(CURVES_MAX) {
        0 => String::new(),
        more => format!(" {more} more sub-metrics are in the table only."),
    };
    curves.truncate(CURVES_MAX);
    Some(Chart {
        title: "Latency by percentile",
        description: format!(
            "How long the requests took up to each percentile; the slowest one took {}.{left_out}",
            duration(worst, None)
        ),
        x_label: "percentile",
        y_label: "http_req_duration",
        x: Scale::percentile(float(most)),
        y: Scale::linear(worst, true),
        lines: curves
            .into_iter()
            .map(|(name, trend)| Line {
                name,
                points: curve(trend),
            })
            .collect(),
    })
}

/// Pairs of a share of the values, and the value that so many do not exceed. The greatest value stands half a value
/// short of 1, which would be infinitely far to the right.
fn curve(trend: &Trend) -> Vec<(f64, f64)> {
    let count = float(trend.count());
    let far = 1.0 - 0.5 / count;
    let mut points = vec![(0.0, trend.min())];
    for (value, so_far) in trend.cumulative() {
        points.push(if so_far == trend.count() {
            (far, trend.max()) // exact, other than the values of the histogram
        } else {
            (float(so_far) / count, value)
        });
    }
    points
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::metrics::Contains;
    use crate::output::fixture::{Fixture, trend};

    #[test]
    fn a_curve_ends_at_the_greatest_value() {
        let Sink::Trend(trend) = trend(&[(1.0, 9), (100.0, 1)]) else {
            unreachable!("that is what it makes");
        };
        let points = curve(&trend);
        assert_eq!(points.len(), 3);
        assert_eq!((points[0].0, points[1].0, points[2].0), (0.0, 0.9, 0.95));
        assert_eq!(points[2].1, 100.0);
    }

    #[test]
    fn each_sub_metric_with_samples_has_a_curve_up_to_a_bound() {
        let mut test = Fixture::new(Duration::from_secs(1));
        test.metric("http_req_duration", Contains::Time, trend(&[(1.0, 3)]));
        test.part(&[("region", "nowhere")], trend(&[]));
        test.part(&[("region", "eu")], trend(&[(1.0, 3)]));
        let names = |test: &Fixture| -> Vec<String> {
            let charts = of(&test.report);
            charts[0].lines.iter().map(|line| line.name.clone()).collect()
        };
        assert_eq!(names(&test), ["all", "region:eu"]);
        for region in 0..CURVES_MAX {
            test.part(&[("region", &region.to_string())], trend(&[(1.0, 3)]));
        }
        assert_eq!(names(&test).len(), CURVES_MAX);
        assert!(
            of(&test.report)[0]
                .description
                .ends_with("2 more sub-metrics are in the table only.")
        );
    }

    #[test]
    fn without_requests_and_time_nothing_is_drawn() {
        assert!(of(&Fixture::new(Duration::ZERO).report).is_empty());
    }
}
