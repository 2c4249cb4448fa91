//! Every metric name and label in one place. Labels are closed sets: route names from the configuration, and
//! `as_str()` of an enum.

mod answers;
mod ring;

use std::sync::Arc;

use parking_lot::Mutex;
use prometheus::{
    Encoder, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, TextEncoder,
};

/// From a memory hit to a slow origin.
const LATENCY_BUCKETS_S: [f64; 15] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];

/// All metrics of one proxy.
pub(crate) struct Metrics {
    registry: Registry,
    /// One scrape at a time.
    pub(crate) scrape: Mutex<()>,
    answers: Answers,
    pub(crate) connections: IntGauge,
    pub(crate) connections_total: IntCounter,
    pub(crate) tls_handshake_failures: IntCounter,
    pub(crate) requests_refused: IntCounter,
    pub(crate) origin_requests: IntCounterVec,
    pub(crate) origin_duration: HistogramVec,
    pub(crate) origin_healthy: IntGaugeVec,
    pub(crate) origin_fetches: IntGauge,
    pub(crate) origin_fetches_queued: IntGauge,
    pub(crate) origin_fetches_refused: IntCounterVec,
    pub(crate) fills_collapsed: IntCounter,
    pub(crate) fills_in_flight: IntGauge,
    pub(crate) fills_oldest_start: Gauge,
    pub(crate) ring: Arc<RingMetrics>,
    pub(crate) l1_entries: IntGauge,
    pub(crate) l1_bytes: IntGauge,
    pub(crate) floors: IntGauge,
    pub(crate) invalidations: IntCounterVec,
    pub(crate) feed_connected: IntGauge,
    pub(crate) access_log_dropped: IntCounter,
    pub(crate) certificate_reloads: IntCounterVec,
    pub(crate) config_last_reload_successful: IntGauge,
    pub(crate) config_last_reload_success_timestamp: Gauge,
}

use self::answers::Answers;
pub(crate) use self::answers::RouteMetrics;
pub(crate) use self::ring::{LeaseResult, RingMetrics};

/// A metric that cannot be made: two share a name, or a name or label is malformed.
pub(crate) type MetricsError = prometheus::Error;

