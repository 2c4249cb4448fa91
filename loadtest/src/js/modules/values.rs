//! JavaScript's values as Rust's, for several modules.

use std::sync::Arc;

use rquickjs::object::Property;
use rquickjs::{Coerced, Ctx, FromJs, IntoJs, Object, Result, Value};

use super::super::error::throw;

/// The properties of `{name: value, …}`, values as text; nothing for `undefined` and `null`.
pub(super) fn tags_of<'js>(ctx: &Ctx<'js>, tags: &Value<'js>) -> Result<Vec<(Arc<str>, Arc<str>)>> {
    if tags.is_undefined() || tags.is_null() {
        return Ok(Vec::new());
    }
    let Some(tags) = tags.as_object() else {
        return Err(throw(ctx, "tags are an object: { name: \"value\" }"));
    };
    pairs_of(ctx, tags)?
        .into_iter()
        .map(|(name, value)| Ok((name.into(), value.into())))
        .collect()
}

/// The properties of an object in their order, values as text.
pub(super) fn pairs_of<'js>(ctx: &Ctx<'js>, object: &Object<'js>) -> Result<Vec<(String, String)>> {
    object
        .props::<String, Value<'js>>()
        .map(|property| {
            let (name, value) = property?;
            let text = text_of(&value).ok_or_else(|| {
                throw(
                    ctx,
                    &format!("{name}: a {} where a text is needed", value.type_name()),
                )
            })?;
            Ok((name, text))
        })
        .collect()
}

/// A text, a number or a boolean as text.
pub(super) fn text_of(value: &Value<'_>) -> Option<String> {
    if let Some(text) = value.as_string() {
        return text.to_string().ok();
    }
    if value.is_number() {
        // JavaScript writes numbers in its own way.
        let text = Coerced::<String>::from_js(value.ctx(), value.clone());
        return text.ok().map(|text| text.0);
    }
    value.as_bool().map(|truth| truth.to_string())
}

/// Gives `object` a property of its own. The name may come from a server: setting `__proto__` would set no property, and
/// what every object inherits, like `constructor`, is none of its own.
pub(super) fn define<'js>(object: &Object<'js>, name: &str, value: impl IntoJs<'js>) -> Result<()> {
    let value = value.into_js(object.ctx())?;
    object.prop(name, Property::from(value).writable().enumerable().configurable())
}
