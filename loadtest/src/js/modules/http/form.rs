//! Bodies that are forms: objects, as `application/x-www-form-urlencoded`.

use rquickjs::{Ctx, Object, Result, Value};

use super::super::values::text_of;
use crate::js::error::throw;

/// By name, as Go writes forms; a list gives one field for each of its values, and what is not there an empty one.
pub(super) fn encode<'js>(ctx: &Ctx<'js>, form: &Object<'js>) -> Result<String> {
    let mut fields = Vec::new();
    for property in form.props::<String, Value<'js>>() {
        let (name, value) = property?;
        match value.as_array() {
            None => fields.push((name.clone(), field(ctx, &name, &value)?)),
            Some(values) => {
                for value in values.iter::<Value<'js>>() {
                    fields.push((name.clone(), field(ctx, &name, &value?)?));
                }
            }
        }
    }
    fields.sort_by(|(a, _), (b, _)| a.cmp(b)); // stable: a list's values keep their order
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    Ok(form.extend_pairs(fields).finish())
}

fn field<'js>(ctx: &Ctx<'js>, name: &str, value: &Value<'js>) -> Result<String> {
    if value.is_undefined() || value.is_null() {
        return Ok(String::new());
    }
    text_of(value).ok_or_else(|| {
        let kind = value.type_name();
        throw(
            ctx,
            &format!(
                "{name}: a form's value is a text, a number, a boolean or a list of those, not {kind}; \
                 use JSON.stringify() for JSON"
            ),
        )
    })
}
