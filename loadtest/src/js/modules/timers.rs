//! `k6/timers`: the global timers, for those who import them.

use rquickjs::{Ctx, Object, Result, Value};

pub(super) fn native<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let native = Object::new(ctx.clone())?;
    for name in ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] {
        native.set(name, ctx.globals().get::<_, Value<'js>>(name)?)?;
    }
    Ok(native)
}
