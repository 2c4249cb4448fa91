//! `Response`: a handle, whose properties are made when a script asks for them.

use std::rc::Rc;

use rquickjs::class::Trace;
use rquickjs::{ArrayBuffer, Class, Ctx, IntoJs, JsLifetime, Object, Result, Value};

use super::super::values::define;
use super::prepare::ResponseType;
use super::samples::error_code;
use crate::http::{Exchange, Failure, Request};

/// What became of a request.
#[derive(Clone, Trace, JsLifetime)]
#[rquickjs::class]
pub(super) struct Response {
    #[qjs(skip_trace)]
    pub(super) answer: Rc<Answer>,
}

/// The last request of a chain of redirects, and its exchange.
pub(super) struct Answer {
    pub(super) request: Option<Request>,
    pub(super) exchange: Option<Exchange>,
    /// For a request that never was one.
    pub(super) failure: Option<Failure>,
    pub(super) url: Rc<str>,
    pub(super) response_type: ResponseType,
}

/// What `JSON.stringify` of a response has.
pub(super) const FIELDS: [&str; 16] = [
    "remote_ip",
    "remote_port",
    "url",
    "status",
    "status_text",
    "proto",
    "headers",
    "cookies",
    "body",
    "timings",
    "tls_version",
    "tls_cipher_suite",
    "ocsp",
    "error",
    "error_code",
    "request",
];

impl Answer {
    fn response(&self) -> Option<&crate::http::Response> {
        self.exchange.as_ref()?.outcome.as_ref().ok()
    }

    /// The values of all fields of a name.
    pub(super) fn fields(&self, name: &str) -> Vec<String> {
        let values = self
            .response()
            .map(|response| response.headers.all(name))
            .unwrap_or_default();
        values
            .into_iter()
            .map(|value| String::from_utf8_lossy(value).into_owned())
            .collect()
    }

    fn failure(&self) -> Option<&Failure> {
        self.failure
            .as_ref()
            .or_else(|| self.exchange.as_ref()?.outcome.as_ref().err())
    }
}

#[rquickjs::methods]
impl Response {
    #[qjs(get, enumerable)]
    fn status(&self) -> u16 {
        self.answer.response().map_or(0, |response| response.status)
    }

    #[qjs(get, enumerable, rename = "status_text")]
    fn status_text(&self) -> String {
        self.answer
            .response()
            .map_or_else(String::new, |response| response.status_text().into_owned())
    }

    #[qjs(get, enumerable)]
    fn url(&self) -> String {
        self.answer.url.to_string()
    }

    #[qjs(get, enumerable)]
    fn proto(&self) -> &'static str {
        self.answer
            .response()
            .map_or("", |response| response.proto.as_str())
    }

    #[qjs(get, enumerable)]
    fn error(&self) -> String {
        self.answer
            .failure()
            .map_or_else(String::new, |failure| failure.message.clone())
    }

    #[qjs(get, enumerable, rename = "error_code")]
    fn error_code(&self) -> u16 {
        self.answer.exchange.as_ref().map_or_else(
            || self.answer.failure.as_ref().map_or(0, |failure| failure.code),
            error_code,
        )
    }

    #[qjs(get, enumerable, rename = "remote_ip")]
    fn remote_ip(&self) -> String {
        let remote = self.answer.exchange.as_ref().and_then(|exchange| exchange.remote);
        remote.map_or_else(String::new, |remote| remote.ip().to_string())
    }

    #[qjs(get, enumerable, rename = "remote_port")]
    fn remote_port(&self) -> u16 {
        self.answer
            .exchange
            .as_ref()
            .and_then(|exchange| exchange.remote)
            .map_or(0, |remote| remote.port())
    }

    #[qjs(get, enumerable, rename = "tls_version")]
    fn tls_version(&self) -> &'static str {
        self.answer
            .exchange
            .as_ref()
            .and_then(|exchange| exchange.tls)
            .map_or("", |tls| tls.version)
    }

    #[qjs(get, enumerable, rename = "tls_cipher_suite")]
    fn tls_cipher_suite(&self) -> &'static str {
        self.answer
            .exchange
            .as_ref()
            .and_then(|exchange| exchange.tls)
            .map_or("", |tls| tls.cipher)
    }

    /// Certificates' revocation is not looked at.
    #[qjs(get, enumerable)]
    fn ocsp<'js>(&self, ctx: Ctx<'js>) -> Result<Object<'js>> {
        let ocsp = Object::new(ctx)?;
        ocsp.set("status", "unknown")?;
        Ok(ocsp)
    }
}

/// `null` if there is none: the request failed, or its body was discarded.
pub(super) fn body<'js>(ctx: Ctx<'js>, response: Class<'js, Response>) -> Result<Value<'js>> {
    let response = response.borrow();
    let body = response.answer.response().map(|answer| &answer.body);
    match (body, response.answer.response_type) {
        (None, _) | (_, ResponseType::None) => Ok(Value::new_null(ctx)),
        (Some(body), ResponseType::Text) => String::from_utf8_lossy(body).into_js(&ctx),
        (Some(body), ResponseType::Binary) => ArrayBuffer::new_copy(ctx.clone(), &**body)?.into_js(&ctx),
    }
}

/// Names in Go's canonical form; repeated fields in one.
pub(super) fn headers<'js>(ctx: Ctx<'js>, response: Class<'js, Response>) -> Result<Object<'js>> {
    let headers = Object::new(ctx)?;
    if let Some(answer) = response.borrow().answer.response() {
        for (name, value) in answer.headers.canonical() {
            define(&headers, &name, value)?;
        }
    }
    Ok(headers)
}

pub(super) fn timings<'js>(ctx: Ctx<'js>, response: Class<'js, Response>) -> Result<Object<'js>> {
    let timings = response
        .borrow()
        .answer
        .exchange
        .as_ref()
        .map(|exchange| exchange.timings)
        .unwrap_or_default();
    let object = Object::new(ctx)?;
    for (name, duration) in [
        ("duration", timings.duration()),
        ("blocked", timings.blocked),
        ("looking_up", timings.looking_up),
        ("connecting", timings.connecting),
        ("tls_handshaking", timings.tls_handshaking),
        ("sending", timings.sending),
        ("waiting", timings.waiting),
        ("receiving", timings.receiving),
    ] {
        object.set(name, duration.as_secs_f64() * 1e3)?;
    }
    Ok(object)
}

/// The request that this is the response to: the last one, after redirects.
pub(super) fn request<'js>(ctx: Ctx<'js>, response: Class<'js, Response>) -> Result<Object<'js>> {
    let response = response.borrow();
    let object = Object::new(ctx.clone())?;
    object.set("url", &*response.answer.url)?;
    let (headers, cookies) = (Object::new(ctx.clone())?, Object::new(ctx.clone())?);
    if let Some(request) = &response.answer.request {
        object.set("method", request.method.as_str())?;
        object.set("body", String::from_utf8_lossy(&request.body).as_ref())?;
        for (name, value) in &request.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            if name == http::header::COOKIE {
                for (name, value) in value.split("; ").filter_map(|pair| pair.split_once('=')) {
                    let cookie = Object::new(ctx.clone())?;
                    cookie.set("name", name)?;
                    cookie.set("value", value)?;
                    cookie.set("replace", false)?;
                    cookies.set(name, vec![cookie])?;
                }
            }
            headers.set(crate::http::canonical_name(name.as_str()), vec![value.as_ref()])?;
        }
    }
    object.set("headers", headers)?;
    object.set("cookies", cookies)?;
    Ok(object)
}
