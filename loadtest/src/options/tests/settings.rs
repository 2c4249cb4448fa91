use std::time::Duration;

use serde_json::json;

use crate::options::{Executor, Host, SYSTEM_TAGS, TimeUnit, TrendStat, USER_AGENT};

use super::script;

#[test]
fn a_scenario_has_the_defaults_of_k6() {
    let resolved = script(&json!({ "scenarios": {
        "vus": { "executor": "ramping-vus", "stages": [{ "duration": "1s", "target": 2 }] },
        "rate": {
            "executor": "constant-arrival-rate", "rate": 10, "duration": "1s", "preAllocatedVUs": 5, "exec": "read",
        },
        "each": { "executor": "per-vu-iterations" },
        "ramp": {
            "executor": "ramping-arrival-rate", "preAllocatedVUs": 0, "maxVUs": 1, "timeUnit": "1m",
            "stages": [{ "duration": 0, "target": 5 }, { "duration": 1500, "target": 5 }],
        },
    } }))
    .unwrap();
    let [each, ramp, rate, vus] = &resolved.options.scenarios[..] else {
        panic!("{:?}", resolved.options.scenarios);
    };
    assert_eq!((each.name.as_str(), each.exec.as_str()), ("each", "default"));
    assert_eq!(
        (rate.exec.as_str(), rate.graceful_stop),
        ("read", Duration::from_secs(30))
    );
    assert_eq!(rate.start_time, Duration::ZERO);
    let max_duration = Duration::from_secs(600);
    assert_eq!(
        each.executor,
        Executor::PerVuIterations {
            vus: 1,
            iterations: 1,
            max_duration
        }
    );
    assert!(matches!(
        rate.executor,
        Executor::ConstantArrivalRate {
            pre_allocated_vus: 5,
            max_vus: 5,
            ..
        }
    ));
    assert!(matches!(
        ramp.executor,
        Executor::RampingArrivalRate {
            start_rate: 0,
            max_vus: 1,
            ..
        }
    ));
    assert_eq!(ramp.executor.duration(), Duration::from_millis(1_500));
    assert!(matches!(
        vus.executor,
        Executor::RampingVus { start_vus: 1, graceful_ramp_down, .. } if graceful_ramp_down == Duration::from_secs(30)
    ));
}

#[test]
fn options_have_the_defaults_of_k6() {
    let options = script(&json!({ "vus": null })).unwrap().options;
    assert_eq!(options.user_agent, USER_AGENT);
    assert!(USER_AGENT.starts_with("proxima-load/"));
    assert_eq!(options.system_tags, SYSTEM_TAGS);
    assert_eq!(
        (options.batch, options.batch_per_host, options.max_redirects),
        (20, 6, 10)
    );
    assert_eq!(
        (options.setup_timeout, options.teardown_timeout),
        (Duration::from_secs(60), Duration::from_secs(60))
    );
    assert_eq!((options.rps, options.summary_time_unit), (None, None));
    let columns: Vec<_> = options
        .summary_trend_stats
        .iter()
        .map(TrendStat::as_str)
        .collect();
    assert_eq!(columns, ["avg", "min", "med", "max", "p(90)", "p(95)"]);
}

#[test]
fn hosts_lead_to_addresses_with_or_without_ports() {
    let options = script(&json!({ "hosts": {
        "a.example": "127.0.0.1", "a.example:443": "127.0.0.1:8443", "*.b.example": "[::1]:80", "c": "::1", "d": "[::1]",
    } }))
    .unwrap()
    .options;
    let host = |ip: &str, port| Host {
        ip: ip.parse().unwrap(),
        port,
    };
    for (name, wanted) in [
        ("a.example", host("127.0.0.1", None)),
        ("a.example:443", host("127.0.0.1", Some(8443))),
        ("*.b.example", host("::1", Some(80))),
        ("c", host("::1", None)),
        ("d", host("::1", None)),
    ] {
        assert_eq!(options.hosts[name], wanted, "{name}");
    }
}

