use std::time::Duration;

use serde_json::{Value, json};

use crate::options::{Executor, RampingStage, SummaryMode, requirements};

use super::{over, script};

const S: Duration = Duration::from_secs(1);

fn constant(vus: u32, seconds: u32) -> Executor {
    Executor::ConstantVus {
        vus,
        duration: S * seconds,
    }
}

fn shared(vus: u32, iterations: u64, seconds: u32) -> Executor {
    Executor::SharedIterations {
        vus,
        iterations,
        max_duration: S * seconds,
    }
}

fn ramping(start_vus: u32, stages: &[(u32, u32)]) -> Executor {
    let stage = |(seconds, target): &(u32, u32)| RampingStage {
        duration: S * *seconds,
        target: *target,
    };
    Executor::RampingVus {
        start_vus,
        stages: stages.iter().map(stage).collect(),
        graceful_ramp_down: S * 30,
    }
}

type Row = (
    Value,
    Value,
    &'static [(&'static str, &'static str)],
    Value,
    Executor,
);

#[test]
fn the_highest_place_decides_what_runs() {
    let none = || json!(null);
    let scenarios =
        || json!({ "scenarios": { "a": { "executor": "constant-vus", "vus": 9, "duration": "9s" } } });
    let stages = || json!({ "stages": [{ "duration": "4s", "target": 8 }] });
    #[rustfmt::skip]
    let rows: [Row; 20] = [
        (none(), none(), &[], none(), shared(1, 1, 600)),
        (none(), json!({ "vus": 3 }), &[], none(), shared(3, 3, 600)),
        (none(), json!({ "vus": 3, "duration": "5s" }), &[], none(), constant(3, 5)),
        (none(), json!({ "duration": "5s" }), &[], none(), constant(1, 5)),
        (none(), json!({ "iterations": 7, "vus": 2, "duration": "5s" }), &[], none(), shared(2, 7, 5)),
        (none(), json!({ "iterations": "7" }), &[], none(), shared(1, 7, 600)),
        (none(), stages(), &[], none(), ramping(1, &[(4, 8)])),
        (none(), json!({ "vus": 5, "stages": [{ "duration": "4s", "target": 8 }] }), &[], none(), ramping(5, &[(4, 8)])),
        (none(), scenarios(), &[], none(), constant(9, 9)),
        (json!({ "vus": 2, "duration": "1s" }), none(), &[], none(), constant(2, 1)),
        (json!({ "vus": 2, "duration": "1s" }), json!({ "duration": "2s" }), &[], none(), constant(2, 2)),
        (json!({ "vus": 2, "duration": "1s" }), scenarios(), &[], none(), constant(9, 9)),
        (json!({ "duration": "1s" }), stages(), &[("K6_ITERATIONS", "6")], none(), shared(1, 6, 600)),
        (none(), scenarios(), &[("K6_DURATION", "3s"), ("K6_VUS", "4")], none(), constant(4, 3)),
        (none(), scenarios(), &[("K6_STAGES", "1s:10, 2s:0")], none(), ramping(1, &[(1, 10), (2, 0)])),
        (none(), scenarios(), &[("K6_VUS", "")], none(), constant(9, 9)),
        (none(), scenarios(), &[], json!({ "vus": 4 }), shared(4, 4, 600)),
        (none(), json!({ "duration": "5s" }), &[("K6_VUS", "2")], json!({ "vus": 4 }), constant(4, 5)),
        (stages(), json!({ "duration": "5s" }), &[("K6_DURATION", "6s")], json!({ "duration": "7s" }), constant(1, 7)),
        (none(), json!({ "vus": 3, "duration": "5s" }), &[], json!({ "iterations": 30 }), shared(3, 30, 600)),
    ];
    for (config, script, env, flags, wanted) in rows {
        let resolved =
            over(&config, &script, env, &flags).unwrap_or_else(|errors| panic!("{script}: {errors}"));
        let executors: Vec<_> = resolved
            .options
            .scenarios
            .iter()
            .map(|it| it.executor.clone())
            .collect();
        assert_eq!(executors, [wanted], "{config} {script} {env:?} {flags}");
    }
}

