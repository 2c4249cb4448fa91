//! The client against servers on real sockets that do what a script says.

mod authority;
mod failures;
mod http1;
mod http2;
mod redirects;
mod server;
mod tls;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use rustls::RootCertStore;

use self::authority::Authority;
use self::server::{Server, Step};
use super::{Client, Exchange, Failure, Network, Request, Response, Target, Timings};
use crate::options::{Options, SummaryMode};

/// Longer than any test takes that does not fail.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs a test as a shard runs its VUs.
fn on_a_shard(test: impl Future<Output = ()>) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build().unwrap();
    let test = async { tokio::time::timeout(PATIENCE * 2, test).await.unwrap() };
    tokio::task::LocalSet::new().block_on(&runtime, test);
}

fn options() -> Options {
    Options {
        scenarios: Vec::new(),
        thresholds: Vec::new(),
        apart: Vec::new(),
        hosts: BTreeMap::new(),
        tags: BTreeMap::new(),
        system_tags: Vec::new(),
        insecure_skip_tls_verify: false,
        no_connection_reuse: false,
        no_vu_connection_reuse: false,
        no_cookies_reset: false,
        discard_response_bodies: false,
        max_redirects: 10,
        batch: 20,
        batch_per_host: 6,
        rps: None,
        user_agent: String::new(),
        min_iteration_duration: Duration::ZERO,
        setup_timeout: PATIENCE,
        teardown_timeout: PATIENCE,
        no_setup: false,
        no_teardown: false,
        no_thresholds: false,
        throw: false,
        summary_trend_stats: Vec::new(),
        summary_time_unit: None,
        summary_mode: SummaryMode::Compact,
    }
}

fn client_with(options: &Options) -> Client {
    let trust_nobody = Arc::new(RootCertStore::empty());
    Client::new(Network::with_roots(options, trust_nobody).unwrap())
}

fn client() -> Client {
    client_with(&options())
}

fn request(method: Method, url: &str) -> Request {
    Request {
        method,
        target: Rc::new(Target::parse(url).unwrap()),
        headers: Vec::new(),
        body: Bytes::new(),
        timeout: PATIENCE,
        discard_body: false,
    }
}

fn get(url: &str) -> Request {
    request(Method::GET, url)
}

fn with_header(mut request: Request, name: &'static str, value: &str) -> Request {
    let value = HeaderValue::try_from(value).unwrap();
    request.headers.push((HeaderName::from_static(name), value));
    request
}

fn response(exchange: &Exchange) -> &Response {
    exchange.outcome.as_ref().unwrap()
}

fn body(exchange: &Exchange) -> &str {
    std::str::from_utf8(&response(exchange).body).unwrap()
}

fn failure(exchange: &Exchange) -> &Failure {
    exchange.outcome.as_ref().unwrap_err()
}
