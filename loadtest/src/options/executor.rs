//! Executors: which keys each has, and what they may be.

use std::time::Duration;

use serde_json::Value;

use super::checked::{Executor, RampingStage};
use super::section::Section;
use super::value::{positive, positive_time, positive_u32, time, whole_u32};

const MAX_DURATION: Duration = Duration::from_secs(600);
const GRACEFUL_RAMP_DOWN: Duration = Duration::from_secs(30);
const TIME_UNIT: Duration = Duration::from_secs(1);

/// A reader of an executor's own keys.
pub(super) type Read = fn(&mut Section<'_>) -> Option<Executor>;

/// Executors by name: what an executor has besides the common keys, and how it is read.
pub(super) const EXECUTORS: [(&str, &[&str], Read); 6] = [
    ("constant-vus", &["vus", "duration"], constant_vus),
    (
        "ramping-vus",
        &["startVUs", "stages", "gracefulRampDown"],
        ramping_vus,
    ),
    (
        "constant-arrival-rate",
        &["rate", "timeUnit", "duration", "preAllocatedVUs", "maxVUs"],
        constant_arrival_rate,
    ),
    (
        "ramping-arrival-rate",
        &["startRate", "timeUnit", "stages", "preAllocatedVUs", "maxVUs"],
        ramping_arrival_rate,
    ),
    (
        "per-vu-iterations",
        &["vus", "iterations", "maxDuration"],
        per_vu_iterations,
    ),
    (
        "shared-iterations",
        &["vus", "iterations", "maxDuration"],
        shared_iterations,
    ),
];

fn constant_vus(section: &mut Section<'_>) -> Option<Executor> {
    let vus = vus(section);
    let duration = section.require("duration", "\"30s\"", positive_time);
    Some(Executor::ConstantVus {
        vus,
        duration: duration?,
    })
}

fn ramping_vus(section: &mut Section<'_>) -> Option<Executor> {
    let start_vus = section.get("startVUs", whole_u32).unwrap_or(1);
    let graceful_ramp_down = section
        .get("gracefulRampDown", time)
        .unwrap_or(GRACEFUL_RAMP_DOWN);
    let stages = stages(section, "startVUs", start_vus)?;
    Some(Executor::RampingVus {
        start_vus,
        stages,
        graceful_ramp_down,
    })
}

fn constant_arrival_rate(section: &mut Section<'_>) -> Option<Executor> {
    let rate = section.require("rate", "100", positive_u32);
    let time_unit = section.get("timeUnit", positive_time).unwrap_or(TIME_UNIT);
    let duration = section.require("duration", "\"30s\"", positive_time);
    let (pre_allocated_vus, max_vus) = arrival_vus(section)?;
    Some(Executor::ConstantArrivalRate {
        rate: rate?,
        time_unit,
        duration: duration?,
        pre_allocated_vus,
        max_vus,
    })
}

fn ramping_arrival_rate(section: &mut Section<'_>) -> Option<Executor> {
    let start_rate = section.get("startRate", whole_u32).unwrap_or(0);
    let time_unit = section.get("timeUnit", positive_time).unwrap_or(TIME_UNIT);
    let stages = stages(section, "startRate", start_rate);
    let (pre_allocated_vus, max_vus) = arrival_vus(section)?;
    Some(Executor::RampingArrivalRate {
        start_rate,
        time_unit,
        stages: stages?,
        pre_allocated_vus,
        max_vus,
    })
}

fn per_vu_iterations(section: &mut Section<'_>) -> Option<Executor> {
    Some(Executor::PerVuIterations {
        vus: vus(section),
        iterations: section.get("iterations", positive).unwrap_or(1),
        max_duration: max_duration(section),
    })
}

fn shared_iterations(section: &mut Section<'_>) -> Option<Executor> {
    let vus = vus(section);
    let iterations = section.get("iterations", positive).unwrap_or(1);
    if u64::from(vus) > iterations {
        let message = format!("{vus} VUs cannot share {iterations} iterations: each needs at least one");
        section.refuse("vus", message);
    }
    Some(Executor::SharedIterations {
        vus,
        iterations,
        max_duration: max_duration(section),
    })
}

fn vus(section: &mut Section<'_>) -> u32 {
    section.get("vus", positive_u32).unwrap_or(1)
}

fn max_duration(section: &mut Section<'_>) -> Duration {
    section.get("maxDuration", positive_time).unwrap_or(MAX_DURATION)
}

/// `preAllocatedVUs` and `maxVUs`.
fn arrival_vus(section: &mut Section<'_>) -> Option<(u32, u32)> {
    let pre_allocated = section.require("preAllocatedVUs", "20", whole_u32);
    let max = section.get("maxVUs", positive_u32);
    let pre_allocated = pre_allocated?;
    let max = max.unwrap_or(pre_allocated);
    if max == 0 {
        section.refuse(
            "preAllocatedVUs",
            "without VUs nothing runs: write at least 1 here or in maxVUs",
        );
    } else if max < pre_allocated {
        section.refuse(
            "maxVUs",
            format!("{max} is less than the {pre_allocated} of preAllocatedVUs"),
        );
    }
    Some((pre_allocated, max))
}

/// `stages`, of which something must come: time, and anything but 0 from `start` on.
fn stages(section: &mut Section<'_>, start_key: &str, start: u32) -> Option<Vec<RampingStage>> {
    const EXAMPLE: &str = "[{ duration: \"30s\", target: 10 }]";
    let stages = section.require("stages", EXAMPLE, |value| match value {
        Value::Array(stages) if !stages.is_empty() => Ok(stages.clone()),
        other => Err(format!(
            "expected at least one stage such as {EXAMPLE}, not {other}"
        )),
    })?;
    let (entry, problems) = section.raw("stages")?;
    let mut read = Vec::with_capacity(stages.len());
    for (place, stage) in stages.iter().enumerate() {
        let path = format!("{}[{place}]", entry.path);
        let Value::Object(stage) = stage else {
            problems.push(
                path,
                format!("expected a stage such as {{ duration: \"30s\", target: 10 }}, not {stage}"),
            );
            continue;
        };
        let mut stage = Section::new(&path, stage, problems);
        stage.allow("key of a stage", &["duration", "target"]);
        let duration = stage.require("duration", "\"30s\"", time);
        let target = stage.require("target", "10", whole_u32);
        read.extend(
            duration
                .zip(target)
                .map(|(duration, target)| RampingStage { duration, target }),
        );
    }
    if read.len() < stages.len() {
        return None;
    }
    if read.iter().all(|stage| stage.duration.is_zero()) {
        section.refuse("stages", "they last 0s altogether: give one of them a duration");
    }
    if start == 0 && read.iter().all(|stage| stage.target == 0) {
        section.refuse(
            "stages",
            format!("nothing runs: give one of them a target, or write {start_key}"),
        );
    }
    Some(read)
}
