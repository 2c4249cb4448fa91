//! What a script's module offers to the rest of the program.

use rquickjs::{Ctx, Function, Object, Value};
use serde_json::Value as Json;

use super::error::ScriptError;

/// What a script's module offers.
#[derive(Debug, Clone, PartialEq)]
pub struct Exports {
    /// `export const options`, as JSON; `null` if there are none. Why not, if JSON cannot say what they are: they must
    /// not be taken for none.
    pub options: Result<Json, String>,
    /// Names of all exported functions.
    pub functions: Vec<String>,
}

impl Exports {
    pub(super) fn of<'js>(ctx: &Ctx<'js>, module: &Object<'js>) -> Self {
        let functions = module.props::<String, Value<'_>>().flatten();
        Self {
            options: options(ctx, module),
            functions: functions
                .filter(|(_, value)| value.is_function())
                .map(|(name, _)| name)
                .collect(),
        }
    }
}

fn options<'js>(ctx: &Ctx<'js>, module: &Object<'js>) -> Result<Json, String> {
    let thrown = |error| ScriptError::caught(ctx, error).text;
    let options: Value<'js> = module.get("options").map_err(thrown)?;
    if options.is_undefined() {
        return Ok(Json::Null);
    }
    if options.is_function() || options.is_promise() {
        let kind = options.type_name();
        return Err(format!(
            "expected an object such as {{ vus: 10, duration: \"30s\" }}, not a {kind}"
        ));
    }
    // What is no number would become null, which means that an option is not there.
    let replacer =
        "(_, value) => (typeof value === 'number' && !Number.isFinite(value) ? String(value) : value)";
    let json = || {
        let replacer: Function<'js> = ctx.eval(replacer)?;
        ctx.json_stringify_replacer(options, replacer)?
            .map(|json| json.to_string())
            .transpose()
    };
    let json = json().map_err(thrown)?;
    let json = json.ok_or("they have no JSON: export an object")?;
    serde_json::from_str(&json).map_err(|error| format!("they cannot be read as JSON: {error}"))
}
