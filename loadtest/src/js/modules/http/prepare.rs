//! What a script asks for, as a request.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, header};
use rquickjs::{Ctx, Object, Result, Value};

use super::super::encoding::bytes_of;
use super::super::values::{pairs_of, tags_of, text_of};
use super::compress::encode;
use super::form;
use super::jar::Jar;
use crate::http::{CookieJar, Request};
use crate::js::error::throw;
use crate::js::host::Host;

/// k6's default.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What one virtual user's requests have in common.
#[derive(Default)]
pub(in crate::js) struct Requests {
    user_agent: OnceCell<Option<HeaderValue>>,
    no_tags: Rc<[(Arc<str>, Arc<str>)]>,
    /// `http.setResponseCallback`
    pub(super) expected: RefCell<Expected>,
}

impl Requests {
    /// What `text` is in a header; `None` for no such header.
    fn user_agent(&self, text: &str) -> Option<HeaderValue> {
        let known = self
            .user_agent
            .get_or_init(|| HeaderValue::from_str(text).ok().filter(|agent| !agent.is_empty()));
        known.clone()
    }
}

/// Which statuses are what the script wants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Expected {
    /// 200 to 399.
    #[default]
    Usual,
    /// Within one of these, both ends included.
    Ranges(Vec<(u16, u16)>),
    /// Nobody asks.
    Any,
}

impl Expected {
    /// `None` if nobody asks.
    pub(super) fn judge(&self, status: u16) -> Option<bool> {
        match self {
            Self::Usual => Some((200..400).contains(&status)),
            Self::Ranges(ranges) => Some(ranges.iter().any(|(min, max)| (*min..=*max).contains(&status))),
            Self::Any => None,
        }
    }

    /// Of `http.expectedStatuses(…)`, or `null`.
    pub(super) fn of<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> Result<Self> {
        if value.is_null() {
            return Ok(Self::Any);
        }
        let ranges = value
            .as_object()
            .and_then(|object| object.get::<_, Vec<Vec<u16>>>("expectedStatuses").ok());
        let ranges = ranges.and_then(|ranges| {
            let pairs = ranges.iter().map(|range| match range[..] {
                [min, max] => Some((min, max)),
                _ => None,
            });
            pairs.collect()
        });
        ranges.map(Self::Ranges).ok_or_else(|| {
            throw(
                ctx,
                "a response callback is made by http.expectedStatuses(), or null",
            )
        })
    }
}

/// What becomes of a response's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResponseType {
    Text,
    Binary,
    None,
}

/// A request, and what is to be made of its response.
pub(super) struct Prepared {
    pub(super) request: Request,
    pub(super) redirects_max: u32,
    pub(super) jar: Rc<RefCell<CookieJar>>,
    pub(super) response_type: ResponseType,
    pub(super) samples: Labels,
}

/// Under which tags a request's samples go, as far as the script says.
pub(super) struct Labels {
    pub(super) name: Option<Rc<str>>,
    pub(super) own: Rc<[(Arc<str>, Arc<str>)]>,
    pub(super) expected: Expected,
}

/// A script's mistake, or a URL that is none: the latter is the response's business.
pub(super) enum Unprepared {
    Thrown(rquickjs::Error),
    Failed(crate::http::Failure),
}

impl From<rquickjs::Error> for Unprepared {
    fn from(error: rquickjs::Error) -> Self {
        Self::Thrown(error)
    }
}

