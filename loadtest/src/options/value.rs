//! Readers of single JSON values. Each error says what was expected.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::duration;

/// A whole number from 0. k6 takes strings of digits as well, which is what `__ENV` gives.
pub(super) fn whole(value: &Value) -> Result<u64, String> {
    let read = match value {
        Value::Number(number) => number.as_u64().or_else(|| whole_float(number.as_f64()?)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    read.ok_or_else(|| format!("expected a whole number such as 10, not {value}"))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "only whole numbers in range pass"
)]
fn whole_float(number: f64) -> Option<u64> {
    (number.fract() == 0.0 && (0.0..9e15).contains(&number)).then_some(number as u64)
}

/// A whole number from 1.
pub(super) fn positive(value: &Value) -> Result<u64, String> {
    match whole(value)? {
        0 => Err("it must be at least 1".to_owned()),
        number => Ok(number),
    }
}

/// A whole number from 0 that fits 32 bits.
pub(super) fn whole_u32(value: &Value) -> Result<u32, String> {
    u32::try_from(whole(value)?).map_err(|_| format!("{value} is too great: it can be {} at most", u32::MAX))
}

/// A whole number from 1 that fits 32 bits.
pub(super) fn positive_u32(value: &Value) -> Result<u32, String> {
    positive(value)?;
    whole_u32(value)
}

/// A whole number from 1 that sizes something in memory.
pub(super) fn positive_size(value: &Value) -> Result<usize, String> {
    Ok(positive_u32(value)? as usize)
}

/// A time from 0: a k6 duration, or milliseconds.
pub(super) fn time(value: &Value) -> Result<Duration, String> {
    match value {
        Value::String(text) => duration::parse(text).map_err(|error| error.to_string()),
        Value::Number(number) => duration::from_milliseconds(number.as_f64().unwrap_or(f64::NAN))
            .map_err(|error| error.to_string()),
        other => Err(format!("expected a duration such as \"30s\", not {other}")),
    }
}

/// A time above 0.
pub(super) fn positive_time(value: &Value) -> Result<Duration, String> {
    match time(value)? {
        Duration::ZERO => Err("it must be longer than 0s".to_owned()),
        time => Ok(time),
    }
}

pub(super) fn boolean(value: &Value) -> Result<bool, String> {
    value
        .as_bool()
        .ok_or_else(|| format!("expected true or false, not {value}"))
}

pub(super) fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        other => Err(format!("expected a string in quotes, not {other}")),
    }
}

/// A list of strings.
pub(super) fn texts(value: &Value) -> Result<Vec<String>, String> {
    let Value::Array(list) = value else {
        return Err(format!(
            "expected a list of strings such as [\"a\", \"b\"], not {value}"
        ));
    };
    list.iter().map(text).collect()
}

/// An object whose values are all strings.
pub(super) fn text_map(value: &Value) -> Result<BTreeMap<String, String>, String> {
    let Value::Object(map) = value else {
        return Err(format!(
            "expected an object such as {{\"key\": \"value\"}}, not {value}"
        ));
    };
    map.iter()
        .map(|(key, value)| {
            Ok((
                key.clone(),
                text(value).map_err(|error| format!("{key:?}: {error}"))?,
            ))
        })
        .collect()
}

/// One of a few words.
pub(super) fn choice<T: Copy>(value: &Value, choices: &[(&str, T)]) -> Result<T, String> {
    let found = choices.iter().find(|(name, _)| value.as_str() == Some(name));
    found.map(|(_, choice)| *choice).ok_or_else(|| {
        let names: Vec<String> = choices.iter().map(|(name, _)| format!("{name:?}")).collect();
        format!("expected {}, not {value}", names.join(" or "))
    })
}
