use proptest::prelude::*;
use serde_json::{Value, json};

use crate::options::known::NAMES;

use super::{over, script};

/// One scenario named `a`.
fn scenario(scenario: &Value) -> Value {
    json!({ "scenarios": { "a": scenario } })
}

#[test]
fn what_cannot_run_is_refused_at_its_place() {
    let arrival = |key: &str, value: Value| {
        let mut object = json!({
            "executor": "constant-arrival-rate", "rate": 1, "duration": "1s", "preAllocatedVUs": 2, "maxVUs": 3,
        });
        object[key] = value;
        scenario(&object)
    };
    let ramp =
        |stages: Value| scenario(&json!({ "executor": "ramping-vus", "startVUs": 0, "stages": stages }));
    #[rustfmt::skip]
    let rows = [
        (json!([]), "options", "expected an object"),
        (json!({ "vuss": 1 }), "vuss", "did you mean \"vus\"?"),
        (json!({ "colour": 1 }), "colour", "unknown option: remove it"),
        (json!({ "noSummary": true }), "noSummary", "unknown option"),
        (json!({ "outs": 1 }), "outs", "unknown option: remove it"),
        (json!({ "dns": {} }), "dns", "not supported by proxima-load"),
        (json!({ "tlsVersion": "tls1.2" }), "tlsVersion", "not supported by proxima-load"),
        (json!({ "ext": {} }), "ext", "not supported by proxima-load"),
        (json!({ "vus": 0 }), "vus", "at least 1"),
        (json!({ "vus": -1 }), "vus", "whole number"),
        (json!({ "vus": 1.5 }), "vus", "whole number"),
        (json!({ "vus": "NaN" }), "vus", "whole number"),
        (json!({ "vus": 5_000_000_000_u64 }), "vus", "too great"),
        (json!({ "vus": 1, "duration": "10" , "iterations": 0 }), "iterations", "at least 1"),
        (json!({ "duration": "0s" }), "duration", "longer than 0s"),
        (json!({ "duration": "1x" }), "duration", "unit"),
        (json!({ "duration": true }), "duration", "expected a duration"),
        (json!({ "vus": 5, "iterations": 3 }), "vus", "cannot share"),
        (json!({ "stages": [] }), "stages", "at least one stage"),
        (json!({ "stages": [{ "duration": "1s", "target": 1 }], "duration": "1s" }), "duration", "beside stages"),
        (json!({ "stages": [{ "duration": "1s", "target": 1 }], "iterations": 1 }), "iterations", "beside stages"),
        (json!({ "scenarios": { "a": { "executor": "per-vu-iterations" } }, "vus": 1 }), "vus", "beside scenarios"),
        (json!({ "scenarios": {} }), "scenarios", "at least one scenario"),
        (json!({ "scenarios": { "a b": { "executor": "per-vu-iterations" } } }), "scenarios.a b", "another name"),
        (scenario(&json!(1)), "scenarios.a", "expected a scenario"),
        (scenario(&json!({})), "scenarios.a.executor", "missing"),
        (scenario(&json!({ "executor": "constant-vu" })), "scenarios.a.executor", "did you mean \"constant-vus\"?"),
        (scenario(&json!({ "executor": "externally-controlled" })), "scenarios.a.executor", "removed in k6 2.0"),
        (scenario(&json!({ "executor": "per-vu-iterations", "exec": "write" })), "scenarios.a.exec", "it exports default, read"),
        (scenario(&json!({ "executor": "per-vu-iterations", "iteration": 1 })), "scenarios.a.iteration", "did you mean \"iterations\"?"),
        (scenario(&json!({ "executor": "per-vu-iterations", "duration": "1s" })), "scenarios.a.duration", "vus, iterations, maxDuration"),
        (scenario(&json!({ "executor": "per-vu-iterations", "options": {} })), "scenarios.a.options", "not supported"),
        (scenario(&json!({ "executor": "per-vu-iterations", "env": { "A": 1 } })), "scenarios.a.env", "\"A\": expected a string"),
        (scenario(&json!({ "executor": "per-vu-iterations", "maxDuration": "0s" })), "scenarios.a.maxDuration", "longer than 0s"),
        (scenario(&json!({ "executor": "constant-vus" })), "scenarios.a.duration", "missing; write for example duration: \"30s\""),
        (arrival("rate", json!(0)), "scenarios.a.rate", "at least 1"),
        (arrival("rate", json!(null)), "scenarios.a.rate", "missing"),
        (arrival("timeUnit", json!("0s")), "scenarios.a.timeUnit", "longer than 0s"),
        (arrival("preAllocatedVUs", json!(null)), "scenarios.a.preAllocatedVUs", "missing"),
        (arrival("maxVUs", json!(1)), "scenarios.a.maxVUs", "less than the 2"),
        (arrival("maxVUs", json!(0)), "scenarios.a.maxVUs", "at least 1"),
        (scenario(&json!({ "executor": "constant-arrival-rate", "rate": 1, "duration": "1s", "preAllocatedVUs": 0 })), "scenarios.a.preAllocatedVUs", "nothing runs"),
        (ramp(json!([{ "duration": "1s", "target": 0 }])), "scenarios.a.stages", "nothing runs"),
        (ramp(json!([{ "duration": "0s", "target": 1 }])), "scenarios.a.stages", "0s altogether"),
        (ramp(json!([{ "duration": "1s", "targt": 1, "target": 1 }])), "scenarios.a.stages[0].targt", "did you mean \"target\"?"),
        (ramp(json!([{ "duration": "1s" }])), "scenarios.a.stages[0].target", "missing"),
        (ramp(json!([1])), "scenarios.a.stages[0]", "expected a stage"),
        (json!({ "hosts": { "a": "b.example" } }), "hosts.a", "expected an address"),
        (json!({ "hosts": { "a:b": "127.0.0.1" } }), "hosts.a:b", "no port"),
        (json!({ "hosts": { "a.*": "127.0.0.1" } }), "hosts.a.*", "expected a host"),
        (json!({ "hosts": [] }), "hosts", "expected an object"),
        (json!({ "tags": { "a": 1 } }), "tags", "expected a string"),
        (json!({ "systemTags": ["vu"] }), "systemTags", "no system tag \"vu\""),
        (json!({ "batch": 0 }), "batch", "at least 1"),
        (json!({ "throw": "yes" }), "throw", "true or false"),
        (json!({ "setupTimeout": 0 }), "setupTimeout", "longer than 0s"),
        (json!({ "summaryTrendStats": ["p95"] }), "summaryTrendStats", "p(N)"),
        (json!({ "summaryTrendStats": ["p(101)"] }), "summaryTrendStats", "0 to 100"),
        (json!({ "summaryTimeUnit": "h" }), "summaryTimeUnit", "\"s\" or \"ms\" or \"us\""),
        (json!({ "thresholds": { "checks": "rate==1" } }), "thresholds[\"checks\"]", "expected a list"),
        (json!({ "thresholds": { "checks": [1] } }), "thresholds[\"checks\"][0]", "expected an expression"),
        (json!({ "thresholds": { "checks{a": [] } }), "thresholds[\"checks{a\"]", "closing brace"),
        (json!({ "thresholds": { "checks": ["rate"] } }), "thresholds[\"checks\"][0]", "operator"),
        (json!({ "thresholds": { "checks{a": ["rate>0"] } }), "thresholds[\"checks{a\"][0]", "closing brace"),
        (json!({ "thresholds": { "checks": [{ "treshold": "rate>0", "threshold": "rate>0" }] } }), "thresholds[\"checks\"][0].treshold", "did you mean \"threshold\"?"),
        (json!({ "thresholds": { "checks": [{ "threshold": "rate" }] } }), "thresholds[\"checks\"][0].threshold", "operator"),
    ];
    for (options, path, wanted) in rows {
        let errors = script(&options).expect_err(&format!("{options} must be refused"));
        let [problem] = errors.problems() else {
            panic!("{options}: {errors}");
        };
        assert_eq!(problem.path, path, "{options}: {errors}");
        assert!(problem.message.contains(wanted), "{options}: {errors}");
    }
}

