//! The answer to a POST that is the resource itself: stored for the GETs that follow (RFC 9110 section 9.3.3).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_LOCATION;
use http::{HeaderMap, StatusCode};
use tokio::task::JoinHandle;

use crate::clock::UnixMillis;
use crate::coalesce::{Fill, Head, Joined, UnderWay};
use crate::fields;
use crate::keep::{Answered, Keeper, Kept};
use crate::key::{self, Scheme};
use crate::policy::age::Timing;
use crate::policy::storing::{self, Asked, Exchange, Storable};
use crate::proxy::{Invalidated, Proxy, ended};
use crate::reference;
use crate::request::{Headers, Signals};
use crate::routes::RouteState;

/// A POST and the head of its answer.
pub(crate) struct Post<'p> {
    pub(crate) proxy: &'p Arc<Proxy>,
    pub(crate) route: &'p Arc<RouteState>,
    pub(crate) scheme: Scheme,
    pub(crate) host: &'p str,
    /// Normalised path, and query.
    pub(crate) target: &'p str,
    pub(crate) request: &'p HeaderMap,
    pub(crate) status: StatusCode,
    pub(crate) response: &'p HeaderMap,
    pub(crate) timing: Timing,
}

/// The answer to a POST on its way into the cache.
pub(crate) struct Posted {
    keeper: Keeper,
    storable: Storable,
    status: StatusCode,
    headers: HeaderMap,
    counts_from: UnixMillis,
    /// What was stored before goes first.
    deleted: Option<JoinHandle<()>>,
    received_at: UnixMillis,
    body: Vec<Bytes>,
    room_bytes: u64,
    under_way: UnderWay,
}

impl Posted {
    /// `None` when the answer is not the resource, or may not be stored.
    pub(crate) fn begin(post: &Post<'_>, invalidated: Invalidated) -> Option<Self> {
        let route = &post.route.route;
        let own = reference::same_host_target(
            post.response.get(CONTENT_LOCATION)?,
            post.scheme,
            post.host,
            post.target,
        )?;
        let (key, primary) = key_of(post, post.target)?;
        // of a redirect or an error the field says something else (RFC 9110 section 8.7)
        let is_resource = post.status == StatusCode::OK && key_of(post, &own)?.0 == key;
        if !route.cache || !is_resource {
            return None;
        }
        let signals = Signals::of(&Headers::Map(post.request), route.client_cache_control);
        let exchange = Exchange {
            request: Asked {
                post: true,
                ..Asked::of(&signals)
            },
            status: post.status,
            response: post.response,
            timing: post.timing,
        };
        let storable = storing::decide(&exchange, route).ok()?;
        let mut headers = post.response.clone();
        fields::for_client(&mut headers, post.status, post.timing.received_at);
        let path = key::parse_target(post.target).ok()?.path.into_owned();
        Some(Self {
            keeper: Keeper {
                proxy: Arc::clone(post.proxy),
                route: Arc::clone(post.route),
                key,
                primary,
                hash: primary,
                route_tags: post.route.tags(&path),
                client_headers: post.request.clone(),
                held_part: None,
                marker: None,
            },
            storable,
            status: post.status,
            headers,
            counts_from: invalidated.counts_from?,
            deleted: invalidated.deleted,
            received_at: post.timing.received_at,
            body: Vec::new(),
            room_bytes: post.proxy.config.cache.max_body_bytes,
            under_way: post.proxy.under_way.enter(),
        })
    }

    /// Takes in a piece of the body; `None` when it grows too large.
    pub(crate) fn with(mut self, piece: &Bytes) -> Option<Self> {
        self.room_bytes = self.room_bytes.checked_sub(piece.len() as u64)?;
        self.body.push(piece.clone());
        Some(self)
    }

    /// Stores the answer, now that its body has ended.
    pub(crate) fn store(self) {
        let expected = fields::content_length(&self.headers);
        let answered = Answered {
            requested_at: self.counts_from,
            received_at: self.received_at,
            status: self.status,
            headers: &self.headers,
            body: self.body,
        };
        let Some(kept) = self.keeper.store(answered, expected, &self.storable) else {
            return;
        };
        let listed = listed(&self.keeper, &kept);
        tokio::spawn(async move {
            let _under_way = self.under_way;
            ended(self.deleted).await;
            self.keeper.put_in_ring(Some(kept), None).await;
            if let Some(fill) = listed {
                self.keeper.proxy.fills.remove(self.keeper.primary, &fill);
            }
        });
    }
}

/// Until the ring has it, whoever asks finds the answer where they would find a fill, unless somebody fills already.
fn listed(keeper: &Keeper, kept: &Kept) -> Option<Arc<Fill>> {
    let [(_, entry)] = &kept.places[..] else {
        return None; // which variant it is for takes a look at who asks
    };
    match keeper.proxy.fills.join(keeper.primary, |_| true, || None) {
        Joined::Leader(fill, _) => {
            let head = Head::Entry {
                entry: Arc::clone(entry),
                shared: true,
                fwd_status: None,
                age_given_s: None,
                origin_took: Duration::ZERO,
                from_ring: false,
            };
            fill.set_head(head, false);
            Some(fill)
        }
        Joined::Waiter(_) | Joined::Ended(_) => None,
    }
}

fn key_of(post: &Post<'_>, target: &str) -> Option<(String, key::KeyHash)> {
    let target = key::parse_target(target).ok()?;
    let hosts = &post.proxy.config.upstream.host;
    let mut key = String::new();
    let query = &post.route.route.query;
    let hash = key::write_key(&mut key, post.scheme, post.host, hosts, &target, query);
    Some((key, hash))
}
