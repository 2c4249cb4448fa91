//! The modules as scripts see them: their glue over their native side, in an engine of its own.

mod crypto;
mod encoding;
mod select;

use rquickjs::{CatchResultExt as _, Context, Ctx, Function, Object, Runtime, Value};
use serde_json::json;

/// A module under test.
struct Module {
    /// The global that scripts find it by.
    name: &'static str,
    glue: &'static str,
    native: for<'js> fn(&Ctx<'js>) -> rquickjs::Result<Object<'js>>,
}

/// What JSON has of a script's value, or the message of its exception.
type Outcome = Result<serde_json::Value, String>;

impl Module {
    fn evaluate(&self, script: &str) -> Outcome {
        let runtime = Runtime::new().expect("an engine");
        let context = Context::full(&runtime).expect("a context");
        context.with(|ctx| {
            let outcome = self.evaluate_in(&ctx, script).catch(&ctx);
            assert!(!ctx.has_exception(), "an exception is left over");
            outcome.map_err(|error| error.to_string())
        })
    }

    fn evaluate_in(&self, ctx: &Ctx<'_>, script: &str) -> rquickjs::Result<serde_json::Value> {
        let glue: Function<'_> = ctx.eval(self.glue)?;
        let module: Value<'_> = glue.call(((self.native)(ctx)?,))?;
        ctx.globals().set(self.name, module)?;
        let value: Value<'_> = ctx.eval(script)?;
        let json = ctx
            .json_stringify(value)?
            .map(|json| json.to_string())
            .transpose()?;
        Ok(json.map_or(json!("(undefined)"), |json| {
            serde_json::from_str(&json).expect("the engine writes JSON")
        }))
    }
}

/// Checks that each script throws what has all of its texts.
fn assert_throws(module: &Module, cases: &[(&str, &[&str])]) {
    for (script, texts) in cases {
        let message = module.evaluate(script).expect_err(script);
        for text in *texts {
            assert!(message.contains(text), "{script}: {message}");
        }
    }
}
