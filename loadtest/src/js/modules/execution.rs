//! `k6/execution`: what a script can know about its own run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use rquickjs::function::Func;
use rquickjs::{Ctx, IntoJs, Object, Result, Value};

use super::super::error::throw;
use super::super::host::{Host, Iteration, Phase};
use super::host;
use crate::log::Level;
use crate::run::{ScenarioState, StopReason, Test};

pub(super) fn native<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let native = Object::new(ctx.clone())?;
    native.set("instance", Func::from(instance))?;
    native.set("scenario", Func::from(scenario))?;
    native.set("vu", Func::from(vu))?;
    native.set("tag", Func::from(tag))?;
    native.set("tags", Func::from(tags))?;
    native.set("setTag", Func::from(set_tag))?;
    native.set("abort", Func::from(abort))?;
    native.set("fail", Func::from(fail))?;
    native.set("options", Func::from(options))?;
    Ok(native)
}

fn test(ctx: &Ctx<'_>, host: &Host) -> Result<Arc<Test>> {
    match host.test() {
        Some(test) if host.phase.get() != Phase::Init => Ok(test.clone()),
        _ => Err(throw(
            ctx,
            "k6/execution knows nothing yet in init code: read it in a function",
        )),
    }
}

fn ms_since(then: Instant) -> f64 {
    then.elapsed().as_secs_f64() * 1e3
}

#[expect(clippy::cast_precision_loss, reason = "JavaScript's numbers have 53 bits")]
fn sum(test: &Test, count: impl Fn(&ScenarioState) -> &AtomicU64) -> f64 {
    test.scenarios
        .iter()
        .map(|scenario| count(scenario).load(Ordering::Relaxed))
        .sum::<u64>() as f64
}

fn sum_vus(test: &Test, count: impl Fn(&ScenarioState) -> &AtomicU32) -> f64 {
    f64::from(
        test.scenarios
            .iter()
            .map(|scenario| count(scenario).load(Ordering::Relaxed))
            .sum::<u32>(),
    )
}

fn instance(ctx: Ctx<'_>, what: String) -> Result<f64> {
    let test = test(&ctx, &host(&ctx))?;
    Ok(match what.as_str() {
        "currentTestRunDuration" => test.started().map_or(0.0, ms_since),
        "iterationsCompleted" => sum(&test, |scenario| &scenario.completed),
        "iterationsInterrupted" => sum(&test, |scenario| &scenario.interrupted),
        "vusActive" => sum_vus(&test, |scenario| &scenario.active),
        _ => sum_vus(&test, |scenario| &scenario.vus),
    })
}

fn iteration(ctx: &Ctx<'_>, host: &Host) -> Result<Iteration> {
    let iteration = host.iteration.borrow().clone();
    iteration.ok_or_else(|| throw(ctx, "exec.scenario is there in iterations only"))
}

#[expect(clippy::cast_precision_loss, reason = "JavaScript's numbers have 53 bits")]
fn scenario<'js>(ctx: Ctx<'js>, what: String) -> Result<Value<'js>> {
    let host = host(&ctx);
    let (test, iteration) = (test(&ctx, &host)?, iteration(&ctx, &host)?);
    let scenario = &iteration.scenario.scenario;
    let elapsed = iteration
        .scenario
        .elapsed(&test)
        .unwrap_or_default()
        .as_secs_f64();
    match what.as_str() {
        "name" => scenario.name.as_str().into_js(&ctx),
        "executor" => scenario.executor.as_str().into_js(&ctx),
        "startTime" => {
            let now = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default()
                .as_secs_f64();
            ((now - elapsed) * 1e3).floor().into_js(&ctx)
        }
        "progress" => (elapsed / scenario.executor.duration().as_secs_f64())
            .min(1.0)
            .into_js(&ctx),
        _ => (iteration.in_test as f64).into_js(&ctx),
    }
}

#[expect(clippy::cast_precision_loss, reason = "JavaScript's numbers have 53 bits")]
fn vu(ctx: Ctx<'_>, what: String) -> f64 {
    let host = host(&ctx);
    match what.as_str() {
        "iterationInInstance" => host.iterations.get().saturating_sub(1) as f64,
        "iterationInScenario" => host.in_scenario.get().saturating_sub(1) as f64,
        _ => f64::from(host.id),
    }
}

fn tag(ctx: Ctx<'_>, name: String) -> Option<String> {
    let host = host(&ctx);
    let circumstances = host.circumstances.borrow();
    circumstances
        .own()
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value.to_owned())
}

fn tags(ctx: Ctx<'_>) -> Vec<String> {
    host(&ctx)
        .circumstances
        .borrow()
        .own()
        .map(|(name, _)| name.to_owned())
        .collect()
}

fn set_tag(ctx: Ctx<'_>, name: String, value: Option<String>) {
    host(&ctx)
        .circumstances
        .borrow_mut()
        .set_own(&name, value.as_deref());
}

fn abort(ctx: Ctx<'_>, reason: String) {
    let host = host(&ctx);
    match host.test() {
        Some(test) => test.stop(StopReason::Aborted(reason)),
        None => host.script.abort(reason),
    }
}

fn fail(ctx: Ctx<'_>, reason: String) -> Result<()> {
    let host = host(&ctx);
    test(&ctx, &host)?.fail();
    host.script
        .log
        .line(Level::Error, &format!("test failed: {reason}"));
    Ok(())
}

fn options(ctx: Ctx<'_>) -> Result<String> {
    Ok(test(&ctx, &host(&ctx))?.options_json.to_string())
}
