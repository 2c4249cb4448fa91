//! Requests answered, by route, outcome and status, and how long they took. The only metrics that every request writes to, so
//! each thread has its own counts, which a scrape adds up.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use prometheus::core::{Collector, Desc};
use prometheus::proto::{Bucket, Counter, Histogram, LabelPair, Metric, MetricFamily, MetricType};

use super::{LATENCY_BUCKETS_S, MetricsError};
use crate::per_thread::PerThread;
use crate::status::Outcome;

const STATUS_CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
const REQUESTS: (&str, &str) = ("requests_total", "Requests answered");
const DURATION: (&str, &str) = ("request_duration_seconds", "Request to answer");

/// Counts of one route.
#[derive(Debug)]
pub(crate) struct RouteMetrics {
    route: String,
    counts: PerThread<[Counts; Outcome::ALL.len()]>,
}

/// What one thread has counted of one outcome.
#[derive(Debug, Default)]
struct Counts {
    classes: [AtomicU64; STATUS_CLASSES.len()],
    /// The last one is for what took longer than any bound.
    buckets: [AtomicU64; LATENCY_BUCKETS_S.len() + 1],
    nanoseconds: AtomicU64,
}

impl RouteMetrics {
    /// Counts one answered request.
    pub(crate) fn answered(&self, outcome: Outcome, status: u16, took: Duration) {
        let counts = &self.counts.own()[outcome.index()];
        let class = usize::from(status / 100).clamp(1, STATUS_CLASSES.len()) - 1;
        let seconds = took.as_secs_f64();
        let bucket = LATENCY_BUCKETS_S
            .iter()
            .take_while(|&&bound| seconds > bound)
            .count();
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        counts.classes[class].fetch_add(1, Ordering::Relaxed);
        counts.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        counts.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    fn sum(&self, outcome: Outcome, count: impl Fn(&Counts) -> &AtomicU64) -> u64 {
        let counts = self.counts.all().map(|counts| &counts[outcome.index()]);
        counts.map(|counts| count(counts).load(Ordering::Relaxed)).sum()
    }

    fn labels(&self, outcome: Outcome) -> Vec<LabelPair> {
        // a hit's tier is part of the label, so that each tier has its own rate, errors and duration
        let cache = match outcome.tier() {
            Some(tier) => format!("hit-{}", tier.as_str()),
            None => outcome.as_str().to_owned(),
        };
        vec![label("cache", cache), label("route", self.route.clone())]
    }

    fn requests(&self) -> impl Iterator<Item = Metric> {
        let by_class = |outcome| {
            STATUS_CLASSES
                .iter()
                .enumerate()
                .map(move |class| (outcome, class))
        };
        Outcome::ALL
            .into_iter()
            .flat_map(by_class)
            .map(|(outcome, (index, class))| {
                let mut labels = self.labels(outcome);
                labels.push(label("status", (*class).to_owned()));
                let mut counter = Counter::default();
                counter.set_value(self.sum(outcome, |counts| &counts.classes[index]) as f64);
                let mut metric = Metric::from_label(labels);
                metric.set_counter(counter);
                metric
            })
    }

    fn durations(&self) -> impl Iterator<Item = Metric> {
        Outcome::ALL.into_iter().map(|outcome| {
            let mut so_far = 0;
            let mut buckets = Vec::with_capacity(LATENCY_BUCKETS_S.len());
            for (index, bound) in LATENCY_BUCKETS_S.into_iter().enumerate() {
                so_far += self.sum(outcome, |counts| &counts.buckets[index]);
                let mut bucket = Bucket::default();
                bucket.set_upper_bound(bound);
                bucket.set_cumulative_count(so_far);
                buckets.push(bucket);
            }
            let beyond = self.sum(outcome, |counts| &counts.buckets[LATENCY_BUCKETS_S.len()]);
            let mut histogram = Histogram::default();
            histogram.set_bucket(buckets);
            histogram.set_sample_count(so_far + beyond);
            histogram.set_sample_sum(self.sum(outcome, |counts| &counts.nanoseconds) as f64 / 1e9);
            let mut metric = Metric::from_label(self.labels(outcome));
            metric.set_histogram(histogram);
            metric
        })
    }
}

fn label(name: &str, value: String) -> LabelPair {
    let mut label = LabelPair::default();
    label.set_name(name.to_owned());
    label.set_value(value);
    label
}

/// All routes' counts, as the registry collects them.
#[derive(Debug, Clone)]
pub(super) struct Answers {
    descriptions: Arc<[Desc; 2]>,
    routes: Arc<Mutex<Vec<Arc<RouteMetrics>>>>,
}

impl Answers {
    pub(super) fn new() -> Result<Self, MetricsError> {
        let describe = |(name, help): (&str, &str), labels: &[&str]| {
            let labels = labels.iter().map(|&label| label.to_owned()).collect();
            Desc::new(name.to_owned(), help.to_owned(), labels, HashMap::new())
        };
        let descriptions = [
            describe(REQUESTS, &["cache", "route", "status"])?,
            describe(DURATION, &["cache", "route"])?,
        ];
        Ok(Self {
            descriptions: Arc::new(descriptions),
            routes: Arc::default(),
        })
    }

    /// Counts for one more route.
    pub(super) fn route(&self, route: &str) -> Arc<RouteMetrics> {
        let metrics = Arc::new(RouteMetrics {
            route: route.to_owned(),
            counts: PerThread::new(),
        });
        self.routes.lock().push(Arc::clone(&metrics));
        metrics
    }
}

impl Collector for Answers {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let routes = self.routes.lock();
        let requests = routes.iter().flat_map(|route| route.requests()).collect();
        let durations = routes.iter().flat_map(|route| route.durations()).collect();
        vec![
            family(REQUESTS, MetricType::COUNTER, requests),
            family(DURATION, MetricType::HISTOGRAM, durations),
        ]
    }
}

fn family((name, help): (&str, &str), kind: MetricType, metrics: Vec<Metric>) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(name.to_owned());
    family.set_help(help.to_owned());
    family.set_field_type(kind);
    family.set_metric(metrics);
    family
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Tier;

    #[test]
    fn what_threads_have_counted_is_added_up() {
        let answers = Answers::new().unwrap();
        let route = answers.route("jobs");
        std::thread::scope(|scope| {
            for ms in [1, 3, 10_000] {
                let route = &route;
                scope.spawn(move || route.answered(Outcome::Hit(Tier::L2), 206, Duration::from_millis(ms)));
            }
        });
        let families = answers.collect();
        let hits = |family: &MetricFamily| {
            let of = |metric: &&Metric| metric.get_label()[0].value() == "hit-l2";
            family.get_metric().iter().filter(of).cloned().collect::<Vec<_>>()
        };
        let counted: Vec<f64> = hits(&families[0])
            .iter()
            .map(|metric| metric.get_counter().get_value())
            .collect();
        assert_eq!(counted, [0.0, 3.0, 0.0, 0.0, 0.0]);
        let duration = hits(&families[1])[0].get_histogram().clone();
        assert_eq!(
            (duration.get_sample_count(), duration.get_sample_sum()),
            (3, 10.004)
        );
        let within = |bound: f64| {
            let bucket = duration
                .get_bucket()
                .iter()
                .find(|bucket| bucket.upper_bound() == bound);
            bucket.map(Bucket::cumulative_count)
        };
        assert_eq!(
            (within(0.001), within(0.005), within(5.0)),
            (Some(1), Some(2), Some(2))
        );
    }
}
