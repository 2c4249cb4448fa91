//! What scripts find without an import.

use std::path::Path;
use std::time::Duration;

use rquickjs::function::{Func, Opt};
use rquickjs::{ArrayBuffer, Ctx, Function, IntoJs, Object, Persistent, Result, Value};

use super::super::error::{of_value, throw};
use super::super::event_loop::Completion;
use super::super::host::Phase;
use super::super::script::normal;
use super::encoding::bytes_of;
use super::host;
use crate::log::Level;

pub(super) fn native<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let native = Object::new(ctx.clone())?;
    native.set("log", Func::from(log))?;
    native.set("env", Func::from(env))?;
    native.set("vu", Func::from(|ctx: Ctx<'_>| host(&ctx).id))?;
    native.set("iter", Func::from(iter))?;
    native.set("open", Func::from(open))?;
    native.set("after", Func::from(after))?;
    native.set("bytes", Func::from(bytes))?;
    native.set("text", Func::from(text))?;
    native.set(
        "cancel",
        Func::from(|ctx: Ctx<'_>, timer: u32| host(&ctx).events.cancel(timer)),
    )?;
    Ok(native)
}

fn log<'js>(ctx: Ctx<'js>, level: usize, values: Vec<Value<'js>>) {
    let level = [Level::Debug, Level::Info, Level::Warning, Level::Error][level.min(3)];
    let words: Vec<String> = values.iter().map(of_value).collect();
    host(&ctx).script.log.line(level, &words.join(" "));
}

fn env<'js>(ctx: Ctx<'js>) -> Result<Object<'js>> {
    let variables = Object::new(ctx.clone())?;
    for (name, value) in &host(&ctx).script.env {
        variables.set(name.as_str(), value.as_str())?;
    }
    Ok(variables)
}

/// The number of the virtual user's iteration, from 0; `undefined` outside iterations.
#[expect(clippy::cast_precision_loss, reason = "JavaScript's numbers have 53 bits")]
fn iter(ctx: Ctx<'_>) -> Option<f64> {
    let host = host(&ctx);
    (host.phase.get() == Phase::Iteration).then(|| host.in_scenario.get().saturating_sub(1) as f64)
}

/// `open(path)` is the file's text, `open(path, "b")` its bytes.
fn open<'js>(ctx: Ctx<'js>, path: String, mode: Opt<String>) -> Result<Value<'js>> {
    let host = host(&ctx);
    if host.phase.get() != Phase::Init {
        return Err(throw(
            &ctx,
            "open() can be used in init code only, outside of functions",
        ));
    }
    let path = path.strip_prefix("file://").unwrap_or(&path);
    let file = host
        .script
        .file(&normal(&host.script.directory().join(Path::new(path))));
    let content =
        file.map_err(|error| throw(&ctx, &format!("open({path:?}): {error}; is the path right?")))?;
    match mode.0.as_deref() {
        Some("b") => ArrayBuffer::new_copy(ctx.clone(), &*content)?.into_js(&ctx),
        None | Some("") => String::from_utf8_lossy(&content).into_js(&ctx),
        Some(other) => Err(throw(
            &ctx,
            &format!("open(): mode {other:?} is unknown; there is \"b\", for bytes"),
        )),
    }
}

/// A text in UTF-8.
fn bytes<'js>(ctx: Ctx<'js>, text: Value<'js>) -> Result<ArrayBuffer<'js>> {
    let bytes = bytes_of(&ctx, "text", &text)?;
    ArrayBuffer::new(ctx, bytes)
}

/// What bytes in UTF-8 are as a text, without the mark that some begin with.
fn text<'js>(ctx: Ctx<'js>, bytes: Value<'js>) -> Result<String> {
    let bytes = bytes_of(&ctx, "bytes", &bytes)?;
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

/// Has `body` called in `ms` milliseconds, and returns the timer's number.
fn after<'js>(ctx: Ctx<'js>, ms: f64, body: Function<'js>) -> Result<u32> {
    let host = host(&ctx);
    if host.live.is_none() {
        return Err(throw(&ctx, "timers cannot be used in init code"));
    }
    let Ok(delay) = Duration::try_from_secs_f64(ms / 1e3) else {
        return Err(throw(&ctx, "a timer takes a number of milliseconds"));
    };
    let body = Persistent::save(&ctx, body);
    let timer = async move {
        tokio::time::sleep(delay).await;
        let call: Completion = Box::new(move |ctx| body.restore(ctx)?.call::<_, ()>(()));
        call
    };
    host.events
        .add_timer(timer)
        .map_err(|problem| throw(&ctx, &problem))
}