/// Reads the arguments of a request.
pub(super) fn prepare<'js>(
    ctx: &Ctx<'js>,
    host: &Host,
    method: Method,
    url: &Value<'js>,
    body: &Value<'js>,
    params: &Value<'js>,
) -> std::result::Result<Prepared, Unprepared> {
    let live = host.live().map_err(|problem| throw(ctx, &problem))?;
    let options = &live.shard.test.options;
    let (url, name) = url_of(ctx, url)?;
    let target = live.shard.network.target(&url).map_err(Unprepared::Failed)?;
    let (body, content_type) = body_of(ctx, body)?;
    let mut prepared = Prepared {
        request: Request {
            method,
            target,
            headers: Vec::new(),
            body,
            timeout: TIMEOUT,
            discard_body: false,
        },
        redirects_max: options.max_redirects,
        jar: live.jar.clone(),
        response_type: if options.discard_response_bodies {
            ResponseType::None
        } else {
            ResponseType::Text
        },
        samples: Labels {
            name,
            own: host.requests.no_tags.clone(),
            expected: host.requests.expected.borrow().clone(),
        },
    };
    if let Some(params) = params.as_object() {
        read_params(ctx, params, &mut prepared)?;
    } else if !params.is_undefined() && !params.is_null() {
        return Err(throw(
            ctx,
            "a request's params are an object: { headers: {}, tags: {}, timeout: \"10s\" }",
        )
        .into());
    }
    let headers = &mut prepared.request.headers;
    let has = |headers: &[(HeaderName, HeaderValue)], name| headers.iter().any(|(known, _)| *known == name);
    if let Some(content_type) = content_type.filter(|_| !has(headers, header::CONTENT_TYPE)) {
        headers.push((header::CONTENT_TYPE, HeaderValue::from_static(content_type)));
    }
    if !has(headers, header::USER_AGENT)
        && let Some(agent) = host.requests.user_agent(&options.user_agent)
    {
        headers.push((header::USER_AGENT, agent));
    }
    prepared.request.discard_body = prepared.response_type == ResponseType::None;
    Ok(prepared)
}

/// A text, or what `http.url` made.
fn url_of<'js>(ctx: &Ctx<'js>, url: &Value<'js>) -> Result<(String, Option<Rc<str>>)> {
    if let Some(text) = url.as_string() {
        return Ok((text.to_string()?, None));
    }
    if let Some(object) = url.as_object()
        && let (Ok(url), Ok(name)) = (object.get::<_, String>("url"), object.get::<_, String>("name"))
    {
        return Ok((url, Some(name.into())));
    }
    Err(throw(
        ctx,
        &format!(
            "a URL is a text, or made by http.url; this is {}",
            url.type_name()
        ),
    ))
}

/// A text or bytes go as they are, an object as a form.
fn body_of<'js>(ctx: &Ctx<'js>, body: &Value<'js>) -> Result<(Bytes, Option<&'static str>)> {
    if body.is_undefined() || body.is_null() {
        return Ok((Bytes::new(), None));
    }
    let Some(form) = body.as_object().filter(|object| is_plain(object)) else {
        return Ok((bytes_of(ctx, "body", body)?.into(), None));
    };
    let form = form::encode(ctx, form)?;
    Ok((form.into(), Some("application/x-www-form-urlencoded")))
}

/// `{}` and its like: neither an array nor bytes nor a function.
fn is_plain(object: &Object<'_>) -> bool {
    let constructor = object
        .get::<_, Object<'_>>("constructor")
        .and_then(|constructor| constructor.get::<_, String>("name"));
    matches!(constructor.as_deref(), Ok("Object") | Err(_)) && !object.is_array()
}

fn read_params<'js>(ctx: &Ctx<'js>, params: &Object<'js>, prepared: &mut Prepared) -> Result<()> {
    for property in params.props::<String, Value<'js>>() {
        let (name, value) = property?;
        if value.is_undefined() || (value.is_null() && name != "responseCallback") {
            continue;
        }
        match name.as_str() {
            "headers" => read_headers(ctx, &value, &mut prepared.request.headers)?,
            "tags" => read_tags(ctx, &value, &mut prepared.samples)?,
            "timeout" => prepared.request.timeout = timeout_of(ctx, &value)?,
            "redirects" => {
                prepared.redirects_max = value
                    .get()
                    .map_err(|_| throw(ctx, "redirects is a number, 0 or more"))?;
            }
            "responseType" => prepared.response_type = response_type_of(ctx, &value)?,
            "responseCallback" => prepared.samples.expected = Expected::of(ctx, &value)?,
            "jar" => prepared.jar = Jar::of(ctx, &value)?,
            "cookies" => read_cookies(ctx, &value, &mut prepared.request)?,
            "compression" => compress(ctx, &value, &mut prepared.request)?,
            "auth" if text_of(&value).as_deref() == Some("basic") => {} // the credentials are in the URL
            other => {
                let known = "headers, tags, timeout, redirects, responseType, responseCallback, jar, cookies, compression, auth: \"basic\"";
                return Err(throw(
                    ctx,
                    &format!("params.{other} is not supported by proxima-load; there are {known}"),
                ));
            }
        }
    }
    Ok(())
}

