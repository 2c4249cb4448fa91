//! Tests of all layers together.

mod precedence;
mod refusals;
mod settings;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Layers, OptionErrors, Resolved, resolve};

/// Four layers: config file, script, environment, flags. `null` for none.
pub(super) fn over(
    config: &Value,
    script: &Value,
    env: &[(&str, &str)],
    flags: &Value,
) -> Result<Resolved, OptionErrors> {
    let config = (!config.is_null()).then(|| config.to_string());
    let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    let env: BTreeMap<String, String> = env.iter().map(pair).collect();
    let none = Map::new();
    let layers = Layers {
        config: config.as_deref(),
        script,
        env: &env,
        flags: flags.as_object().unwrap_or(&none),
    };
    resolve(&layers, &["default".to_owned(), "read".to_owned()])
}

pub(super) fn script(script: &Value) -> Result<Resolved, OptionErrors> {
    over(&json!(null), script, &[], &json!(null))
}
