//! Options that a test can run with.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::metrics::Selector;
use crate::threshold::Threshold;

/// Everything that decides how a test runs. Times are what they say; nothing here needs to be checked again.
#[derive(Debug, Clone)]
pub struct Options {
    /// What runs, by name.
    pub scenarios: Vec<Scenario>,
    /// In the order of the metrics' names.
    pub thresholds: Vec<Threshold>,
    /// What is counted apart though no threshold looks at it.
    pub apart: Vec<Selector>,
    /// Names that are not asked of DNS: `host`, `host:port` or `*.domain`, and where they lead.
    pub hosts: BTreeMap<String, Host>,
    /// On every sample.
    pub tags: BTreeMap<String, String>,
    /// Which of k6's own tags samples carry.
    pub system_tags: Vec<String>,
    /// Certificates are not checked.
    pub insecure_skip_tls_verify: bool,
    /// No connection serves two requests.
    pub no_connection_reuse: bool,
    /// No connection serves two iterations.
    pub no_vu_connection_reuse: bool,
    /// Cookies outlive the iteration they were set in.
    pub no_cookies_reset: bool,
    /// Bodies are read and thrown away, unless a request says otherwise.
    pub discard_response_bodies: bool,
    /// How many redirects a request follows.
    pub max_redirects: u32,
    /// Requests of one `http.batch` at the same time.
    pub batch: usize,
    /// The same, to one host.
    pub batch_per_host: usize,
    /// Requests per second of all VUs together; `None` for as many as they like.
    pub rps: Option<u32>,
    /// `User-Agent` of requests that have none of their own; empty for none at all.
    pub user_agent: String,
    /// The least time that an iteration takes.
    pub min_iteration_duration: Duration,
    /// How long `setup` may take.
    pub setup_timeout: Duration,
    /// How long `teardown` may take.
    pub teardown_timeout: Duration,
    /// `setup` is not called.
    pub no_setup: bool,
    /// `teardown` is not called.
    pub no_teardown: bool,
    /// Thresholds are neither judged nor shown.
    pub no_thresholds: bool,
    /// Errors of requests are thrown.
    pub throw: bool,
    /// Columns of the summary.
    pub summary_trend_stats: Vec<TrendStat>,
    /// Unit of times in the summary; `None` for what suits each.
    pub summary_time_unit: Option<TimeUnit>,
    /// How much the summary says.
    pub summary_mode: SummaryMode,
}

/// Where a name of [`Options::hosts`] leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Host {
    /// Its address.
    pub ip: IpAddr,
    /// Its port, unless the URL's.
    pub port: Option<u16>,
}

/// A part of a test.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Unique; `default` if the script named none.
    pub name: String,
    /// The exported function that an iteration calls.
    pub exec: String,
    /// When it starts, from the start of the test.
    pub start_time: Duration,
    /// How long iterations under way may go on when it is over.
    pub graceful_stop: Duration,
    /// Laid over `__ENV`.
    pub env: BTreeMap<String, String>,
    /// On each of its samples.
    pub tags: BTreeMap<String, String>,
    /// When its iterations start.
    pub executor: Executor,
}

/// One leg of a ramp: linear from where the last one ended to `target`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RampingStage {
    /// How long it takes.
    pub duration: Duration,
    /// VUs, or iterations per time unit.
    pub target: u32,
}

