//! What is noted of a request once it is answered: one metric sample and one log line.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::access_log::Record;
use crate::answer::Stored;
use crate::clock::UnixMillis;
use crate::proxy::Proxy;
use crate::request::Headers;
use crate::routes::RouteState;
use crate::status::Outcome;

/// How a request was answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answered {
    pub(crate) started: Instant,
    pub(crate) outcome: Outcome,
    pub(crate) status: u16,
    pub(crate) body_bytes: u64,
    pub(crate) age_s: Option<u64>,
    pub(crate) origin_took: Option<Duration>,
    pub(crate) cut_short: bool,
}

impl Answered {
    /// With a stored response, the whole of `body_bytes` sent.
    pub(super) fn of(stored: &Stored, started: Instant, body_bytes: u64) -> Self {
        Self {
            started,
            outcome: stored.status.outcome,
            status: stored.code(),
            body_bytes,
            age_s: stored.age_s,
            origin_took: stored.origin_took,
            cut_short: false,
        }
    }
}

/// Who asked for what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'r> {
    pub(crate) client: Option<SocketAddr>,
    pub(crate) protocol: &'static str,
    pub(crate) method: &'r str,
    pub(crate) host: &'r str,
    pub(crate) target: &'r str,
    pub(crate) headers: Headers<'r>,
}

impl Proxy {
    /// Counts the request, and logs it when anybody reads the log.
    pub(crate) fn note(&self, route: &RouteState, asked: &Asked<'_>, answered: &Answered) {
        let took = answered.started.elapsed();
        route.metrics.answered(answered.outcome, answered.status, took);
        if !self.access_log.is_on() {
            return;
        }
        self.access_log.write(&Record {
            time_ms: UnixMillis::now().0,
            region: &self.config.regions.own().name,
            route: &route.route.name,
            client: asked.client.map(|client| client.ip()),
            protocol: asked.protocol,
            method: asked.method,
            host: asked.host,
            target: asked.target,
            status: answered.status,
            body_bytes: answered.body_bytes,
            duration_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            cache: answered.outcome.as_str(),
            tier: answered.outcome.tier().map(crate::cache::Tier::as_str),
            age_s: answered.age_s,
            origin_ms: answered
                .origin_took
                .map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
            trace_id: traceparent(&asked.headers).and_then(trace_id),
            cut_short: answered.cut_short,
        });
    }
}

fn traceparent<'r>(headers: &Headers<'r>) -> Option<&'r str> {
    let mut found = None;
    headers.for_each(|name, value| {
        if name.eq_ignore_ascii_case("traceparent") {
            found = std::str::from_utf8(value).ok();
        }
    });
    found
}

/// The trace id of a W3C `traceparent`: version, trace id, parent id, flags.
fn trace_id(traceparent: &str) -> Option<&str> {
    let id = traceparent.split('-').nth(1)?;
    (id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::trace_id;

    #[test]
    fn trace_ids_are_32_hexadecimal_digits() {
        let id = "0af7651916cd43dd8448eb211c80319c";
        assert_eq!(trace_id(&format!("00-{id}-b7ad6b7169203331-01")), Some(id));
        assert_eq!(trace_id("00-short-b7ad6b7169203331-01"), None);
        assert_eq!(trace_id(""), None);
    }
}
