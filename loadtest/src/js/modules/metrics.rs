//! `k6/metrics`: metrics of the script's own.

use rquickjs::function::Func;
use rquickjs::{Ctx, Object, Result, Value};

use super::super::error::throw;
use super::super::host::Phase;
use super::host;
use super::values::tags_of;
use crate::metrics::{Contains, Kind, MetricId};

pub(super) fn native<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let native = Object::new(ctx.clone())?;
    native.set("declare", Func::from(declare))?;
    native.set("add", Func::from(add))?;
    Ok(native)
}

fn declare(ctx: Ctx<'_>, name: String, kind: String, is_time: bool) -> Result<u32> {
    let host = host(&ctx);
    if host.phase.get() != Phase::Init {
        return Err(throw(
            &ctx,
            "metrics are declared in init code, outside of functions",
        ));
    }
    let kind = match kind.as_str() {
        "counter" => Kind::Counter,
        "gauge" => Kind::Gauge,
        "rate" => Kind::Rate,
        _ => Kind::Trend,
    };
    let contains = if is_time {
        Contains::Time
    } else {
        Contains::Default
    };
    let declared = host.script.registry.declare(&name, kind, contains);
    declared
        .map(MetricId::number)
        .map_err(|problem| throw(&ctx, &problem.to_string()))
}

/// Whether the value was a number; k6 leaves others out with a warning, too.
fn add<'js>(ctx: Ctx<'js>, metric: u32, value: f64, tags: Value<'js>) -> Result<bool> {
    let host = host(&ctx);
    let Some(live) = &host.live else {
        return Err(throw(&ctx, "values are not added to metrics in init code"));
    };
    if !value.is_finite() {
        let name = host.script.registry.metrics()[metric as usize].name.clone();
        host.script.log.line(
            crate::log::Level::Warning,
            &format!("{name}: a value that is no number was left out"),
        );
        return Ok(false);
    }
    let own = tags_of(&ctx, &tags)?;
    let tags = host.circumstances.borrow_mut().with(&own);
    live.shard.record(MetricId::numbered(metric), value, &tags);
    Ok(true)
}