#[test]
fn other_options_come_each_from_the_highest_place_that_sets_them() {
    let resolved = over(
        &json!({ "batch": 1, "maxRedirects": 1, "userAgent": "config", "rps": 1 }),
        &json!({ "batch": 2, "maxRedirects": 2, "userAgent": "script", "noConnectionReuse": true }),
        &[
            ("K6_BATCH", "3"),
            ("K6_USER_AGENT", "env"),
            ("K6_SUMMARY_TREND_STATS", "avg, p(99)"),
            ("K6_THROW", "1"),
        ],
        &json!({ "batch": 4, "noConnectionReuse": false }),
    )
    .unwrap();
    let options = resolved.options;
    assert_eq!(
        (options.batch, options.max_redirects, options.rps),
        (4, 2, Some(1))
    );
    assert_eq!(
        (
            options.user_agent.as_str(),
            options.no_connection_reuse,
            options.throw
        ),
        ("env", false, true)
    );
    let columns: Vec<_> = options
        .summary_trend_stats
        .iter()
        .map(|stat| stat.as_str().to_owned())
        .collect();
    assert_eq!(columns, ["avg", "p(99)"]);
}

#[test]
fn no_summary_is_a_summary_mode() {
    for (env, flags, wanted) in [
        (
            &[("K6_NO_SUMMARY", "true")][..],
            json!(null),
            SummaryMode::Disabled,
        ),
        (&[("K6_NO_SUMMARY", "false")], json!(null), SummaryMode::Compact),
        (
            &[("K6_NO_SUMMARY", "true"), ("K6_SUMMARY_MODE", "full")],
            json!(null),
            SummaryMode::Full,
        ),
        (
            &[("K6_NO_SUMMARY", "true")],
            json!({ "summaryMode": "full" }),
            SummaryMode::Full,
        ),
        (
            &[("K6_SUMMARY_MODE", "full")],
            json!({ "noSummary": true }),
            SummaryMode::Disabled,
        ),
    ] {
        let resolved = over(&json!(null), &json!(null), env, &flags).unwrap();
        assert_eq!(resolved.options.summary_mode, wanted, "{env:?} {flags}");
    }
}

#[test]
fn what_has_no_effect_is_said() {
    let scenarios =
        json!({ "scenarios": { "a": { "executor": "constant-vus", "vus": 9, "duration": "9s" } } });
    let env = [
        ("K6_DNS", "ttl=0"),
        ("K6_OUT", "json=x"),
        ("PATH", "/bin"),
        ("K6_SUMMARY_EXPORT", "x"),
    ];
    let warnings = over(&json!(null), &scenarios, &env, &json!({ "iterations": 1 }))
        .unwrap()
        .warnings;
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(
        warnings[0].contains("K6_DNS") && warnings[1].contains("the command line"),
        "{warnings:?}"
    );
}

#[test]
fn what_a_test_needs_counts_graceful_stops() {
    let scenario = |start: &str, vus: u32, stop: &str| json!({ "executor": "constant-vus", "vus": vus, "duration": "10s", "startTime": start, "gracefulStop": stop });
    let ramp = json!({ "stages": [{ "duration": "1m", "target": 20 }, { "duration": "1m", "target": 0 }] });
    let arrival = json!({ "scenarios": { "a": {
        "executor": "constant-arrival-rate", "rate": 1, "duration": "1m", "preAllocatedVUs": 2, "maxVUs": 50,
    } } });
    for (options, wanted) in [
        (json!(null), (1, S * 630)),
        (ramp, (20, S * 150)),
        (arrival, (50, S * 90)),
        (
            json!({ "scenarios": { "a": scenario("0s", 3, "0s"), "b": scenario("10s", 4, "0s") } }),
            (4, S * 20),
        ),
        (
            json!({ "scenarios": { "a": scenario("0s", 3, "1s"), "b": scenario("10s", 4, "0s") } }),
            (7, S * 20),
        ),
    ] {
        assert_eq!(
            requirements(&script(&options).unwrap().options),
            wanted,
            "{options}"
        );
    }
}