/// When the iterations of a scenario start (<https://grafana.com/docs/k6/latest/using-k6/scenarios/executors/>).
#[derive(Debug, Clone, PartialEq)]
pub enum Executor {
    /// So many VUs iterate for so long.
    ConstantVus {
        /// At least 1.
        vus: u32,
        /// Not 0.
        duration: Duration,
    },
    /// A changing number of VUs iterate.
    RampingVus {
        /// VUs at the beginning.
        start_vus: u32,
        /// At least one.
        stages: Vec<RampingStage>,
        /// How long the iteration of a VU that is no longer wanted may go on.
        graceful_ramp_down: Duration,
    },
    /// Each VU iterates so often.
    PerVuIterations {
        /// At least 1.
        vus: u32,
        /// At least 1.
        iterations: u64,
        /// No iteration starts later.
        max_duration: Duration,
    },
    /// All VUs together iterate so often.
    SharedIterations {
        /// At least 1, at most `iterations`.
        vus: u32,
        /// At least 1.
        iterations: u64,
        /// No iteration starts later.
        max_duration: Duration,
    },
    /// Iterations start at a fixed rate, whatever becomes of them.
    ConstantArrivalRate {
        /// Iterations per `time_unit`, at least 1.
        rate: u32,
        /// Not 0.
        time_unit: Duration,
        /// Not 0.
        duration: Duration,
        /// VUs made before the test starts.
        pre_allocated_vus: u32,
        /// VUs at most, at least 1 and `pre_allocated_vus`.
        max_vus: u32,
    },
    /// Iterations start at a changing rate.
    RampingArrivalRate {
        /// Iterations per `time_unit` at the beginning.
        start_rate: u32,
        /// Not 0.
        time_unit: Duration,
        /// At least one.
        stages: Vec<RampingStage>,
        /// VUs made before the test starts.
        pre_allocated_vus: u32,
        /// VUs at most, at least 1 and `pre_allocated_vus`.
        max_vus: u32,
    },
}

impl Executor {
    /// As scripts write it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::ConstantVus { .. } => "constant-vus",
            Self::RampingVus { .. } => "ramping-vus",
            Self::PerVuIterations { .. } => "per-vu-iterations",
            Self::SharedIterations { .. } => "shared-iterations",
            Self::ConstantArrivalRate { .. } => "constant-arrival-rate",
            Self::RampingArrivalRate { .. } => "ramping-arrival-rate",
        }
    }

    /// VUs that have to be there when the test starts.
    #[must_use]
    pub fn initial_vus(&self) -> u32 {
        match self {
            Self::ConstantVus { vus, .. }
            | Self::PerVuIterations { vus, .. }
            | Self::SharedIterations { vus, .. } => *vus,
            Self::RampingVus {
                start_vus, stages, ..
            } => stages
                .iter()
                .map(|stage| stage.target)
                .max()
                .unwrap_or(0)
                .max(*start_vus),
            Self::ConstantArrivalRate {
                pre_allocated_vus, ..
            }
            | Self::RampingArrivalRate {
                pre_allocated_vus, ..
            } => *pre_allocated_vus,
        }
    }

    /// VUs that there can be in the end.
    #[must_use]
    pub fn max_vus(&self) -> u32 {
        match self {
            Self::ConstantArrivalRate { max_vus, .. } | Self::RampingArrivalRate { max_vus, .. } => *max_vus,
            _ => self.initial_vus(),
        }
    }

    /// After this time no iteration starts any more.
    #[must_use]
    pub fn duration(&self) -> Duration {
        match self {
            Self::ConstantVus { duration, .. } | Self::ConstantArrivalRate { duration, .. } => *duration,
            Self::RampingVus { stages, .. } | Self::RampingArrivalRate { stages, .. } => {
                stages.iter().map(|stage| stage.duration).sum()
            }
            Self::PerVuIterations { max_duration, .. } | Self::SharedIterations { max_duration, .. } => {
                *max_duration
            }
        }
    }
}

/// A column of the summary.
#[derive(Debug, Clone, PartialEq)]
pub enum TrendStat {
    /// The mean.
    Avg,
    /// The least.
    Min,
    /// The median.
    Med,
    /// The greatest.
    Max,
    /// How many.
    Count,
    /// `p(N)`: as written, and N.
    Percentile(String, f64),
}

impl TrendStat {
    /// As scripts write it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Avg => "avg",
            Self::Min => "min",
            Self::Med => "med",
            Self::Max => "max",
            Self::Count => "count",
            Self::Percentile(written, _) => written,
        }
    }
}

/// A unit for all times of the summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeUnit {
    /// `s`
    Seconds,
    /// `ms`
    Milliseconds,
    /// `us`
    Microseconds,
}

impl TimeUnit {
    /// As scripts write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Milliseconds => "ms",
            Self::Microseconds => "us",
        }
    }
}

/// How much the summary says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SummaryMode {
    /// What most people want to know.
    #[default]
    Compact,
    /// All metrics, and those of each group and scenario.
    Full,
    /// Nothing.
    Disabled,
}

impl SummaryMode {
    /// As the command line has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Compact => "compact",
            Self::Full => "full",
            Self::Disabled => "disabled",
        }
    }
}
