//! What a request's exchange adds to the metrics.

use super::prepare::Labels;
use crate::http::{Exchange, Failure, Request};
use crate::js::circumstances::RequestTags;
use crate::js::host::Host;
use crate::log::Level;
use crate::metrics::builtin;

/// The code that stands for an outcome in tags and responses; 0 if all is well.
pub(super) fn error_code(exchange: &Exchange) -> u16 {
    match &exchange.outcome {
        Ok(response) if response.status >= 400 => 1000 + response.status,
        Ok(_) => 0,
        Err(failure) => failure.code,
    }
}

/// Counts one exchange, and says so if it failed.
pub(super) fn record(host: &Host, labels: &Labels, request: &Request, exchange: &Exchange) {
    let Some(live) = &host.live else { return };
    let response = exchange.outcome.as_ref().ok();
    let expected = labels
        .expected
        .judge(response.map_or(0, |response| response.status));
    let tags = host.circumstances.borrow_mut().request(&RequestTags {
        method: request.method.clone(),
        url: labels.name.as_ref().unwrap_or(request.target.clean_url()).clone(),
        named: labels.name.is_some(),
        status: response.map_or(0, |response| response.status),
        proto: response.map_or("", |response| response.proto.as_str()),
        error_code: error_code(exchange),
        error: exchange
            .outcome
            .as_ref()
            .err()
            .map(|failure| failure.message.as_str().into()),
        tls_version: exchange.tls.map_or("", |tls| tls.version),
        expected,
        own: labels.own.clone(),
    });
    let (sent, received) = host.data.get();
    host.data
        .set((sent + exchange.bytes_sent, received + exchange.bytes_received));
    let timings = &exchange.timings;
    let elapsed = timings.blocked + timings.duration();
    let now = exchange.started_unix_ns + u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
    let mut aggregate = live.shard.aggregate.lock();
    aggregate.record(builtin::HTTP_REQS, 1.0, now, &tags);
    for (metric, duration) in [
        (builtin::HTTP_REQ_DURATION, timings.duration()),
        (builtin::HTTP_REQ_BLOCKED, timings.blocked),
        (builtin::HTTP_REQ_CONNECTING, timings.connecting),
        (builtin::HTTP_REQ_TLS_HANDSHAKING, timings.tls_handshaking),
        (builtin::HTTP_REQ_SENDING, timings.sending),
        (builtin::HTTP_REQ_WAITING, timings.waiting),
        (builtin::HTTP_REQ_RECEIVING, timings.receiving),
    ] {
        aggregate.record(metric, duration.as_secs_f64() * 1e3, now, &tags);
    }
    if let Some(expected) = expected {
        aggregate.record(
            builtin::HTTP_REQ_FAILED,
            f64::from(u8::from(!expected)),
            now,
            &tags,
        );
    }
}

/// Says that a request has no response.
pub(super) fn complain(host: &Host, method: &http::Method, url: &str, failure: &Failure) {
    host.script.log.line(
        Level::Warning,
        &format!(
            "request failed: {method} {url}: {} ({})",
            failure.message, failure.code
        ),
    );
}