#[test]
fn a_list_without_conditions_has_a_part_of_a_metric_counted_apart() {
    let options = script(&json!({ "thresholds": { "http_reqs{a:b}": [], "checks": ["rate==1"] } })).unwrap();
    let apart: Vec<String> = options.options.apart.iter().map(ToString::to_string).collect();
    assert_eq!(apart, ["http_reqs{a:b}"]);
    assert_eq!(options.options.thresholds.len(), 1);
    assert_eq!(
        options.json["thresholds"],
        json!({ "http_reqs{a:b}": [], "checks": ["rate==1"] })
    );
}

#[test]
fn thresholds_come_by_metric_and_in_the_order_of_the_script() {
    let options = script(&json!({ "thresholds": {
        "iterations": ["count>1"],
        "http_reqs{ a:b }": [{ "threshold": "count>2", "abortOnFail": true, "delayAbortEval": "10s" }, "count>1"],
    } }))
    .unwrap()
    .options;
    let told: Vec<_> = options
        .thresholds
        .iter()
        .map(|it| {
            (
                it.selector.to_string(),
                it.source.as_str(),
                it.abort_on_fail,
                it.delay_abort_eval.as_secs(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("http_reqs{a:b}".to_owned(), "count>2", true, 10),
            ("http_reqs{a:b}".to_owned(), "count>1", false, 0),
            ("iterations".to_owned(), "count>1", false, 0),
        ]
    );
}

#[test]
fn consolidated_options_are_written_as_scripts_write_them() {
    let json = script(&json!({
        "stages": [{ "duration": "90s", "target": 3 }],
        "hosts": { "a": "[::1]:80" },
        "summaryTimeUnit": "ms",
        "thresholds": { "checks": ["rate==1", { "threshold": "rate>0", "abortOnFail": true }] },
    }))
    .unwrap()
    .json;
    for (pointer, wanted) in [
        ("/stages", json!([{ "duration": "90s", "target": 3 }])),
        ("/vus", json!(null)),
        ("/scenarios/default/executor", json!("ramping-vus")),
        (
            "/scenarios/default/stages",
            json!([{ "duration": "1m30s", "target": 3 }]),
        ),
        ("/scenarios/default/gracefulStop", json!("30s")),
        ("/hosts/a", json!("[::1]:80")),
        ("/summaryTimeUnit", json!(TimeUnit::Milliseconds.as_str())),
        (
            "/thresholds/checks",
            json!(["rate==1", { "threshold": "rate>0", "abortOnFail": true, "delayAbortEval": "0s" }]),
        ),
        ("/setupTimeout", json!("1m0s")),
    ] {
        assert_eq!(json.pointer(pointer), Some(&wanted), "{pointer}");
    }
}

#[test]
fn consolidated_scenarios_mean_the_same_again() {
    let scenarios = json!({
        "a": { "executor": "constant-vus", "vus": 2, "duration": "1500ms", "env": { "K": "v" }, "tags": { "t": "u" } },
        "b": { "executor": "ramping-vus", "startVUs": 0, "stages": [{ "duration": "1s", "target": 2 }], "exec": "read" },
        "c": { "executor": "constant-arrival-rate", "rate": 9, "timeUnit": "2s", "duration": "1s", "preAllocatedVUs": 1 },
        "d": { "executor": "ramping-arrival-rate", "startRate": 9, "preAllocatedVUs": 1, "maxVUs": 3,
               "stages": [{ "duration": "1s", "target": 2 }] },
        "e": { "executor": "per-vu-iterations", "vus": 2, "iterations": 4, "maxDuration": "1s" },
        "f": { "executor": "shared-iterations", "vus": 2, "iterations": 4, "startTime": "3s", "gracefulStop": "0s" },
    });
    let first = script(&json!({ "scenarios": scenarios })).unwrap();
    let again = script(&json!({ "scenarios": first.json["scenarios"] })).unwrap();
    assert_eq!(format!("{:?}", again.options), format!("{:?}", first.options));
    assert_eq!(again.json, first.json);
}
