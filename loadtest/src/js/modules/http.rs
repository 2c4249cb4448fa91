//! `k6/http`: requests.

mod compress;
mod cookies;
mod form;
mod jar;
mod prepare;
mod response;
mod samples;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use futures_util::StreamExt;
use futures_util::stream;
use http::Method;
use rquickjs::function::{Func, Opt, Rest};
use rquickjs::{Class, Ctx, Function, IntoJs, Object, Persistent, Promise, Result, Value};
use tokio::sync::Semaphore;

pub(in crate::js) use self::prepare::Requests;
use self::prepare::{Expected, Prepared, ResponseType, Unprepared, prepare};
use self::response::{Answer, Response};
use super::super::error::{interrupted, throw};
use super::super::event_loop::Completion;
use super::super::host::Host;
use super::encoding::bytes_of;
use super::host;
use crate::http::Failure;

pub(super) fn native<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let native = Object::new(ctx.clone())?;
    for (name, method) in [("get", Method::GET), ("head", Method::HEAD)] {
        let call = move |ctx: Ctx<'js>, url: Value<'js>, params: Opt<Value<'js>>| {
            let nothing = Value::new_undefined(ctx.clone());
            send(
                &ctx,
                method.clone(),
                &url,
                &nothing,
                &params.0.unwrap_or_else(|| nothing.clone()),
            )
        };
        native.set(name, Func::from(call))?;
    }
    for (name, method) in [
        ("post", Method::POST),
        ("put", Method::PUT),
        ("patch", Method::PATCH),
        ("del", Method::DELETE),
        ("options", Method::OPTIONS),
    ] {
        let call = move |ctx: Ctx<'js>, url: Value<'js>, rest: Rest<Value<'js>>| {
            let (body, params) = body_and_params(&ctx, &rest);
            send(&ctx, method.clone(), &url, &body, &params)
        };
        native.set(name, Func::from(call))?;
    }
    native.set("request", Func::from(request))?;
    native.set("asyncRequest", Func::from(async_request))?;
    native.set("batch", Func::from(batch))?;
    native.set("setResponseCallback", Func::from(set_response_callback))?;
    set_response_functions(ctx, &native)?;
    set_jar_functions(&native)?;
    Ok(native)
}

fn set_response_functions<'js>(ctx: &Ctx<'js>, native: &Object<'js>) -> Result<()> {
    native.set("prototype", Class::<Response>::prototype(ctx)?)?;
    native.set("fields", response::FIELDS.to_vec())?;
    native.set("body", Func::from(response::body))?;
    native.set("headers", Func::from(response::headers))?;
    native.set("cookies", Func::from(cookies::of_response))?;
    native.set("timings", Func::from(response::timings))?;
    native.set("requestOf", Func::from(response::request))?;
    let select: Function<'js> = ctx.eval(include_str!("select.js"))?;
    native.set("select", select.call::<_, Value<'js>>(())?)?;
    native.set("textOf", Func::from(text_of))
}

/// A binary body, as text.
fn text_of<'js>(ctx: Ctx<'js>, body: Value<'js>) -> Result<String> {
    Ok(String::from_utf8_lossy(&bytes_of(&ctx, "body", &body)?).into_owned())
}

fn set_jar_functions(native: &Object<'_>) -> Result<()> {
    native.set("newJar", Func::from(jar::new))?;
    native.set("vuJar", Func::from(jar::of_vu))?;
    native.set("jarCookies", Func::from(jar::cookies))?;
    native.set("jarSet", Func::from(jar::set))?;
    native.set("jarDelete", Func::from(jar::delete))?;
    native.set("jarClear", Func::from(jar::clear))
}

fn body_and_params<'js>(ctx: &Ctx<'js>, rest: &[Value<'js>]) -> (Value<'js>, Value<'js>) {
    let at = |place: usize| {
        rest.get(place)
            .cloned()
            .unwrap_or_else(|| Value::new_undefined(ctx.clone()))
    };
    (at(0), at(1))
}

