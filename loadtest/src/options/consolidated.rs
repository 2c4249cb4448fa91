//! Options as JSON, as scripts would write what the test runs with.

use serde_json::{Map, Value, json};

use super::checked::{Executor, Host, Options, RampingStage, Scenario, TimeUnit, TrendStat};
use super::duration::format;
use super::precedence::{Execution, Load};
use super::section::Entry;

/// All options, with the shortcuts that were used, and `null` for what is not set.
pub(super) fn consolidated(options: &Options, execution: &Execution) -> Value {
    let (duration, iterations, stages) = match &execution.load {
        Load::Duration(duration) => (Some(duration), None, None),
        Load::Iterations { iterations, duration } => (duration.as_ref(), Some(iterations), None),
        Load::Stages(stages) => (None, None, Some(stages)),
        Load::Unset | Load::Scenarios(_) => (None, None, None),
    };
    let given = |entry: Option<&Entry>| entry.map_or(Value::Null, |entry| entry.value.clone());
    json!({
        "vus": given(execution.vus.as_ref()),
        "duration": given(duration),
        "iterations": given(iterations),
        "stages": given(stages),
        "scenarios": options.scenarios.iter().map(|it| (it.name.clone(), scenario(it))).collect::<Map<_, _>>(),
        "thresholds": thresholds(options),
        "hosts": options.hosts.iter().map(|(name, to)| (name.clone(), host(to))).collect::<Map<_, _>>(),
        "tags": options.tags,
        "systemTags": options.system_tags,
        "insecureSkipTLSVerify": options.insecure_skip_tls_verify,
        "noConnectionReuse": options.no_connection_reuse,
        "noVUConnectionReuse": options.no_vu_connection_reuse,
        "noCookiesReset": options.no_cookies_reset,
        "discardResponseBodies": options.discard_response_bodies,
        "maxRedirects": options.max_redirects,
        "batch": options.batch,
        "batchPerHost": options.batch_per_host,
        "rps": options.rps,
        "userAgent": options.user_agent,
        "minIterationDuration": format(options.min_iteration_duration),
        "setupTimeout": format(options.setup_timeout),
        "teardownTimeout": format(options.teardown_timeout),
        "noSetup": options.no_setup,
        "noTeardown": options.no_teardown,
        "noThresholds": options.no_thresholds,
        "throw": options.throw,
        "summaryTrendStats": options.summary_trend_stats.iter().map(TrendStat::as_str).collect::<Vec<_>>(),
        "summaryTimeUnit": options.summary_time_unit.map(TimeUnit::as_str),
        "summaryMode": options.summary_mode.as_str(),
    })
}

fn scenario(scenario: &Scenario) -> Value {
    let mut object = json!({
        "executor": scenario.executor.as_str(),
        "exec": scenario.exec,
        "startTime": format(scenario.start_time),
        "gracefulStop": format(scenario.graceful_stop),
        "env": scenario.env,
        "tags": scenario.tags,
    });
    if let (Value::Object(all), Value::Object(own)) = (&mut object, executor(&scenario.executor)) {
        all.extend(own);
    }
    object
}

fn executor(executor: &Executor) -> Value {
    match executor {
        Executor::ConstantVus { vus, duration } => json!({ "vus": vus, "duration": format(*duration) }),
        Executor::RampingVus {
            start_vus,
            stages,
            graceful_ramp_down,
        } => json!({
            "startVUs": start_vus,
            "stages": stages.iter().map(stage).collect::<Vec<_>>(),
            "gracefulRampDown": format(*graceful_ramp_down),
        }),
        Executor::PerVuIterations {
            vus,
            iterations,
            max_duration,
        }
        | Executor::SharedIterations {
            vus,
            iterations,
            max_duration,
        } => json!({ "vus": vus, "iterations": iterations, "maxDuration": format(*max_duration) }),
        Executor::ConstantArrivalRate {
            rate,
            time_unit,
            duration,
            pre_allocated_vus,
            max_vus,
        } => json!({
            "rate": rate,
            "timeUnit": format(*time_unit),
            "duration": format(*duration),
            "preAllocatedVUs": pre_allocated_vus,
            "maxVUs": max_vus,
        }),
        Executor::RampingArrivalRate {
            start_rate,
            time_unit,
            stages,
            pre_allocated_vus,
            max_vus,
        } => json!({
            "startRate": start_rate,
            "timeUnit": format(*time_unit),
            "stages": stages.iter().map(stage).collect::<Vec<_>>(),
            "preAllocatedVUs": pre_allocated_vus,
            "maxVUs": max_vus,
        }),
    }
}

fn stage(stage: &RampingStage) -> Value {
    json!({ "duration": format(stage.duration), "target": stage.target })
}

fn host(host: &Host) -> Value {
    let text = match host.port {
        Some(port) => std::net::SocketAddr::new(host.ip, port).to_string(),
        None => host.ip.to_string(),
    };
    text.into()
}

fn thresholds(options: &Options) -> Value {
    let apart = options
        .apart
        .iter()
        .map(|selector| (selector.to_string(), json!([])));
    let mut lists: Map<String, Value> = apart.collect();
    for threshold in &options.thresholds {
        let one = if threshold.abort_on_fail || !threshold.delay_abort_eval.is_zero() {
            json!({
                "threshold": threshold.source,
                "abortOnFail": threshold.abort_on_fail,
                "delayAbortEval": format(threshold.delay_abort_eval),
            })
        } else {
            json!(threshold.source)
        };
        let list = lists
            .entry(threshold.selector.to_string())
            .or_insert_with(|| json!([]));
        list.as_array_mut().expect("made just above").push(one);
    }
    lists.into()
}
