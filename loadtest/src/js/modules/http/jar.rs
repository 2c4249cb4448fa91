//! `http.CookieJar`

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use rquickjs::class::Trace;
use rquickjs::function::Opt;
use rquickjs::{Class, Ctx, JsLifetime, Object, Result, Value};

use super::super::host;
use super::super::values::{define, text_of};
use crate::http::{CookieAttributes, CookieJar};
use crate::js::error::throw;

/// The native part of a jar.
#[derive(Clone, Default, Trace, JsLifetime)]
#[rquickjs::class]
pub(super) struct Jar {
    #[qjs(skip_trace)]
    pub(super) cookies: Rc<RefCell<CookieJar>>,
}

impl Jar {
    /// Of a `CookieJar`, as `params.jar` has it.
    pub(super) fn of<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> Result<Rc<RefCell<CookieJar>>> {
        let jar = value
            .as_object()
            .and_then(|object| object.get::<_, Class<'js, Self>>("native").ok());
        jar.map(|jar| jar.borrow().cookies.clone()).ok_or_else(|| {
            throw(
                ctx,
                "params.jar is made by http.cookieJar() or new http.CookieJar()",
            )
        })
    }
}

pub(super) fn new() -> Jar {
    Jar::default()
}

/// The one that requests of this virtual user share.
pub(super) fn of_vu(ctx: Ctx<'_>) -> Result<Jar> {
    let host = host(&ctx);
    let live = host.live().map_err(|problem| throw(&ctx, &problem))?;
    Ok(Jar {
        cookies: live.jar.clone(),
    })
}

fn url(ctx: &Ctx<'_>, text: &str) -> Result<url::Url> {
    url::Url::parse(text).map_err(|problem| throw(ctx, &format!("{text:?} is no URL: {problem}")))
}

/// Name and values of each cookie that would go to `address`.
pub(super) fn cookies<'js>(ctx: Ctx<'js>, jar: Class<'js, Jar>, address: String) -> Result<Object<'js>> {
    let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let address = url(&ctx, &address)?;
    for (name, value) in jar.borrow().cookies.borrow().cookies_for_url(&address) {
        values.entry(name).or_default().push(value);
    }
    let cookies = Object::new(ctx)?;
    for (name, values) in values {
        define(&cookies, &name, values)?;
    }
    Ok(cookies)
}

/// Options are those of `Set-Cookie`: domain, path, expires, max_age, secure, http_only.
pub(super) fn set<'js>(
    ctx: Ctx<'js>,
    jar: Class<'js, Jar>,
    address: String,
    name: String,
    value: String,
    options: Opt<Value<'js>>,
) -> Result<bool> {
    let mut attributes = CookieAttributes::default();
    if let Some(options) = options.0.as_ref().and_then(Value::as_object) {
        for property in options.props::<String, Value<'js>>() {
            let (name, value) = property?;
            let text = text_of(&value).unwrap_or_default();
            match name.as_str() {
                "domain" => attributes.domain = Some(text),
                "path" => attributes.path = Some(text),
                "expires" => attributes.expires = Some(text),
                "max_age" => attributes.max_age = Some(value.get()?),
                "secure" => attributes.secure = text == "true",
                "http_only" => attributes.http_only = text == "true",
                other => return Err(throw(&ctx, &format!("a cookie has no option {other:?}"))),
            }
        }
    }
    let address = url(&ctx, &address)?;
    let set = jar
        .borrow()
        .cookies
        .borrow_mut()
        .set(&address, &name, &value, &attributes);
    set.map(|()| true)
        .map_err(|problem| throw(&ctx, &problem.to_string()))
}

pub(super) fn delete<'js>(ctx: Ctx<'js>, jar: Class<'js, Jar>, address: String, name: String) -> Result<()> {
    let address = url(&ctx, &address)?;
    jar.borrow().cookies.borrow_mut().delete(&address, &name);
    Ok(())
}

pub(super) fn clear<'js>(ctx: Ctx<'js>, jar: Class<'js, Jar>, address: String) -> Result<()> {
    let address = url(&ctx, &address)?;
    jar.borrow().cookies.borrow_mut().clear(&address);
    Ok(())
}
