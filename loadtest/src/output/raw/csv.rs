//! `--out csv`: a row for each sample (<https://grafana.com/docs/k6/latest/results-output/real-time/csv/>).

use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use csv::Writer;

use crate::metrics::{Metric, Registry, Sample, TagSet};
use crate::threshold::Threshold;

use super::Output;
use super::destination::Destination;

/// Tags that have columns of their own, in the order of the columns.
const TAGS: [&str; 14] = [
    "check",
    "error",
    "error_code",
    "expected_response",
    "group",
    "method",
    "name",
    "proto",
    "scenario",
    "service",
    "status",
    "subproto",
    "tls_version",
    "url",
];

/// Rows of a metric's name, the time in seconds since the Unix epoch, the value, k6's own tags, and all other tags as
/// `name=value&name=value`; the last column, `metadata`, is always empty.
pub struct CsvOutput {
    rows: Writer<Destination>,
    /// By their places in the registry, as far as they were seen.
    metrics: Vec<Arc<Metric>>,
    /// Used again for each field that has to be put together.
    field: Vec<u8>,
}

impl CsvOutput {
    /// Writes to a file, compressed if its name ends with `.gz`, or to standard output if it is `-`.
    ///
    /// # Errors
    /// If the file cannot be created.
    pub fn create(path: &Path) -> io::Result<Self> {
        let mut rows = Writer::from_writer(Destination::create(path)?);
        let columns = ["metric_name", "timestamp", "metric_value"]
            .into_iter()
            .chain(TAGS)
            .chain(["extra_tags", "metadata"]);
        rows.write_record(columns)?;
        Ok(Self {
            rows,
            metrics: Vec::new(),
            field: Vec::new(),
        })
    }

    fn row(&mut self, sample: &Sample) -> csv::Result<()> {
        let name = &self.metrics[sample.metric.index()].name;
        self.rows.write_field(&**name)?;
        let mut seconds = itoa::Buffer::new();
        self.rows
            .write_field(seconds.format(sample.unix_ns / 1_000_000_000))?;
        self.field.clear();
        write!(self.field, "{:.6}", sample.value)?;
        self.rows.write_field(&self.field)?;
        for tag in TAGS {
            self.rows.write_field(sample.tags.get(tag).unwrap_or_default())?;
        }
        self.field.clear();
        extra_tags(&sample.tags, &mut self.field);
        self.rows.write_field(&self.field)?;
        self.rows.write_field("")?;
        self.rows.write_record(None::<&[u8]>)
    }
}

fn extra_tags(tags: &TagSet, field: &mut Vec<u8>) {
    for (name, value) in tags.pairs() {
        if TAGS.contains(&&**name) {
            continue;
        }
        if !field.is_empty() {
            field.push(b'&');
        }
        field.extend_from_slice(name.as_bytes());
        field.push(b'=');
        field.extend_from_slice(value.as_bytes());
    }
}

impl Output for CsvOutput {
    fn write(&mut self, samples: &[Sample], registry: &Registry, _: &[Threshold]) -> io::Result<()> {
        for sample in samples {
            if sample.metric.index() >= self.metrics.len() {
                self.metrics = registry.metrics();
            }
            self.row(sample)?;
        }
        self.rows.flush()
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        self.rows
            .into_inner()
            .map_err(csv::IntoInnerError::into_error)?
            .finish()
    }
}
