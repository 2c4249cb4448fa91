//! Which metrics and sub-metrics there are.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::RwLock;

use super::builtin::BUILTIN;

/// Sub-metrics after which [`Registry::select_all`] adds none.
const SUBMETRICS_MAX: usize = 1_000;

/// How a metric's values are summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A sum.
    Counter,
    /// The last value, with the least and the greatest.
    Gauge,
    /// The share of values that are not 0.
    Rate,
    /// A distribution.
    Trend,
}

impl Kind {
    /// As outputs write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Rate => "rate",
            Self::Trend => "trend",
        }
    }
}

/// What a metric's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Contains {
    /// Plain numbers.
    Default,
    /// Milliseconds.
    Time,
    /// Bytes.
    Data,
}

impl Contains {
    /// As outputs write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Time => "time",
            Self::Data => "data",
        }
    }
}

/// A metric, for as long as its [`Registry`] lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MetricId(u32);

impl MetricId {
    pub(super) const fn at(place: u32) -> Self {
        Self(place)
    }

    /// Its place in [`Registry::metrics`].
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }

    /// As scripts keep it.
    pub(crate) fn number(self) -> u32 {
        self.0
    }

    /// What [`Self::number`] gave.
    pub(crate) fn numbered(number: u32) -> Self {
        Self(number)
    }
}

/// A sub-metric, for as long as its [`Registry`] lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesId(u32);

impl SeriesId {
    /// Its place in [`Registry::submetrics`].
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A metric.
#[derive(Debug, Clone)]
pub struct Metric {
    /// What samples carry.
    pub id: MetricId,
    /// Unique.
    pub name: Arc<str>,
    /// How values are summed up.
    pub kind: Kind,
    /// What values are.
    pub contains: Contains,
}

/// Which samples of a metric a threshold looks at: `name` or `name{tag:value,…}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Selector {
    /// The metric's name.
    pub metric: String,
    /// Tags that a sample must have, all of them; empty for the metric itself.
    pub tags: Vec<(String, String)>,
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.metric)?;
        if self.tags.is_empty() {
            return Ok(());
        }
        write!(f, "{{{}}}", self.conditions())
    }
}

impl Selector {
    /// `tag:value,tag:value`.
    #[must_use]
    pub fn conditions(&self) -> String {
        let conditions: Vec<String> = self
            .tags
            .iter()
            .map(|(tag, value)| format!("{tag}:{value}"))
            .collect();
        conditions.join(",")
    }
}

/// The samples of a metric that have certain tags.
#[derive(Debug, Clone)]
pub struct Submetric {
    /// Its place in [`Registry::submetrics`].
    pub id: SeriesId,
    /// The metric it is a part of.
    pub metric: MetricId,
    /// Which of that metric's samples.
    pub selector: Selector,
}

/// Why a metric cannot be declared or found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetricError {
    /// Twice, and not the same.
    #[error(
        "metric {name:?} is already a {} of {} values: give the {} of {} values another name",
        was.0.as_str(), was.1.as_str(), wanted.0.as_str(), wanted.1.as_str()
    )]
    Conflict {
        /// The name.
        name: String,
        /// What it is.
        was: (Kind, Contains),
        /// What it should have become.
        wanted: (Kind, Contains),
    },
    /// Outputs and thresholds could not tell such a name.
    #[error("{0:?} cannot name a metric: up to 128 letters, digits and underscores, the first one no digit")]
    Name(String),
    /// There is none of that name.
    #[error("there is no metric {0:?}: declare it in the script's init code, or correct the name")]
    Unknown(String),
}

#[derive(Debug, Default)]
struct Known {
    metrics: Vec<Arc<Metric>>,
    by_name: HashMap<Arc<str>, MetricId>,
    submetrics: Vec<Arc<Submetric>>,
}

/// All metrics and sub-metrics of a test. The built-in ones come first, in the order of [`BUILTIN`].
#[derive(Debug)]
pub struct Registry {
    known: RwLock<Known>,
}

impl Default for Registry {
    fn default() -> Self {
        let registry = Self {
            known: RwLock::default(),
        };
        for (name, kind, contains) in BUILTIN {
            registry
                .declare(name, kind, contains)
                .expect("built-in names are valid and differ");
        }
        registry
    }
}

impl Registry {
    /// The metric of this name: a new one unless there is one already.
    ///
    /// # Errors
    /// [`MetricError::Conflict`] if it is of another kind, [`MetricError::Name`] for a name that cannot be written.
    pub fn declare(&self, name: &str, kind: Kind, contains: Contains) -> Result<MetricId, MetricError> {
        let mut known = self.known.write();
        if let Some(id) = known.by_name.get(name) {
            let was = &known.metrics[id.index()];
            if (was.kind, was.contains) == (kind, contains) {
                return Ok(*id);
            }
            let was = (was.kind, was.contains);
            return Err(MetricError::Conflict {
                name: name.to_owned(),
                was,
                wanted: (kind, contains),
            });
        }
        if !valid_name(name) {
            return Err(MetricError::Name(name.to_owned()));
        }
        let id = MetricId(u32::try_from(known.metrics.len()).expect("fewer than 4 billion metrics"));
        let name: Arc<str> = name.into();
        known.by_name.insert(name.clone(), id);
        known.metrics.push(Arc::new(Metric {
            id,
            name,
            kind,
            contains,
        }));
        Ok(id)
    }