fn method_of(ctx: &Ctx<'_>, name: &str) -> Result<Method> {
    Method::from_bytes(name.as_bytes())
        .map_err(|_| throw(ctx, &format!("{name:?} is no method that HTTP can carry")))
}

/// A request, or the response of one that has a URL that is none.
fn prepared<'js>(
    ctx: &Ctx<'js>,
    host: &Host,
    method: &Method,
    url: &Value<'js>,
    rest: (&Value<'js>, &Value<'js>),
) -> Result<std::result::Result<Prepared, Rc<Answer>>> {
    match prepare(ctx, host, method.clone(), url, rest.0, rest.1) {
        Ok(prepared) => Ok(Ok(prepared)),
        Err(Unprepared::Thrown(error)) => Err(error),
        Err(Unprepared::Failed(failure)) => {
            let url = url.get::<String>().unwrap_or_default();
            samples::complain(host, method, &url, &failure);
            throw_if_asked(ctx, host, &failure)?;
            let answer = Answer {
                request: None,
                exchange: None,
                failure: Some(failure),
                url: url.into(),
                response_type: ResponseType::Text,
            };
            Ok(Err(Rc::new(answer)))
        }
    }
}

fn throw_if_asked(ctx: &Ctx<'_>, host: &Host, failure: &Failure) -> Result<()> {
    match host.test() {
        Some(test) if test.options.throw => Err(throw(ctx, &failure.message)),
        _ => Ok(()),
    }
}

/// Sends a request, follows its redirects, and counts all of them.
async fn answer(host: &Host, prepared: Prepared) -> Rc<Answer> {
    let Prepared {
        request,
        redirects_max,
        jar,
        response_type,
        samples: labels,
    } = prepared;
    let live = host
        .live
        .as_ref()
        .expect("a request was prepared, so there is a test");
    if let Some(turn) = live.shard.test.queue_request() {
        tokio::time::sleep_until(turn.into()).await;
    }
    let mut count = |request: &crate::http::Request, exchange: &crate::http::Exchange| {
        samples::record(host, &labels, request, exchange);
    };
    let (request, exchange) = live
        .client
        .send(request, redirects_max, Some(&jar), &mut count)
        .await;
    if let Err(failure) = &exchange.outcome {
        samples::complain(host, &request.method, request.target.url(), failure);
    }
    let url = request.target.shared_url();
    Rc::new(Answer {
        request: Some(request),
        exchange: Some(exchange),
        failure: None,
        url,
        response_type,
    })
}

fn response<'js>(ctx: &Ctx<'js>, host: &Host, answer: Rc<Answer>) -> Result<Value<'js>> {
    if let Some(Err(failure)) = answer.exchange.as_ref().map(|exchange| &exchange.outcome) {
        throw_if_asked(ctx, host, failure)?;
    }
    Response { answer }.into_js(ctx)
}

fn send<'js>(
    ctx: &Ctx<'js>,
    method: Method,
    url: &Value<'js>,
    body: &Value<'js>,
    params: &Value<'js>,
) -> Result<Value<'js>> {
    let host = host(ctx);
    let answer = match prepared(ctx, &host, &method, url, (body, params))? {
        Ok(prepared) => host
            .suspender
            .wait(answer(&host, prepared))
            .map_err(|stop| interrupted(ctx, stop))?,
        Err(answer) => answer,
    };
    response(ctx, &host, answer)
}

fn request<'js>(
    ctx: Ctx<'js>,
    method: String,
    url: Value<'js>,
    rest: Rest<Value<'js>>,
) -> Result<Value<'js>> {
    let (body, params) = body_and_params(&ctx, &rest);
    send(&ctx, method_of(&ctx, &method)?, &url, &body, &params)
}