#[test]
fn a_problem_is_placed_where_it_was_written() {
    let none = json!(null);
    for (config, env, flags, path) in [
        (json!({ "vus": 0 }), &[][..], json!(null), "config file: vus"),
        (json!({ "dns": {} }), &[], json!(null), "config file: dns"),
        (json!(null), &[("K6_VUS", "x")], json!(null), "K6_VUS"),
        (json!(null), &[("K6_STAGES", "10")], json!(null), "K6_STAGES"),
        (json!(null), &[("K6_THROW", "maybe")], json!(null), "K6_THROW"),
        (json!(null), &[], json!({ "duration": "x" }), "--duration"),
        (
            json!(null),
            &[],
            json!({ "iterations": 1, "duration": "x" }),
            "--duration",
        ),
        (
            json!(null),
            &[("K6_STAGES", "1s:1")],
            json!({ "stages": [{ "duration": "x", "target": 1 }] }),
            "--stage[0].duration",
        ),
    ] {
        let errors = over(&config, &none, env, &flags).unwrap_err();
        let paths: Vec<_> = errors
            .problems()
            .iter()
            .map(|problem| problem.path.as_str())
            .collect();
        assert_eq!(paths, [path], "{errors}");
    }
}

#[test]
fn a_config_file_has_to_be_json() {
    let layers = crate::options::Layers {
        config: Some("{ vus: 1"),
        script: &json!(null),
        env: &std::collections::BTreeMap::new(),
        flags: &serde_json::Map::new(),
    };
    let errors = crate::options::resolve(&layers, &["default".to_owned()]).unwrap_err();
    assert!(
        errors.to_string().starts_with("config file: it is no JSON"),
        "{errors}"
    );
}

