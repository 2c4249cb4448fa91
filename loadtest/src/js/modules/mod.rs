//! k6's modules: JavaScript that says what they look like, over native functions that do the work.
//!
//! The text of each `X.js` is one function of an object of native functions. What it returns are the module's exports, by
//! name, and as a whole its default one.

#![expect(
    clippy::needless_pass_by_value,
    reason = "rquickjs hands values and the context to native functions by value"
)]

mod crypto;
mod data;
mod encoding;
mod execution;
mod globals;
mod http;
mod k6;
mod metrics;
mod timers;
mod values;

use std::rc::Rc;

use rquickjs::module::{Declarations, Declared, Exports, ModuleDef};
use rquickjs::{Ctx, Function, JsLifetime, Module, Object, Result};

pub(super) use self::http::Requests;
use super::host::Host;

/// Lets native functions find the virtual user that calls them.
#[derive(Clone, JsLifetime)]
pub(super) struct CurrentVu(pub(super) Rc<Host>);

/// The virtual user of this runtime.
fn host(ctx: &Ctx<'_>) -> Rc<Host> {
    let current = ctx
        .userdata::<CurrentVu>()
        .expect("it is stored before any script runs");
    current.0.clone()
}

/// Runs `glue`, the text of an `X.js`, with its native functions.
fn exports<'js>(ctx: &Ctx<'js>, glue: &str, native: Object<'js>) -> Result<Object<'js>> {
    let function: Function<'js> = ctx.eval(glue)?;
    function.call((native,))
}

macro_rules! modules {
    ($($def:ident: $specifier:literal = $room:ident [$($export:literal),* $(,)?];)*) => {
        $(
            struct $def;

            impl ModuleDef for $def {
                fn declare(declarations: &Declarations<'_>) -> Result<()> {
                    $(declarations.declare($export)?;)*
                    declarations.declare("default")?;
                    Ok(())
                }

                fn evaluate<'js>(ctx: &Ctx<'js>, module: &Exports<'js>) -> Result<()> {
                    let glue = include_str!(concat!(stringify!($room), ".js"));
                    let exports = exports(ctx, glue, $room::native(ctx)?)?;
                    $(module.export($export, exports.get::<_, rquickjs::Value<'js>>($export)?)?;)*
                    module.export("default", exports)?;
                    Ok(())
                }
            }
        )*

        const NAMES: &[&str] = &[$($specifier),*];

        /// The module of that name, if it is one of k6's.
        pub(super) fn declare<'js>(ctx: &Ctx<'js>, name: &str) -> Option<Result<Module<'js, Declared>>> {
            match name {
                $($specifier => Some(Module::declare_def::<$def, _>(ctx.clone(), name)),)*
                _ => None,
            }
        }
    };
}

modules! {
    K6: "k6" = k6 ["check", "fail", "group", "randomSeed", "sleep"];
    Http: "k6/http" = http [
        "get", "head", "post", "put", "patch", "del", "options", "request", "asyncRequest", "batch", "url", "file",
        "expectedStatuses", "setResponseCallback", "cookieJar", "CookieJar", "Response",
        "TLS_1_0", "TLS_1_1", "TLS_1_2", "TLS_1_3", "OCSP_STATUS_GOOD",
    ];
    Metrics: "k6/metrics" = metrics ["Counter", "Gauge", "Rate", "Trend"];
    Data: "k6/data" = data ["SharedArray"];
    Execution: "k6/execution" = execution ["instance", "scenario", "test", "vu"];
    Encoding: "k6/encoding" = encoding ["b64encode", "b64decode"];
    Crypto: "k6/crypto" = crypto [
        "createHash", "createHMAC", "hexEncode", "hmac", "md4", "md5", "randomBytes", "ripemd160", "sha1", "sha256",
        "sha384", "sha512", "sha512_224", "sha512_256",
    ];
    Timers: "k6/timers" = timers ["setTimeout", "clearTimeout", "setInterval", "clearInterval"];
}

/// Whether `name` is one of k6's modules that there are here.
pub(super) fn is_own(name: &str) -> bool {
    NAMES.contains(&name)
}

/// All of them, for a message.
pub(super) fn names() -> String {
    NAMES.join(", ")
}

/// Sets what scripts find without an import: `console`, `__ENV`, `open` and so on.
pub(super) fn set_globals(ctx: &Ctx<'_>) -> Result<()> {
    exports(ctx, include_str!("globals.js"), globals::native(ctx)?).map(|_| ())
}

#[cfg(test)]
mod tests;