impl Metrics {
    /// Makes and registers every metric, each with the constant label `region`. As long as there are metrics: it is
    /// their table.
    ///
    /// # Errors
    /// [`MetricsError`] for a name used twice.
    pub(crate) fn new(region: &str) -> Result<Self, MetricsError> {
        let labels = [("region".to_owned(), region.to_owned())].into();
        let registry = Registry::new_custom(Some("proxima".into()), Some(labels))?;
        let new = Maker { registry: &registry };
        let metrics = Self {
            answers: new.register(Answers::new()?)?,
            connections: new.gauge("connections", "Client connections open")?,
            connections_total: new.counter("connections_total", "Client connections accepted")?,
            tls_handshake_failures: new
                .counter("tls_handshake_failures_total", "TLS handshakes that failed")?,
            requests_refused: new.counter(
                "requests_refused_total",
                "Requests refused as malformed or oversized",
            )?,
            origin_requests: new.counters(
                "origin_requests_total",
                "Requests to origins",
                &["origin_region", "result"],
            )?,
            origin_duration: new.histograms(
                "origin_duration_seconds",
                "Request to an origin until its header",
                &["origin_region"],
            )?,
            origin_healthy: new.gauges(
                "origin_healthy",
                "1 when the origin takes requests",
                &["origin_region", "index"],
            )?,
            origin_fetches: new.gauge("origin_fetches", "Reads at origins, up to [upstream] max_fetches")?,
            origin_fetches_queued: new.gauge(
                "origin_fetches_queued",
                "Reads that wait for their turn, up to [upstream] max_queued_fetches",
            )?,
            origin_fetches_refused: new.counters(
                "origin_fetches_refused_total",
                "Reads that were not let through to the origins",
                &["reason"],
            )?,
            fills_collapsed: new.counter("fills_collapsed_total", "Requests that shared another's fill")?,
            fills_in_flight: new.gauge(
                "fills_in_flight",
                "Fills under way, until the ring has what they store",
            )?,
            fills_oldest_start: new.register(Gauge::new(
                "fills_oldest_start_time_seconds",
                "When the oldest fill under way began, in seconds since 1970; 0 when there is none",
            )?)?,
            ring: Arc::new(RingMetrics::new(&new)?),
            l1_entries: new.gauge("l1_entries", "Entries in L1")?,
            l1_bytes: new.gauge("l1_bytes", "Bytes that the entries in L1 cost")?,
            floors: new.gauge("floors", "Tags with a floor")?,
            invalidations: new.counters("invalidations_total", "Invalidations heard of", &["source"])?,
            feed_connected: new.gauge("feed_connected", "1 while the change feed is heard")?,
            access_log_dropped: new.counter("access_log_dropped_total", "Access log lines dropped")?,
            certificate_reloads: new.counters(
                "certificate_reloads_total",
                "Certificate reloads",
                &["result"],
            )?,
            config_last_reload_successful: new.gauge(
                "config_last_reload_successful",
                "1 when the configuration was good the last time it was read, at the start included; 0 when it was refused",
            )?,
            config_last_reload_success_timestamp: new.register(Gauge::new(
                "config_last_reload_success_timestamp_seconds",
                "When a good configuration was last read, in seconds since 1970",
            )?)?,
            registry: registry.clone(),
            scrape: Mutex::default(),
        };
        let build = new.gauges("build_info", "Version of this proxy", &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        Ok(metrics)
    }

    /// Counts for one route.
    pub(crate) fn route(&self, route: &str) -> Arc<RouteMetrics> {
        self.answers.route(route)
    }

    /// The Prometheus text format.
    pub(crate) fn render(&self) -> Vec<u8> {
        let mut text = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            tracing::error!(%error, "the metrics cannot be written");
        }
        text
    }
}

/// Makes and registers in one step.
struct Maker<'m> {
    registry: &'m Registry,
}

impl Maker<'_> {
    fn register<C: prometheus::core::Collector + Clone + 'static>(
        &self,
        metric: C,
    ) -> Result<C, MetricsError> {
        self.registry.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    fn counter(&self, name: &str, help: &str) -> Result<IntCounter, MetricsError> {
        self.register(IntCounter::new(name, help)?)
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, MetricsError> {
        self.register(IntCounterVec::new(Opts::new(name, help), labels)?)
    }

    fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, MetricsError> {
        self.register(IntGauge::new(name, help)?)
    }

    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, MetricsError> {
        self.register(IntGaugeVec::new(Opts::new(name, help), labels)?)
    }

    fn float_gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<GaugeVec, MetricsError> {
        self.register(GaugeVec::new(Opts::new(name, help), labels)?)
    }

    fn histogram(&self, name: &str, help: &str) -> Result<Histogram, MetricsError> {
        let options = HistogramOpts::new(name, help).buckets(LATENCY_BUCKETS_S.to_vec());
        self.register(Histogram::with_opts(options)?)
    }

    fn histograms(&self, name: &str, help: &str, labels: &[&str]) -> Result<HistogramVec, MetricsError> {
        let options = HistogramOpts::new(name, help).buckets(LATENCY_BUCKETS_S.to_vec());
        self.register(HistogramVec::new(options, labels)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Tier;
    use crate::status::Outcome;

    #[test]
    fn names_are_registered_once_and_carry_the_region() {
        let metrics = Metrics::new("us-west").unwrap();
        let route = metrics.route("profiles");
        route.answered(Outcome::Hit(Tier::L1), 200, std::time::Duration::from_micros(40));
        let text = String::from_utf8(metrics.render()).unwrap();
        let line =
            r#"proxima_requests_total{cache="hit-l1",route="profiles",status="2xx",region="us-west"} 1"#;
        assert!(text.contains(line), "{text}");
        assert!(text.contains("proxima_build_info"));
    }
}