    /// Has the samples that `selector` means counted apart from now on. `None` if it means the whole metric.
    ///
    /// # Errors
    /// [`MetricError::Unknown`] for a metric that was not declared.
    pub fn select(&self, selector: &Selector) -> Result<(MetricId, Option<SeriesId>), MetricError> {
        let mut known = self.known.write();
        let metric = *known
            .by_name
            .get(selector.metric.as_str())
            .ok_or_else(|| MetricError::Unknown(selector.metric.clone()))?;
        if selector.tags.is_empty() {
            return Ok((metric, None));
        }
        if let Some(same) = known.submetrics.iter().find(|known| known.selector == *selector) {
            return Ok((metric, Some(same.id)));
        }
        let id = SeriesId(u32::try_from(known.submetrics.len()).expect("fewer than 4 billion sub-metrics"));
        known.submetrics.push(Arc::new(Submetric {
            id,
            metric,
            selector: selector.clone(),
        }));
        Ok((metric, Some(id)))
    }

    /// Has the samples of every metric that have this tag counted apart, for the sections of a full summary.
    ///
    /// Nothing if there are [`SUBMETRICS_MAX`] already: a script that makes up groups must not eat the memory.
    pub fn select_all(&self, tag: &str, value: &str) {
        if self.known.read().submetrics.len() >= SUBMETRICS_MAX {
            return;
        }
        for metric in self.metrics() {
            let selector = Selector {
                metric: metric.name.to_string(),
                tags: vec![(tag.to_owned(), value.to_owned())],
            };
            self.select(&selector).expect("the metric was declared");
        }
    }

    /// The metric of that name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Arc<Metric>> {
        let known = self.known.read();
        known
            .by_name
            .get(name)
            .map(|id| known.metrics[id.index()].clone())
    }

    /// All metrics, in the order of their ids.
    #[must_use]
    pub fn metrics(&self) -> Vec<Arc<Metric>> {
        self.known.read().metrics.clone()
    }

    /// All sub-metrics, in the order of their ids.
    #[must_use]
    pub fn submetrics(&self) -> Vec<Arc<Submetric>> {
        self.known.read().submetrics.clone()
    }

    /// The sub-metrics that `chosen` picks, in the order of their ids.
    pub(super) fn submetrics_where(&self, chosen: impl Fn(&Submetric) -> bool) -> Vec<SeriesId> {
        let known = self.known.read();
        known
            .submetrics
            .iter()
            .filter(|submetric| chosen(submetric))
            .map(|submetric| submetric.id)
            .collect()
    }

    /// The metric itself.
    #[must_use]
    pub fn metric(&self, id: MetricId) -> Arc<Metric> {
        self.known.read().metrics[id.index()].clone()
    }
}

fn valid_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() <= 128
        && bytes
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_metrics_are_found_where_their_constants_say() {
        let registry = Registry::default();
        for (name, id) in [
            ("vus", super::super::builtin::VUS),
            ("http_reqs", super::super::builtin::HTTP_REQS),
            (
                "iteration_start_delay",
                super::super::builtin::ITERATION_START_DELAY,
            ),
        ] {
            assert_eq!(registry.find(name).unwrap().id, id, "{name}");
        }
    }

    #[test]
    fn a_metric_is_one_thing_only() {
        let registry = Registry::default();
        let id = registry.declare("hits", Kind::Rate, Contains::Default).unwrap();
        assert_eq!(registry.declare("hits", Kind::Rate, Contains::Default), Ok(id));
        let twice = registry.declare("hits", Kind::Trend, Contains::Time).unwrap_err();
        assert!(twice.to_string().contains("already a rate"), "{twice}");
        for bad in ["", "1st", "a b", "é", &"x".repeat(129)] {
            assert_eq!(
                registry.declare(bad, Kind::Rate, Contains::Default),
                Err(MetricError::Name(bad.to_owned()))
            );
        }
    }

    #[test]
    fn a_selector_needs_a_metric_that_is_there() {
        let registry = Registry::default();
        let by_region = |metric: &str| Selector {
            metric: metric.to_owned(),
            tags: vec![("region".to_owned(), "eu".to_owned())],
        };
        let (_, first) = registry.select(&by_region("http_req_duration")).unwrap();
        let (_, again) = registry.select(&by_region("http_req_duration")).unwrap();
        assert_eq!(first, again);
        assert_eq!(by_region("http_reqs").to_string(), "http_reqs{region:eu}");
        assert_eq!(
            registry.select(&by_region("http_rqs")),
            Err(MetricError::Unknown("http_rqs".to_owned()))
        );
    }
}
