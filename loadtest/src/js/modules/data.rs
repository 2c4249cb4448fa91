//! `k6/data`: arrays that all virtual users read and none copies.

use rquickjs::function::Func;
use rquickjs::{Ctx, Function, Object, Result};

use super::super::error::throw;
use super::super::host::Phase;
use super::host;

pub(super) fn native<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let native = Object::new(ctx.clone())?;
    native.set("shared", Func::from(shared))?;
    native.set("lengthOf", Func::from(length_of))?;
    native.set("elementOf", Func::from(element_of))?;
    Ok(native)
}

/// Has `make` called by the first virtual user only; returns the array's name, its handle.
fn shared<'js>(ctx: Ctx<'js>, name: String, make: Function<'js>) -> Result<String> {
    let host = host(&ctx);
    if host.phase.get() != Phase::Init {
        return Err(throw(
            &ctx,
            "a SharedArray is made in init code, outside of functions",
        ));
    }
    if host.script.shared(&name).is_none() {
        let elements: Vec<String> = make.call(())?;
        host.script
            .share(&name, elements.into_iter().map(String::into_boxed_str).collect());
    }
    Ok(name)
}

fn length_of(ctx: Ctx<'_>, name: String) -> usize {
    host(&ctx)
        .script
        .shared(&name)
        .map_or(0, |elements| elements.len())
}

fn element_of(ctx: Ctx<'_>, name: String, index: usize) -> Option<String> {
    let elements = host(&ctx).script.shared(&name)?;
    elements.get(index).map(ToString::to_string)
}