#[test]
fn all_problems_come_at_once_each_on_its_line() {
    let errors = script(&json!({
        "dns": {},
        "scenarios": {
            "a": { "executor": "constant-vus", "vus": 0 },
            "b": { "executor": "constant-arrival-rate", "exec": "write" },
        },
        "batch": 0,
    }))
    .unwrap_err();
    let text = errors.to_string();
    let paths: Vec<_> = text
        .lines()
        .map(|line| line.split_once(": ").unwrap().0)
        .collect();
    assert_eq!(
        paths,
        [
            "dns",
            "scenarios.a.vus",
            "scenarios.a.duration",
            "scenarios.b.exec",
            "scenarios.b.rate",
            "scenarios.b.duration",
            "scenarios.b.preAllocatedVUs",
            "batch",
        ]
    );
}

#[test]
fn a_script_without_functions_says_so() {
    let layers = crate::options::Layers {
        config: None,
        script: &json!(null),
        env: &std::collections::BTreeMap::new(),
        flags: &serde_json::Map::new(),
    };
    let errors = crate::options::resolve(&layers, &[]).unwrap_err();
    assert!(errors.to_string().contains("it exports none"), "{errors}");
}

/// JSON of the words that options are made of.
fn wordy() -> impl Strategy<Value = Value> {
    const WORDS: [&str; 14] = [
        "executor",
        "constant-vus",
        "ramping-vus",
        "constant-arrival-rate",
        "shared-iterations",
        "vus",
        "stages",
        "duration",
        "target",
        "rate",
        "preAllocatedVUs",
        "1s",
        "10",
        "-1",
    ];
    let word = || prop::sample::select(&WORDS[..]).prop_map(str::to_owned);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-2..20_i64).prop_map(Value::from),
        word().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(word(), inner, 0..6).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_a_script_exports_is_answered(
        options in prop::collection::btree_map(prop::sample::select(NAMES.map(|name| name.key).to_vec()), wordy(), 0..4),
    ) {
        let options: Value = options.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        if let Err(errors) = script(&options) {
            prop_assert!(!errors.problems().is_empty());
        }
    }
}
