//! `thresholds`: lists of conditions by metric.

use serde_json::Value;

use crate::metrics::Selector;
use crate::threshold::{self, Threshold};

use super::problem::Problems;
use super::section::{Entry, Section};
use super::value::{boolean, text, time};

/// Reads `{ "metric{tag:value}": ["expression", { threshold, abortOnFail, delayAbortEval }] }`, by metric. An empty list
/// has that part of the metric counted apart without a condition: the second list.
pub(super) fn read(entry: &Entry, problems: &mut Problems) -> (Vec<Threshold>, Vec<Selector>) {
    const EXAMPLE: &str = "{ http_req_duration: [\"p(95)<200\"] }";
    let Some(object) = entry.value.as_object() else {
        let message = format!("expected an object such as {EXAMPLE}, not {}", entry.value);
        problems.push(entry.path.clone(), message);
        return Default::default();
    };
    let (mut thresholds, mut apart) = (Vec::new(), Vec::new());
    for (selector, value) in object {
        let path = format!("{}[{selector:?}]", entry.path);
        let Value::Array(list) = value else {
            problems.push(path, format!("expected a list as in {EXAMPLE}, not {value}"));
            continue;
        };
        if list.is_empty() {
            match threshold::parse_selector(selector) {
                Ok(selector) => apart.push(selector),
                Err(error) => problems.push(path.clone(), error.to_string()),
            }
        }
        for (place, value) in list.iter().enumerate() {
            let path = format!("{path}[{place}]");
            thresholds.extend(one(selector, value, &path, problems));
        }
    }
    // Stable: conditions on the same metric stay in the order of the script.
    thresholds.sort_by_cached_key(|threshold: &Threshold| threshold.selector.to_string());
    (thresholds, apart)
}

fn one(selector: &str, value: &Value, path: &str, problems: &mut Problems) -> Option<Threshold> {
    let parse = |source: &str| Threshold::parse(selector, source).map_err(|error| error.to_string());
    match value {
        Value::String(source) => parse(source).map_err(|message| problems.push(path, message)).ok(),
        Value::Object(object) => {
            let mut section = Section::new(path, object, problems);
            section.allow(
                "key of a threshold",
                &["threshold", "abortOnFail", "delayAbortEval"],
            );
            let abort_on_fail = section.get("abortOnFail", boolean).unwrap_or_default();
            let delay_abort_eval = section.get("delayAbortEval", time).unwrap_or_default();
            let threshold = section.require("threshold", "\"p(95)<200\"", |value| parse(&text(value)?))?;
            Some(Threshold {
                abort_on_fail,
                delay_abort_eval,
                ..threshold
            })
        }
        other => {
            let message = format!("expected an expression such as \"p(95)<200\", not {other}");
            problems.push(path, message);
            None
        }
    }
}
