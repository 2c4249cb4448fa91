//! Every option but those that decide how long and how much a test runs.

use std::collections::BTreeMap;
use std::time::Duration;

use super::checked::{Options, Scenario, SummaryMode, TimeUnit, TrendStat};
use super::problem::Problems;
use super::section::{Entry, Section};
use super::value::{boolean, choice, positive_size, positive_time, text, text_map, texts, time, whole_u32};
use super::{hosts, thresholds};

/// `User-Agent` of a script that sets none.
pub const USER_AGENT: &str = concat!("proxima-load/", env!("CARGO_PKG_VERSION"));

/// Tags that samples can carry, which is also what they carry unless `systemTags` chooses.
pub const SYSTEM_TAGS: [&str; 14] = [
    "proto",
    "subproto",
    "status",
    "method",
    "url",
    "name",
    "group",
    "check",
    "error",
    "error_code",
    "tls_version",
    "scenario",
    "service",
    "expected_response",
];

const MAX_REDIRECTS: u32 = 10;
const BATCH: usize = 20;
const BATCH_PER_HOST: usize = 6;
const TIMEOUT: Duration = Duration::from_secs(60);
const TREND_STATS: [&str; 6] = ["avg", "min", "med", "max", "p(90)", "p(95)"];

/// Reads what the layers set, with k6's defaults for the rest.
pub(super) fn read(
    settings: BTreeMap<String, Entry>,
    scenarios: Vec<Scenario>,
    problems: &mut Problems,
) -> Options {
    let mut section = Section::of_entries("options", settings, problems);
    let hosts = section
        .raw("hosts")
        .map(|(entry, problems)| hosts::read(entry, problems));
    let (thresholds, apart) = section
        .raw("thresholds")
        .map(|(entry, problems)| thresholds::read(entry, problems))
        .unwrap_or_default();
    let mut flag = |key| section.get(key, boolean).unwrap_or_default();
    Options {
        scenarios,
        thresholds,
        apart,
        hosts: hosts.unwrap_or_default(),
        insecure_skip_tls_verify: flag("insecureSkipTLSVerify"),
        no_connection_reuse: flag("noConnectionReuse"),
        no_vu_connection_reuse: flag("noVUConnectionReuse"),
        no_cookies_reset: flag("noCookiesReset"),
        discard_response_bodies: flag("discardResponseBodies"),
        no_setup: flag("noSetup"),
        no_teardown: flag("noTeardown"),
        no_thresholds: flag("noThresholds"),
        throw: flag("throw"),
        tags: section.get("tags", text_map).unwrap_or_default(),
        system_tags: system_tags(&mut section),
        max_redirects: section.get("maxRedirects", whole_u32).unwrap_or(MAX_REDIRECTS),
        batch: section.get("batch", positive_size).unwrap_or(BATCH),
        batch_per_host: section
            .get("batchPerHost", positive_size)
            .unwrap_or(BATCH_PER_HOST),
        rps: section.get("rps", whole_u32).filter(|rps| *rps > 0),
        user_agent: section
            .get("userAgent", text)
            .unwrap_or_else(|| USER_AGENT.to_owned()),
        min_iteration_duration: section.get("minIterationDuration", time).unwrap_or_default(),
        setup_timeout: section.get("setupTimeout", positive_time).unwrap_or(TIMEOUT),
        teardown_timeout: section.get("teardownTimeout", positive_time).unwrap_or(TIMEOUT),
        summary_trend_stats: trend_stats(&mut section),
        summary_time_unit: section.get("summaryTimeUnit", |value| {
            let unit = |unit: TimeUnit| (unit.as_str(), unit);
            choice(
                value,
                &[TimeUnit::Seconds, TimeUnit::Milliseconds, TimeUnit::Microseconds].map(unit),
            )
        }),
        summary_mode: section
            .get("summaryMode", |value| {
                let mode = |mode: SummaryMode| (mode.as_str(), mode);
                choice(
                    value,
                    &[SummaryMode::Compact, SummaryMode::Full, SummaryMode::Disabled].map(mode),
                )
            })
            .unwrap_or_default(),
    }
}

fn system_tags(section: &mut Section<'_>) -> Vec<String> {
    let chosen = section.get("systemTags", |value| {
        let tags = texts(value)?;
        match tags.iter().find(|tag| !SYSTEM_TAGS.contains(&tag.as_str())) {
            Some(tag) => Err(format!(
                "there is no system tag {tag:?}: choose of {}",
                SYSTEM_TAGS.join(", ")
            )),
            None => Ok(tags),
        }
    });
    chosen.unwrap_or_else(|| SYSTEM_TAGS.map(str::to_owned).into())
}

fn trend_stats(section: &mut Section<'_>) -> Vec<TrendStat> {
    let read = |stats: &[&str]| -> Result<Vec<TrendStat>, String> {
        stats.iter().map(|stat| trend_stat(stat)).collect()
    };
    let chosen = section.get("summaryTrendStats", |value| {
        let stats = texts(value)?;
        read(&stats.iter().map(String::as_str).collect::<Vec<_>>())
    });
    chosen.unwrap_or_else(|| read(&TREND_STATS).expect("the defaults are columns"))
}

fn trend_stat(text: &str) -> Result<TrendStat, String> {
    let percentile = || {
        let percent = text.strip_prefix("p(")?.strip_suffix(')')?.trim().parse().ok()?;
        (0.0..=100.0)
            .contains(&percent)
            .then(|| TrendStat::Percentile(text.to_owned(), percent))
    };
    match text {
        "avg" => Ok(TrendStat::Avg),
        "min" => Ok(TrendStat::Min),
        "med" => Ok(TrendStat::Med),
        "max" => Ok(TrendStat::Max),
        "count" => Ok(TrendStat::Count),
        _ => percentile().ok_or_else(|| {
            format!(
                "{text:?} is no column of the summary: \
                 write avg, min, med, max, count or p(N) with N from 0 to 100"
            )
        }),
    }
}
