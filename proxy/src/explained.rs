//! `Proxima-Explain`: how one answer was decided, for a client that asks where `[server] explain_header` allows it.

use http::{HeaderMap, HeaderValue};

use crate::answer::{Answer, Stored};
use crate::cache::entry::Entry;
use crate::clock::UnixMillis;
use crate::coalesce::ResponseHead;
use crate::explain::decide::bypassed;
use crate::explain::field::{Told, What, value};
use crate::explain::reckon::Subject;
use crate::fields;
use crate::key::{self, Scheme};
use crate::policy::freshness::Receipt;
use crate::proxy::Proxy;
use crate::read::Read;
use crate::request::{Headers, Signals};
use crate::routes::RouteState;
use crate::status::{CacheStatus, Outcome};

impl Proxy {
    /// The field for an answer; `None` unless it was asked for and is allowed.
    pub(crate) fn explained(&self, read: &Read<'_>, answer: &Answer) -> Option<HeaderValue> {
        if !self.explains(&read.signals) {
            return None;
        }
        match answer {
            Answer::Stored(stored) => self.explained_stored(read, stored),
            Answer::Stream { head, status, .. } => {
                let subject = of_head(head);
                tell(read, *status, What::Fetched(subject, head.not_stored))
            }
            Answer::Problem { status, .. } if read.signals.only_if_cached => {
                tell(read, *status, What::Refused)
            }
            Answer::Problem { status, .. } => tell(read, *status, What::Failed),
        }
    }

    /// [`Self::explained`] for a stored response.
    pub(crate) fn explained_stored(&self, read: &Read<'_>, stored: &Stored) -> Option<HeaderValue> {
        let wanted = self.explains(&read.signals);
        wanted
            .then(|| tell(read, stored.status, What::Stored(of_entry(&stored.entry))))
            .flatten()
    }

    /// The field for the answer to a GET or HEAD that went past the cache.
    pub(crate) fn explained_bypass(
        &self,
        route: &RouteState,
        (scheme, host, target): (Scheme, &str, &str),
        client: &HeaderMap,
    ) -> Option<HeaderValue> {
        if !self.config.server.explain_header || !client.contains_key(fields::name::EXPLAIN) {
            return None;
        }
        let headers = Headers::Map(client);
        let signals = Signals::of(&headers, route.route.client_cache_control);
        if !self.explains(&signals) {
            return None;
        }
        let decision = bypassed(&route.route, &headers);
        let (mut key, target) = (String::new(), key::parse_target(target).ok()?);
        let hosts = &self.config.upstream.host;
        key::write_key(&mut key, scheme, host, hosts, &target, &route.route.query);
        let told = Told {
            key: &key,
            route: &route.route,
            status: Outcome::Bypass.into(),
            what: What::Bypassed(&decision),
        };
        field(&told)
    }

    fn explains(&self, signals: &Signals) -> bool {
        signals.explain && self.config.server.explain_header
    }
}

fn tell(read: &Read<'_>, status: CacheStatus, what: What<'_>) -> Option<HeaderValue> {
    field(&Told {
        key: read.key,
        route: &read.route.route,
        status,
        what,
    })
}

fn field(told: &Told<'_>) -> Option<HeaderValue> {
    HeaderValue::try_from(value(told, UnixMillis::now())?).ok()
}

/// A stored response as the arithmetic sees it.
pub(crate) fn of_entry(entry: &Entry) -> Subject<'_> {
    Subject {
        facts: entry.facts(),
        receipt: entry.receipt(),
        requested_at: entry.requested_at(),
        headers: entry.headers(),
    }
}

fn of_head(head: &ResponseHead) -> Subject<'_> {
    Subject {
        facts: head.stored.unwrap_or_default(),
        receipt: Receipt {
            status: head.status.as_u16(),
            received_at: head.received_at,
        },
        requested_at: head.requested_at,
        headers: &head.headers,
    }
}
