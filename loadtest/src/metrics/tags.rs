//! The circumstances of a sample.

use std::sync::Arc;

use super::registry::{Registry, SeriesId, Submetric};

/// Tags are shared by all samples that have the same.
pub type Tags = Arc<TagSet>;

/// A set of tags, sorted by name, and which sub-metrics it belongs to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct TagSet {
    pairs: Vec<(Arc<str>, Arc<str>)>,
    submetrics: Vec<SeriesId>,
}

impl TagSet {
    /// The set of `pairs`: of two with the same name, the later one counts. Values may be empty: such a tag is left out.
    #[must_use]
    pub fn new(mut pairs: Vec<(Arc<str>, Arc<str>)>, registry: &Registry) -> Tags {
        pairs.reverse();
        pairs.sort_by(|(a, _), (b, _)| a.cmp(b)); // stable: the later one is still in front
        pairs.dedup_by(|(next, _), (kept, _)| next == kept);
        pairs.retain(|(_, value)| !value.is_empty());
        Arc::new(Self {
            submetrics: registry.submetrics_where(|submetric| chooses(submetric, &pairs)),
            pairs,
        })
    }

    /// Name and value of each tag, by name.
    #[must_use]
    pub fn pairs(&self) -> &[(Arc<str>, Arc<str>)] {
        &self.pairs
    }

    /// The value of a tag.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let place = self.pairs.binary_search_by(|(tag, _)| (**tag).cmp(name)).ok()?;
        Some(&self.pairs[place].1)
    }

    /// The sub-metrics, of whatever metric, that want samples with these tags.
    #[must_use]
    pub fn submetrics(&self) -> &[SeriesId] {
        &self.submetrics
    }
}

fn chooses(submetric: &Submetric, pairs: &[(Arc<str>, Arc<str>)]) -> bool {
    submetric.selector.tags.iter().all(|(tag, wanted)| {
        let value = pairs
            .iter()
            .find(|(name, _)| **name == **tag)
            .map_or("", |(_, value)| &**value);
        value == wanted
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Selector;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(Arc<str>, Arc<str>)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect()
    }

    #[test]
    fn the_later_of_two_tags_counts_and_empty_ones_do_not() {
        let tags = TagSet::new(
            pairs(&[("b", "1"), ("a", "2"), ("b", "3"), ("c", "")]),
            &Registry::default(),
        );
        assert_eq!(tags.get("b"), Some("3"));
        assert_eq!(tags.get("c"), None);
        assert_eq!(tags.pairs().len(), 2);
    }

    #[test]
    fn sub_metrics_want_all_their_tags() {
        let registry = Registry::default();
        let selector = Selector {
            metric: "http_reqs".to_owned(),
            tags: vec![("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())],
        };
        let (_, series) = registry.select(&selector).unwrap();
        assert_eq!(
            TagSet::new(pairs(&[("a", "1"), ("b", "2"), ("c", "3")]), &registry).submetrics(),
            [series.unwrap()]
        );
        assert!(
            TagSet::new(pairs(&[("a", "1")]), &registry)
                .submetrics()
                .is_empty()
        );
    }
}
