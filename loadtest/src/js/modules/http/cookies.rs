//! `Response.cookies`: what `Set-Cookie` fields say.

use cookie_store::RawCookie;
use rquickjs::{Class, Ctx, Object, Result};

use super::response::Response;

/// By name; each name has a list, since paths may differ.
pub(super) fn of_response<'js>(ctx: Ctx<'js>, response: Class<'js, Response>) -> Result<Object<'js>> {
    let cookies = Object::new(ctx.clone())?;
    let response = response.borrow();
    for field in response.answer.fields("set-cookie") {
        let Ok(cookie) = RawCookie::parse(field) else {
            continue;
        };
        let mut same: Vec<Object<'js>> = cookies.get::<_, Option<_>>(cookie.name())?.unwrap_or_default();
        same.push(object(&ctx, &cookie)?);
        cookies.set(cookie.name(), same)?;
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
