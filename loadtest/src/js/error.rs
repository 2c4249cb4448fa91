//! What a script threw, in words.

use rquickjs::{CaughtError, Ctx, Exception, Value};

use super::fiber::Interrupted;

/// An exception that nothing in the script caught.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct ScriptError {
    /// Message and stack, on several lines.
    pub text: String,
}

impl ScriptError {
    /// Of what `ctx` has just thrown.
    pub(super) fn caught(ctx: &Ctx<'_>, error: rquickjs::Error) -> Self {
        let text = match CaughtError::from_error(ctx, error) {
            CaughtError::Exception(exception) => of_exception(&exception),
            CaughtError::Value(value) => format!("Uncaught {}", of_value(&value)),
            CaughtError::Error(error) => error.to_string(),
        };
        Self { text }
    }
}

fn of_exception(exception: &Exception<'_>) -> String {
    let name: Option<String> = exception.as_object().get("name").ok();
    let mut text = name
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "Error".to_owned());
    if let Some(message) = exception.message().filter(|message| !message.is_empty()) {
        text.push_str(": ");
        text.push_str(&message);
    }
    for line in exception.stack().unwrap_or_default().lines() {
        text.push_str("\n    ");
        text.push_str(line.trim());
    }
    text
}

/// A value as `console.log` shows it: text as it is, everything else as JSON.
pub(super) fn of_value(value: &Value<'_>) -> String {
    if let Some(text) = value.as_string().and_then(|text| text.to_string().ok()) {
        return text;
    }
    if let Some(exception) = value
        .as_object()
        .and_then(|object| Exception::from_object(object.clone()))
    {
        return of_exception(&exception);
    }
    let json = value.ctx().json_stringify(value.clone());
    match json.ok().flatten().and_then(|json| json.to_string().ok()) {
        Some(json) => json,
        None if value.is_undefined() => "undefined".to_owned(),
        None => format!("[{}]", value.type_name()),
    }
}

/// Throws `message` as an `Error`.
pub(super) fn throw(ctx: &Ctx<'_>, message: &str) -> rquickjs::Error {
    Exception::throw_message(ctx, message)
}

/// What a native function throws when its virtual user is to stop. A script may catch it, and is stopped all the same
/// by the interrupt handler.
pub(super) fn interrupted(ctx: &Ctx<'_>, interrupted: Interrupted) -> rquickjs::Error {
    throw(ctx, &interrupted.to_string())
}
