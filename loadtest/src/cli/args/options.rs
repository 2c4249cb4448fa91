//! Flags that override a script's options.

use clap::Args;
use serde_json::{Map, Value, json};

use crate::options::stages;

use super::pair;

/// Flags that override options of the script, the config file and the environment. Values are checked together with all
/// others.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Options of the test")]
pub struct OptionArgs {
    /// VUs at the same time [default: 1]
    #[arg(short = 'u', long, value_name = "N")]
    pub vus: Option<u32>,
    /// How long VUs iterate, or with --iterations how long at most: 30s, 1m30s [default: none]
    #[arg(short, long, value_name = "DURATION")]
    pub duration: Option<String>,
    /// Iterations of all VUs together [default: as many as VUs]
    #[arg(short, long, value_name = "N")]
    pub iterations: Option<u64>,
    /// Ramp VUs: 30s:10, repeatable or with commas [default: none]
    #[arg(short, long = "stage", value_name = "DURATION:TARGET", value_delimiter = ',', value_parser = stages)]
    pub stages: Vec<Value>,
    /// Put a tag on every sample, repeatable [default: none]
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = pair)]
    pub tags: Vec<(String, String)>,
    /// System tags that samples carry, with commas [default: all]
    #[arg(long, value_name = "TAGS", value_delimiter = ',')]
    pub system_tags: Vec<String>,
    /// Do not check certificates [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "true", hide_possible_values = true)]
    pub insecure_skip_tls_verify: Option<bool>,
    /// Open a connection for each request [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "true", hide_possible_values = true)]
    pub no_connection_reuse: Option<bool>,
    /// Close connections after each iteration [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "true", hide_possible_values = true)]
    pub no_vu_connection_reuse: Option<bool>,
    /// Throw bodies away unless a request wants its own [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "true", hide_possible_values = true)]
    pub discard_response_bodies: Option<bool>,
    /// Redirects that a request follows at most [default: 10]
    #[arg(long, value_name = "N")]
    pub max_redirects: Option<u32>,
    /// Requests of one http.batch() at the same time [default: 20]
    #[arg(long, value_name = "N")]
    pub batch: Option<u32>,
    /// Requests of one http.batch() to the same host at the same time [default: 6]
    #[arg(long, value_name = "N")]
    pub batch_per_host: Option<u32>,
    /// Requests per second of all VUs together at most; prefer arrival-rate executors [default: 0, no limit]
    #[arg(long, value_name = "N")]
    pub rps: Option<u32>,
    /// User-Agent of requests without one; empty for none [default: proxima-load/VERSION]
    #[arg(long, value_name = "TEXT")]
    pub user_agent: Option<String>,
    /// Let no iteration take less time [default: 0s]
    #[arg(long, value_name = "DURATION")]
    pub min_iteration_duration: Option<String>,
    /// How long setup() may take [default: 1m0s]
    #[arg(long, value_name = "DURATION")]
    pub setup_timeout: Option<String>,
    /// How long teardown() may take [default: 1m0s]
    #[arg(long, value_name = "DURATION")]
    pub teardown_timeout: Option<String>,
    /// Do not call setup() [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "true", hide_possible_values = true)]
    pub no_setup: Option<bool>,
    /// Do not call teardown() [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "true", hide_possible_values = true)]
    pub no_teardown: Option<bool>,
    /// Do not judge thresholds [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "true", hide_possible_values = true)]
    pub no_thresholds: Option<bool>,
    /// Throw exceptions where requests fail [default: false]
    #[arg(short = 'w', long, value_name = "BOOL", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "true", hide_possible_values = true)]
    pub throw: Option<bool>,
    /// Columns of the summary, with commas [default: avg,min,med,max,p(90),p(95)]
    #[arg(long, value_name = "STATS", value_delimiter = ',')]
    pub summary_trend_stats: Vec<String>,
    /// Unit of all times in the summary: s, ms or us [default: what suits each]
    #[arg(long, value_name = "UNIT")]
    pub summary_time_unit: Option<String>,
    /// How much the summary says: compact, full or disabled [default: compact]
    #[arg(long, value_name = "MODE")]
    pub summary_mode: Option<String>,
    /// Show no summary, as --summary-mode disabled [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "true", hide_possible_values = true)]
    pub no_summary: Option<bool>,
}

impl OptionArgs {
    /// The flags that were given, by the names of options in scripts: the highest of
    /// [`Layers`](crate::options::Layers).
    #[must_use]
    pub fn layer(&self) -> Map<String, Value> {
        let stages: Vec<&Value> = self.stages.iter().filter_map(Value::as_array).flatten().collect();
        let tags: Map<String, Value> = self
            .tags
            .iter()
            .map(|(tag, value)| (tag.clone(), json!(value)))
            .collect();
        let all = [
            ("vus", json!(self.vus)),
            ("duration", json!(self.duration)),
            ("iterations", json!(self.iterations)),
            ("stages", or_null(stages.is_empty(), json!(stages))),
            ("tags", or_null(tags.is_empty(), json!(tags))),
            (
                "systemTags",
                or_null(self.system_tags.is_empty(), json!(self.system_tags)),
            ),
            ("insecureSkipTLSVerify", json!(self.insecure_skip_tls_verify)),
            ("noConnectionReuse", json!(self.no_connection_reuse)),
            ("noVUConnectionReuse", json!(self.no_vu_connection_reuse)),
            ("discardResponseBodies", json!(self.discard_response_bodies)),
            ("maxRedirects", json!(self.max_redirects)),
            ("batch", json!(self.batch)),
            ("batchPerHost", json!(self.batch_per_host)),
            ("rps", json!(self.rps)),
            ("userAgent", json!(self.user_agent)),
            ("minIterationDuration", json!(self.min_iteration_duration)),
            ("setupTimeout", json!(self.setup_timeout)),
            ("teardownTimeout", json!(self.teardown_timeout)),
            ("noSetup", json!(self.no_setup)),
            ("noTeardown", json!(self.no_teardown)),
            ("noThresholds", json!(self.no_thresholds)),
            ("throw", json!(self.throw)),
            (
                "summaryTrendStats",
                or_null(
                    self.summary_trend_stats.is_empty(),
                    json!(self.summary_trend_stats),
                ),
            ),
            ("summaryTimeUnit", json!(self.summary_time_unit)),
            ("summaryMode", json!(self.summary_mode)),
            ("noSummary", json!(self.no_summary)),
        ];
        all.into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key.to_owned(), value))
            .collect()
    }
}

fn or_null(is_empty: bool, value: Value) -> Value {
    if is_empty { Value::Null } else { value }
}