fn read_headers<'js>(
    ctx: &Ctx<'js>,
    value: &Value<'js>,
    headers: &mut Vec<(HeaderName, HeaderValue)>,
) -> Result<()> {
    let Some(object) = value.as_object() else {
        return Err(throw(ctx, "headers are an object: { Accept: \"text/html\" }"));
    };
    for (name, value) in pairs_of(ctx, object)? {
        match (HeaderName::try_from(&name), HeaderValue::try_from(&value)) {
            (Ok(name), Ok(value)) => headers.push((name, value)),
            _ => {
                return Err(throw(
                    ctx,
                    &format!("{name:?}: {value:?} is no header that HTTP can carry"),
                ));
            }
        }
    }
    Ok(())
}

fn read_tags<'js>(ctx: &Ctx<'js>, value: &Value<'js>, labels: &mut Labels) -> Result<()> {
    let tags = tags_of(ctx, value)?;
    if let Some((_, name)) = tags.iter().find(|(tag, _)| &**tag == "name") {
        labels.name = Some((**name).into());
    }
    labels.own = tags.into_iter().filter(|(tag, _)| &**tag != "name").collect();
    Ok(())
}

fn timeout_of<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> Result<Duration> {
    let text = text_of(value).unwrap_or_default();
    crate::options::duration::parse(&text).map_err(|_| {
        throw(
            ctx,
            &format!("timeout {text:?}: write a number of milliseconds, or \"30s\""),
        )
    })
}

fn response_type_of<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> Result<ResponseType> {
    match text_of(value).as_deref() {
        Some("text") => Ok(ResponseType::Text),
        Some("binary") => Ok(ResponseType::Binary),
        Some("none") => Ok(ResponseType::None),
        _ => Err(throw(ctx, "responseType is \"text\", \"binary\" or \"none\"")),
    }
}

/// `cookies: { name: "value" }` or `{ name: { value: "…", replace: true } }`, for this request alone.
fn read_cookies<'js>(ctx: &Ctx<'js>, value: &Value<'js>, request: &mut Request) -> Result<()> {
    let Some(object) = value.as_object() else {
        return Err(throw(ctx, "cookies are an object: { name: \"value\" }"));
    };
    let mut pairs = Vec::new();
    for property in object.props::<String, Value<'js>>() {
        let (name, value) = property?;
        let text = match value.as_object() {
            Some(cookie) => cookie.get::<_, String>("value")?,
            None => text_of(&value).unwrap_or_default(),
        };
        pairs.push(format!("{name}={text}"));
    }
    let field =
        HeaderValue::try_from(pairs.join("; ")).map_err(|_| throw(ctx, "HTTP cannot carry these cookies"))?;
    request.headers.push((header::COOKIE, field));
    Ok(())
}

fn compress<'js>(ctx: &Ctx<'js>, value: &Value<'js>, request: &mut Request) -> Result<()> {
    let algorithms = text_of(value).unwrap_or_default();
    for algorithm in algorithms
        .split(',')
        .map(str::trim)
        .filter(|algorithm| !algorithm.is_empty())
    {
        request.body = encode(algorithm, &request.body).map_err(|problem| throw(ctx, &problem))?;
    }
    if let Ok(encoding) = HeaderValue::from_str(&algorithms) {
        request.headers.push((header::CONTENT_ENCODING, encoding));
    }
    Ok(())
}
