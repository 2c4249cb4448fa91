//! `k6`: checks, groups, and time that passes.

use std::sync::Arc;
use std::time::Duration;

use rquickjs::function::{Func, Opt};
use rquickjs::{Coerced, Ctx, FromJs, Object, Result, Value};

use super::super::error::{interrupted, throw};
use super::super::host::Host;
use super::host;
use super::values::tags_of;
use crate::metrics::builtin;
use crate::run::unix_ns;

pub(super) fn native<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let native = Object::new(ctx.clone())?;
    native.set("check", Func::from(check))?;
    native.set("enterGroup", Func::from(enter_group))?;
    native.set("leaveGroup", Func::from(leave_group))?;
    native.set("sleep", Func::from(sleep))?;
    native.set("randomSeed", Func::from(random_seed))?;
    Ok(native)
}

/// Whether all conditions hold. Scripts check every answer, so this is not written in JavaScript.
fn check<'js>(ctx: Ctx<'js>, value: Value<'js>, sets: Value<'js>, tags: Opt<Value<'js>>) -> Result<bool> {
    let Some(sets) = sets.as_object() else {
        let example = "check(value, { \"is 200\": (v) => v.status === 200 })";
        return Err(throw(
            &ctx,
            &format!("check() needs an object of named conditions: {example}"),
        ));
    };
    let host = host(&ctx);
    let own = tags
        .0
        .map_or_else(|| Ok(Vec::new()), |tags| tags_of(&ctx, &tags))?;
    let mut all = true;
    for set in sets.props::<String, Value<'js>>() {
        let (name, condition) = set?;
        if name.contains(crate::metrics::SEPARATOR) {
            return Err(throw(&ctx, "a check's name cannot contain ::"));
        }
        let outcome = match condition.as_function() {
            Some(condition) => condition.call((value.clone(),)),
            None => Coerced::<bool>::from_js(&ctx, condition),
        };
        let held = outcome.as_ref().is_ok_and(|held| held.0);
        count(&ctx, &host, &name, held, &own)?; // an exception in a condition counts, too
        outcome?;
        all &= held;
    }
    Ok(all)
}

fn count(ctx: &Ctx<'_>, host: &Host, name: &str, held: bool, own: &[(Arc<str>, Arc<str>)]) -> Result<()> {
    let Some(live) = &host.live else {
        return Err(throw(ctx, "check() cannot be used in init code"));
    };
    let mut circumstances = host.circumstances.borrow_mut();
    let tags = circumstances.check(name, own);
    let group = circumstances.group();
    let mut aggregate = live.shard.aggregate.lock();
    aggregate.check(&group, name, held, unix_ns(), &tags);
    Ok(())
}

/// Returns the time, as [`leave_group`] takes it.
fn enter_group(ctx: Ctx<'_>, name: String) -> Result<f64> {
    let host = host(&ctx);
    let Some(live) = &host.live else {
        return Err(throw(&ctx, "group() cannot be used in init code"));
    };
    if name.contains(crate::metrics::SEPARATOR) {
        return Err(throw(&ctx, "a group's name cannot contain ::"));
    }
    host.enter_group(live, &name);
    Ok(live.now_ms())
}

fn leave_group(ctx: Ctx<'_>, began_ms: f64) {
    let host = host(&ctx);
    let Some(live) = &host.live else { return };
    host.record(builtin::GROUP_DURATION, live.now_ms() - began_ms, &host.tags());
    host.circumstances.borrow_mut().leave_group();
}

fn sleep<'js>(ctx: Ctx<'js>, seconds: Opt<Value<'js>>) -> Result<()> {
    let host = host(&ctx);
    if host.live.is_none() {
        return Err(throw(&ctx, "sleep() cannot be used in init code"));
    }
    // Nothing at all instead of a pause would be a load that nobody asked for.
    let seconds = seconds.0.and_then(|seconds| seconds.as_number());
    let seconds = seconds.filter(|seconds| !seconds.is_nan());
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).ok());
    let Some(duration) = duration else {
        return Err(throw(&ctx, "sleep() takes a number of seconds"));
    };
    host.suspender
        .wait(async move { tokio::time::sleep(duration).await }) // a fiber that is dropped has no runtime for a timer
        .map_err(|stop| interrupted(&ctx, stop))
}

/// QuickJS cannot be given a seed: `Math.random` is replaced by a generator that can (SplitMix64).
fn random_seed<'js>(ctx: Ctx<'js>, seed: Opt<f64>) -> Result<()> {
    let Some(seed) = seed.0.filter(|seed| seed.is_finite()) else {
        return Err(throw(&ctx, "randomSeed() takes a number"));
    };
    let mut state = seed.to_bits();
    let next = move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        #[expect(clippy::cast_precision_loss, reason = "the 53 bits that a number has")]
        let fraction = (mixed >> 11) as f64 / (1u64 << 53) as f64;
        fraction
    };
    let math: Object<'js> = ctx.globals().get("Math")?;
    math.set("random", Func::from(rquickjs::function::MutFn::from(next)))
}
