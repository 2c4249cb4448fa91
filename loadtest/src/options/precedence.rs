//! Laying the layers over each other.
//!
//! Each option comes from the highest layer that sets it. What decides how long and how much a test runs belongs
//! together, though: a layer that sets `duration`, `iterations`, `stages` or `scenarios` takes the place of all that
//! lower layers said of these.

use std::collections::BTreeMap;

use super::layer::Layer;
use super::problem::Problems;
use super::section::Entry;

/// How long and how much.
#[derive(Debug, Clone, Default)]
pub(super) struct Execution {
    pub(super) vus: Option<Entry>,
    pub(super) load: Load,
}

/// What comes with [`Execution::vus`].
#[derive(Debug, Clone, Default)]
pub(super) enum Load {
    #[default]
    Unset,
    Duration(Entry),
    Iterations {
        iterations: Entry,
        duration: Option<Entry>,
    },
    Stages(Entry),
    Scenarios(Entry),
}

/// What counts in the end.
#[derive(Debug, Default)]
pub(super) struct Merged {
    pub(super) execution: Execution,
    /// All other options.
    pub(super) settings: BTreeMap<String, Entry>,
}

/// Lays `layers` over each other, lowest precedence first.
pub(super) fn merge(
    layers: impl IntoIterator<Item = Layer>,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Merged {
    let mut merged = Merged::default();
    for mut layer in layers {
        let vus = layer.entries.remove("vus");
        let load = load(&mut layer.entries, vus.as_ref(), problems);
        if matches!(merged.execution.load, Load::Scenarios(_)) && (vus.is_some() || load.is_some()) {
            warnings.push(format!(
                "{} sets how the test runs: scenarios from lower places are not run",
                layer.name
            ));
        }
        merged.execution.lay_over(vus, load);
        if layer.entries.contains_key("summaryMode") {
            layer.entries.remove("noSummary");
        }
        merged.settings.extend(no_summary(layer.entries));
    }
    merged
}

/// `noSummary` of a layer decides as `summaryMode` would.
fn no_summary(mut entries: BTreeMap<String, Entry>) -> BTreeMap<String, Entry> {
    if let Some(mut entry) = entries.remove("noSummary")
        && entry.value == true
    {
        entry.value = "disabled".into();
        entries.insert("summaryMode".to_owned(), entry);
    }
    entries
}

impl Execution {
    fn lay_over(&mut self, vus: Option<Entry>, load: Option<Load>) {
        match (&vus, load) {
            (_, Some(load @ Load::Scenarios(_))) => *self = Self { vus: None, load },
            (_, Some(load)) => self.load = load,
            // VUs alone change how many there are; of scenarios nothing is left.
            (Some(_), None) if matches!(self.load, Load::Scenarios(_)) => self.load = Load::Unset,
            _ => {}
        }
        if vus.is_some() {
            self.vus = vus;
        }
    }
}

/// What one layer sets; `None` if nothing.
fn load(entries: &mut BTreeMap<String, Entry>, vus: Option<&Entry>, problems: &mut Problems) -> Option<Load> {
    let [scenarios, stages, iterations, duration] =
        ["scenarios", "stages", "iterations", "duration"].map(|key| entries.remove(key));
    if let Some(scenarios) = scenarios {
        for other in [vus, stages.as_ref(), iterations.as_ref(), duration.as_ref()]
            .into_iter()
            .flatten()
        {
            conflict(&scenarios, other, problems);
        }
        return Some(Load::Scenarios(scenarios));
    }
    if let Some(stages) = stages {
        for other in [&iterations, &duration].into_iter().flatten() {
            conflict(&stages, other, problems);
        }
        return Some(Load::Stages(stages));
    }
    match (iterations, duration) {
        (Some(iterations), duration) => Some(Load::Iterations { iterations, duration }),
        (None, duration) => duration.map(Load::Duration),
    }
}

fn conflict(kept: &Entry, other: &Entry, problems: &mut Problems) {
    let message = format!("it cannot stand beside {}: remove one of them", kept.path);
    problems.push(other.path.clone(), message);
}
