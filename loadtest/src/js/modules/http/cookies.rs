//! `Response.cookies`: what `Set-Cookie` fields say.

use std::collections::BTreeMap;

use cookie_store::RawCookie;
use rquickjs::{Class, Ctx, Object, Result};

use super::super::values::define;
use super::response::Response;

/// By name; each name has a list, since paths may differ.
pub(super) fn of_response<'js>(ctx: Ctx<'js>, response: Class<'js, Response>) -> Result<Object<'js>> {
    let fields = response.borrow().answer.fields("set-cookie");
    let mut same: BTreeMap<String, Vec<Object<'js>>> = BTreeMap::new();
    for cookie in fields.into_iter().flat_map(RawCookie::parse) {
        let name = cookie.name().to_owned();
        same.entry(name).or_default().push(object(&ctx, &cookie)?);
    }
    let cookies = Object::new(ctx)?;
    for (name, same) in same {
        define(&cookies, &name, same)?;
    }
    Ok(cookies)
}

fn object<'js>(ctx: &Ctx<'js>, cookie: &RawCookie<'_>) -> Result<Object<'js>> {
    let object = Object::new(ctx.clone())?;
    object.set("name", cookie.name())?;
    object.set("value", cookie.value())?;
    object.set("domain", cookie.domain().unwrap_or_default())?;
    object.set("path", cookie.path().unwrap_or_default())?;
    object.set("http_only", cookie.http_only().unwrap_or(false))?;
    object.set("secure", cookie.secure().unwrap_or(false))?;
    if let Some(age) = cookie.max_age() {
        object.set("max_age", age.whole_seconds())?;
    } else {
        object.set("max_age", 0)?;
    }
    let expires = cookie
        .expires_datetime()
        .map_or(0, |at| at.unix_timestamp() * 1000);
    object.set("expires", expires)?;
    Ok(object)
}
