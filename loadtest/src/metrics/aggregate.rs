//! What one thread has measured since it was last asked.

use std::sync::Arc;

use super::builtin;
use super::checks::GroupTree;
use super::registry::{MetricId, Registry, SeriesId};
use super::sink::Sink;
use super::{Sample, Tags};

/// Sums of all metrics and sub-metrics, and the samples themselves if an output wants them.
#[derive(Debug)]
pub struct Aggregate {
    registry: Arc<Registry>,
    metrics: Vec<Sink>,
    /// Each with the metric it is a part of.
    submetrics: Vec<(MetricId, Sink)>,
    groups: GroupTree,
    /// `None` if no output wants them.
    samples: Option<Vec<Sample>>,
}

impl Aggregate {
    /// With nothing in it.
    #[must_use]
    pub fn new(registry: Arc<Registry>, keep_samples: bool) -> Self {
        Self {
            registry,
            metrics: Vec::new(),
            submetrics: Vec::new(),
            groups: GroupTree::default(),
            samples: keep_samples.then(Vec::new),
        }
    }

    /// Takes one value in.
    pub fn record(&mut self, metric: MetricId, value: f64, unix_ns: u64, tags: &Tags) {
        if metric.index() >= self.metrics.len() {
            self.grow_metrics();
        }
        self.metrics[metric.index()].record(value, unix_ns);
        for series in tags.submetrics() {
            if series.index() >= self.submetrics.len() {
                self.grow_submetrics();
            }
            let (of, sink) = &mut self.submetrics[series.index()];
            if *of == metric {
                sink.record(value, unix_ns);
            }
        }
        if let Some(samples) = &mut self.samples {
            samples.push(Sample {
                metric,
                unix_ns,
                value,
                tags: tags.clone(),
            });
        }
    }

    /// Takes the outcome of a check in.
    pub fn check(&mut self, group: &str, name: &str, passed: bool, unix_ns: u64, tags: &Tags) {
        self.groups
            .count(group, name, u64::from(passed), u64::from(!passed));
        self.record(builtin::CHECKS, f64::from(u8::from(passed)), unix_ns, tags);
    }

    /// Has a group in the tree even if it has no check.
    pub fn group(&mut self, path: &str) {
        self.groups.group(path);
    }

    /// Takes in what another aggregate has, but for its samples.
    pub fn merge(&mut self, other: &Self) {
        self.grow_metrics();
        self.grow_submetrics();
        for (sink, other) in self.metrics.iter_mut().zip(&other.metrics) {
            sink.merge(other);
        }
        for ((_, sink), (_, other)) in self.submetrics.iter_mut().zip(&other.submetrics) {
            sink.merge(other);
        }
        self.groups.merge(&other.groups);
    }

    /// Forgets everything and keeps its memory.
    pub fn clear(&mut self) {
        self.metrics.iter_mut().for_each(Sink::clear);
        self.submetrics.iter_mut().for_each(|(_, sink)| sink.clear());
        self.groups = GroupTree::default();
        if let Some(samples) = &mut self.samples {
            samples.clear();
        }
    }

    /// The samples since the last [`Self::clear`], oldest first; empty if they are not kept.
    #[must_use]
    pub fn samples(&self) -> &[Sample] {
        self.samples.as_deref().unwrap_or_default()
    }

    /// All values of a metric; `None` if there never was one.
    #[must_use]
    pub fn metric(&self, id: MetricId) -> Option<&Sink> {
        self.metrics.get(id.index()).filter(|sink| !sink.is_empty())
    }

    /// All values of a sub-metric; `None` if there never was one.
    #[must_use]
    pub fn submetric(&self, id: SeriesId) -> Option<&Sink> {
        self.submetrics
            .get(id.index())
            .map(|(_, sink)| sink)
            .filter(|sink| !sink.is_empty())
    }

    /// Groups and checks.
    #[must_use]
    pub fn groups(&self) -> &GroupTree {
        &self.groups
    }

    /// Which metrics there are.
    #[must_use]
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    fn grow_metrics(&mut self) {
        let known = self.registry.metrics();
        self.metrics.extend(
            known[self.metrics.len()..]
                .iter()
                .map(|metric| Sink::new(metric.kind)),
        );
    }

    fn grow_submetrics(&mut self) {
        let known = self.registry.submetrics();
        let kind = |metric| self.registry.metric(metric).kind;
        let new = known[self.submetrics.len()..]
            .iter()
            .map(|new| (new.metric, Sink::new(kind(new.metric))));
        self.submetrics.extend(new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Selector, TagSet};

    #[test]
    fn a_sample_counts_for_its_metric_and_for_the_parts_its_tags_name() {
        let registry = Arc::new(Registry::default());
        let selector = Selector {
            metric: "http_reqs".to_owned(),
            tags: vec![("region".to_owned(), "eu".to_owned())],
        };
        let (metric, series) = registry.select(&selector).unwrap();
        let tagged = |region: &str| TagSet::new(vec![("region".into(), region.into())], &registry);
        let mut shard = Aggregate::new(registry.clone(), true);
        shard.record(metric, 1.0, 1, &tagged("eu"));
        shard.record(metric, 1.0, 2, &tagged("us"));
        shard.record(builtin::DATA_SENT, 5.0, 3, &tagged("eu"));
        let mut whole = Aggregate::new(registry.clone(), false);
        whole.merge(&shard);
        let sum = |sink: Option<&Sink>| match sink {
            Some(Sink::Counter(counter)) => counter.sum,
            other => panic!("{other:?}"),
        };
        assert_eq!(sum(whole.metric(metric)), 2.0);
        assert_eq!(sum(whole.submetric(series.unwrap())), 1.0);
        assert_eq!((shard.samples().len(), whole.samples().len()), (3, 0));
        assert!(whole.metric(builtin::CHECKS).is_none());
    }
}
