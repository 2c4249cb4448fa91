//! Names of options: in scripts and config files, in the environment, and on the command line.
//!
//! Source: k6's options reference (<https://grafana.com/docs/k6/latest/using-k6/k6-options/reference/>).

/// How an environment variable writes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As it is, or a number or duration.
    Text,
    /// `true` or `false`.
    Boolean,
    /// With commas.
    List,
    /// `5s:10,1m:20`.
    Stages,
}

/// An option.
#[derive(Debug)]
pub(super) struct Name {
    /// In scripts and config files.
    pub(super) key: &'static str,
    /// In the environment.
    pub(super) env: Option<&'static str>,
    /// On the command line.
    pub(super) flag: Option<&'static str>,
    pub(super) form: Form,
}

const fn name(key: &'static str, env: Option<&'static str>, flag: Option<&'static str>, form: Form) -> Name {
    Name { key, env, flag, form }
}

/// All options that there are.
#[rustfmt::skip]
pub(super) const NAMES: [Name; 32] = [
    name("vus", Some("K6_VUS"), Some("--vus"), Form::Text),
    name("duration", Some("K6_DURATION"), Some("--duration"), Form::Text),
    name("iterations", Some("K6_ITERATIONS"), Some("--iterations"), Form::Text),
    name("stages", Some("K6_STAGES"), Some("--stage"), Form::Stages),
    name("scenarios", None, None, Form::Text),
    name("thresholds", None, None, Form::Text),
    name("hosts", None, None, Form::Text),
    name("tags", None, Some("--tag"), Form::Text),
    name("systemTags", Some("K6_SYSTEM_TAGS"), Some("--system-tags"), Form::List),
    name("insecureSkipTLSVerify", Some("K6_INSECURE_SKIP_TLS_VERIFY"), Some("--insecure-skip-tls-verify"), Form::Boolean),
    name("noConnectionReuse", Some("K6_NO_CONNECTION_REUSE"), Some("--no-connection-reuse"), Form::Boolean),
    name("noVUConnectionReuse", Some("K6_NO_VU_CONNECTION_REUSE"), Some("--no-vu-connection-reuse"), Form::Boolean),
    name("noCookiesReset", Some("K6_NO_COOKIES_RESET"), None, Form::Boolean),
    name("discardResponseBodies", Some("K6_DISCARD_RESPONSE_BODIES"), Some("--discard-response-bodies"), Form::Boolean),
    name("maxRedirects", Some("K6_MAX_REDIRECTS"), Some("--max-redirects"), Form::Text),
    name("batch", Some("K6_BATCH"), Some("--batch"), Form::Text),
    name("batchPerHost", Some("K6_BATCH_PER_HOST"), Some("--batch-per-host"), Form::Text),
    name("rps", Some("K6_RPS"), Some("--rps"), Form::Text),
    name("userAgent", Some("K6_USER_AGENT"), Some("--user-agent"), Form::Text),
    name("minIterationDuration", Some("K6_MIN_ITERATION_DURATION"), Some("--min-iteration-duration"), Form::Text),
    name("setupTimeout", Some("K6_SETUP_TIMEOUT"), Some("--setup-timeout"), Form::Text),
    name("teardownTimeout", Some("K6_TEARDOWN_TIMEOUT"), Some("--teardown-timeout"), Form::Text),
    name("noSetup", Some("K6_NO_SETUP"), Some("--no-setup"), Form::Boolean),
    name("noTeardown", Some("K6_NO_TEARDOWN"), Some("--no-teardown"), Form::Boolean),
    name("noThresholds", Some("K6_NO_THRESHOLDS"), Some("--no-thresholds"), Form::Boolean),
    name("throw", Some("K6_THROW"), Some("--throw"), Form::Boolean),
    name("summaryTrendStats", Some("K6_SUMMARY_TREND_STATS"), Some("--summary-trend-stats"), Form::List),
    name("summaryTimeUnit", Some("K6_SUMMARY_TIME_UNIT"), Some("--summary-time-unit"), Form::Text),
    name("summaryMode", Some("K6_SUMMARY_MODE"), Some("--summary-mode"), Form::Text),
    // k6's older word for `summaryMode: "disabled"`; it gives way to `summaryMode` of the same place.
    name("noSummary", Some("K6_NO_SUMMARY"), Some("--no-summary"), Form::Boolean),
    // Not options of a test: the command line reads them.
    name("out", Some("K6_OUT"), None, Form::Text),
    name("summaryExport", Some("K6_SUMMARY_EXPORT"), None, Form::Text),
];

/// Names of [`NAMES`] that only the environment and the command line know.
pub(super) const NOT_IN_SCRIPTS: [&str; 3] = ["noSummary", "out", "summaryExport"];

/// Options of k6 that there are not.
pub(super) const UNSUPPORTED: [&str; 21] = [
    "blacklistIPs",
    "blockHostnames",
    "browser",
    "cloud",
    "collectors",
    "dns",
    "executionSegment",
    "executionSegmentSequence",
    "ext",
    "features",
    "handleSummaryTimeout",
    "httpDebug",
    "linger",
    "localIPs",
    "metricSamplesBufferSize",
    "noUsageReport",
    "paused",
    "tlsAIAFetch",
    "tlsAuth",
    "tlsCipherSuites",
    "tlsVersion",
];

/// How the command line calls an option; `None` if it does not.
pub(crate) fn flag_of(key: &str) -> Option<&'static str> {
    NAMES.iter().find(|name| name.key == key)?.flag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_has_one_name_of_each_sort() {
        let mut seen = std::collections::HashSet::new();
        for name in &NAMES {
            for word in [Some(name.key), name.env, name.flag].into_iter().flatten() {
                assert!(seen.insert(word), "{word} is there twice");
            }
            assert!(!UNSUPPORTED.contains(&name.key), "{}", name.key);
        }
        for key in NOT_IN_SCRIPTS {
            assert!(seen.contains(key), "{key}");
        }
    }
}