/// A promise of the response, which goes on while the script does something else.
fn async_request<'js>(
    ctx: Ctx<'js>,
    method: String,
    url: Value<'js>,
    rest: Rest<Value<'js>>,
) -> Result<Promise<'js>> {
    let host = host(&ctx);
    let (body, params) = body_and_params(&ctx, &rest);
    let (promise, resolve, reject) = Promise::new(&ctx)?;
    let prepared = prepared(&ctx, &host, &method_of(&ctx, &method)?, &url, (&body, &params))?;
    let (resolve, reject) = (Persistent::save(&ctx, resolve), Persistent::save(&ctx, reject));
    let of = host.clone();
    let exchange = async move {
        let answer = match prepared {
            Ok(prepared) => answer(&of, prepared).await,
            Err(answer) => answer,
        };
        let complete: Completion = Box::new(move |ctx| match response(ctx, &of, answer) {
            Ok(response) => resolve.restore(ctx)?.call((response,)),
            Err(_) => reject.restore(ctx)?.call((ctx.catch(),)),
        });
        complete
    };
    host.events
        .add(exchange)
        .map_err(|problem| throw(&ctx, &problem))?;
    Ok(promise)
}

/// Requests at the same time, as many as `batch` and `batchPerHost` allow; responses in the order of requests.
fn batch<'js>(ctx: Ctx<'js>, requests: Vec<Vec<Value<'js>>>) -> Result<Vec<Value<'js>>> {
    let host = host(&ctx);
    let options = host
        .live()
        .map_err(|problem| throw(&ctx, &problem))?
        .shard
        .test
        .options
        .clone();
    let mut asked = Vec::with_capacity(requests.len());
    for request in &requests {
        let method: String = request[0].get()?;
        let url = request
            .get(1)
            .cloned()
            .unwrap_or_else(|| Value::new_undefined(ctx.clone()));
        let (body, params) = body_and_params(&ctx, request.get(2..).unwrap_or_default());
        asked.push(prepared(
            &ctx,
            &host,
            &method_of(&ctx, &method)?,
            &url,
            (&body, &params),
        )?);
    }
    let answers = host
        .suspender
        .wait(all(&host, asked, options.batch, options.batch_per_host));
    let answers = answers.map_err(|stop| interrupted(&ctx, stop))?;
    answers
        .into_iter()
        .map(|answer| response(&ctx, &host, answer))
        .collect()
}

async fn all(
    host: &Host,
    asked: Vec<std::result::Result<Prepared, Rc<Answer>>>,
    at_once: usize,
    per_host: usize,
) -> Vec<Rc<Answer>> {
    // 0 stands for as many as there are.
    let limit = |connections: usize| {
        if connections == 0 {
            Semaphore::MAX_PERMITS
        } else {
            connections
        }
    };
    let (at_once, per_host) = (limit(at_once), limit(per_host));
    let hosts: RefCell<HashMap<String, Rc<Semaphore>>> = RefCell::default();
    let one = async |(place, asked): (usize, std::result::Result<Prepared, Rc<Answer>>)| {
        let prepared = match asked {
            Ok(prepared) => prepared,
            Err(answer) => return (place, answer),
        };
        let permits = hosts
            .borrow_mut()
            .entry(prepared.request.target.authority().to_owned())
            .or_insert_with(|| Rc::new(Semaphore::new(per_host)))
            .clone();
        let _permit = permits.acquire().await;
        (place, answer(host, prepared).await)
    };
    let mut answers: Vec<_> = stream::iter(asked.into_iter().enumerate())
        .map(one)
        .buffer_unordered(at_once)
        .collect()
        .await;
    answers.sort_by_key(|(place, _)| *place);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

fn set_response_callback<'js>(ctx: Ctx<'js>, callback: Value<'js>) -> Result<()> {
    let expected = Expected::of(&ctx, &callback)?;
    *host(&ctx).requests.expected.borrow_mut() = expected;
    Ok(())
}
