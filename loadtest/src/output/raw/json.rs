//! `--out json`: a line of JSON for each sample
//! (<https://grafana.com/docs/k6/latest/results-output/real-time/json/>).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use crate::metrics::{Metric, MetricId, Registry, Sample, Tags};
use crate::threshold::Threshold;

use crate::output::rfc3339::Rfc3339;

use super::Output;
use super::destination::Destination;

/// Lines of the types `Metric`, before a metric's first sample, and `Point`, for each sample:
/// `{"type":"Point","metric":"http_reqs","data":{"time":"…","value":1,"tags":{…}}}`. A value that is no number is null.
pub struct JsonOutput {
    destination: Destination,
    /// What comes before the time in a metric's points, by its place in the registry; `None` before its first one.
    heads: Vec<Option<String>>,
    times: Rfc3339,
    tags: TagText,
    /// Used again for each sample.
    line: String,
}

/// The tags of the last sample: those of one request are written a dozen times in a row.
#[derive(Default)]
struct TagText {
    of: Option<Tags>,
    text: String,
}

#[derive(Serialize)]
struct MetricLine<'a> {
    r#type: &'static str,
    metric: &'a str,
    data: MetricData<'a>,
}

#[derive(Serialize)]
struct MetricData<'a> {
    name: &'a str,
    r#type: &'static str,
    contains: &'static str,
    thresholds: Vec<&'a str>,
    /// Null if there are none.
    submetrics: Option<Vec<SubmetricData>>,
}

#[derive(Serialize)]
struct SubmetricData {
    name: String,
    suffix: String,
    tags: BTreeMap<String, String>,
}

impl JsonOutput {
    /// Writes to a file, compressed if its name ends with `.gz`, or to standard output if it is `-`.
    ///
    /// # Errors
    /// If the file cannot be created.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self {
            destination: Destination::create(path)?,
            heads: Vec::new(),
            times: Rfc3339::default(),
            tags: TagText::default(),
            line: String::new(),
        })
    }

    /// Writes the line that introduces a metric, unless it stands there already.
    fn introduce(&mut self, id: MetricId, registry: &Registry, thresholds: &[Threshold]) -> io::Result<()> {
        if self.heads.get(id.index()).is_some_and(Option::is_some) {
            return Ok(());
        }
        let metric = registry.metric(id);
        let mut line = serde_json::to_string(&describe(&metric, registry, thresholds))?;
        line.push('\n');
        self.destination.write_all(line.as_bytes())?;
        if self.heads.len() <= id.index() {
            self.heads.resize(id.index() + 1, None);
        }
        // A metric's name needs no escapes.
        let head = format!(r#"{{"type":"Point","metric":"{}","data":{{"time":""#, metric.name);
        self.heads[id.index()] = Some(head);
        Ok(())
    }

    fn point(&mut self, sample: &Sample) -> io::Result<()> {
        self.line.clear();
        if let Some(Some(head)) = self.heads.get(sample.metric.index()) {
            self.line.push_str(head);
        }
        self.times.append(sample.unix_ns, &mut self.line);
        self.line.push_str(r#"","value":"#);
        if sample.value.is_finite() {
            write!(self.line, "{}", sample.value).expect("a string takes everything");
        } else {
            self.line.push_str("null");
        }
        self.line.push_str(r#","tags":"#);
        self.line.push_str(self.tags.of(&sample.tags)?);
        self.line.push_str("}}\n");
        self.destination.write_all(self.line.as_bytes())
    }
}

impl TagText {
    fn of(&mut self, tags: &Tags) -> io::Result<&str> {
        if !self
            .of
            .as_ref()
            .is_some_and(|last| std::sync::Arc::ptr_eq(last, tags))
        {
            let mut text = std::mem::take(&mut self.text).into_bytes();
            text.clear();
            text.push(b'{');
            for (place, (name, value)) in tags.pairs().iter().enumerate() {
                if place > 0 {
                    text.push(b',');
                }
                serde_json::to_writer(&mut text, &**name)?;
                text.push(b':');
                serde_json::to_writer(&mut text, &**value)?;
            }
            text.push(b'}');
            self.text = String::from_utf8(text).map_err(io::Error::other)?;
            self.of = Some(tags.clone());
        }
        Ok(&self.text)
    }
}

fn describe<'a>(metric: &'a Metric, registry: &Registry, thresholds: &'a [Threshold]) -> MetricLine<'a> {
    let submetrics: Vec<_> = registry
        .submetrics()
        .iter()
        .filter(|part| part.metric == metric.id)
        .map(|part| SubmetricData {
            name: part.selector.to_string(),
            suffix: part.selector.conditions(),
            tags: part.selector.tags.iter().cloned().collect(),
        })
        .collect();
    let own = thresholds
        .iter()
        .filter(|of| *of.selector.metric == *metric.name && of.selector.tags.is_empty());
    MetricLine {
        r#type: "Metric",
        metric: &metric.name,
        data: MetricData {
            name: &metric.name,
            r#type: metric.kind.as_str(),
            contains: metric.contains.as_str(),
            thresholds: own.map(|of| of.source.as_str()).collect(),
            submetrics: (!submetrics.is_empty()).then_some(submetrics),
        },
    }
}

impl Output for JsonOutput {
    fn write(&mut self, samples: &[Sample], registry: &Registry, thresholds: &[Threshold]) -> io::Result<()> {
        for sample in samples {
            self.introduce(sample.metric, registry, thresholds)?;
            self.point(sample)?;
        }
        self.destination.flush()
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        self.destination.finish()
    }
}
