//! Answers without a body, and what they say about what is stored (RFC 9111 sections 4.3.4 and 4.3.5).

use std::sync::Arc;

use http::header::DATE;
use http::{HeaderMap, StatusCode};

use super::{Job, Listing, age_given, answered};
use crate::cache::entry::Entry;
use crate::coalesce::Head;
use crate::fetch::{FetchError, Fetched};
use crate::fields;
use crate::policy::storing::{self, Asked, Exchange, NotStored, Storable};
use crate::policy::update;
use crate::proxy::ended;

impl Job {
    /// A 304 to a request without conditions.
    pub(super) async fn uncalled_for(&self, fetched: Fetched, listing: &Listing<'_>) {
        let error = FetchError::Failed {
            origin: fetched.origin().to_owned(),
            why: "it answered 304 to a request without conditions".into(),
        };
        listing.end();
        listing.fill.set_head(Head::Failed(error), false);
        self.keeper.proxy.fetcher.release(fetched).await;
    }

    /// RFC 9111 section 4.3.5: what a HEAD's answer says about the stored response to a GET.
    pub(super) async fn take_head(&self, mut fetched: Fetched, listing: &Listing<'_>) {
        // a status that tells of the resource itself, and not of this one attempt to reach it
        let (status, tells) = (
            fetched.status.as_u16(),
            matches!(fetched.status.as_u16(), 200 | 404 | 410),
        );
        let mut superseded = None;
        if let Some(held) = self.held.clone().filter(|_| tells) {
            let both_are_200 = status == 200 && held.status() == 200;
            if both_are_200 && update::describes(held.headers(), &fetched.headers) {
                return self.refreshed(&held, fetched, listing).await;
            }
            if both_are_200 || held.status() != status {
                superseded = self.keeper.proxy.remove(vec![self.keeper.hash]);
            }
        }
        let head = self.head_of(&mut fetched, Err(&NotStored::Head));
        listing.fill.set_head(Head::Response(head), false);
        listing.fill.finish(Ok(()));
        self.keeper.proxy.fetcher.release(fetched).await;
        ended(superseded).await;
    }

    /// The origin says that what is stored is still good.
    pub(super) async fn refreshed(&self, held: &Arc<Entry>, fetched: Fetched, listing: &Listing<'_>) {
        let status = StatusCode::from_u16(held.status()).unwrap_or(StatusCode::OK);
        let (headers, storable) = self.updated(held, status, &fetched);
        let answered = answered(&fetched, vec![held.body()]);
        // an update that forbids storing is for this client, and leaves the stored response to age; so are fields that others
        // may not have
        let own = Storable {
            facts: held.facts(),
            withheld: Vec::new(),
        };
        let stored = storable
            .as_ref()
            .and_then(|storable| self.keeper.entry(&answered, status, headers.clone(), storable));
        let for_all = storable
            .as_ref()
            .is_some_and(|storable| storable.withheld.is_empty());
        let given = if for_all {
            stored.clone()
        } else {
            self.keeper.entry(&answered, status, headers, &own)
        };
        let kept = stored.and_then(|entry| self.keeper.keep(&entry));
        let head = Head::Entry {
            entry: given.unwrap_or_else(|| Arc::clone(held)),
            shared: for_all,
            fwd_status: (fetched.status == StatusCode::NOT_MODIFIED).then_some(304),
            age_given_s: age_given(&fetched),
            origin_took: fetched.took,
            from_ring: false,
        };
        listing.fill.set_head(head, false);
        listing.put_in_ring(kept).await;
        listing.end();
        self.keeper.proxy.fetcher.release(fetched).await;
    }

    /// The stored fields with those of the answer, and whether that may be stored.
    fn updated(&self, held: &Entry, status: StatusCode, fetched: &Fetched) -> (HeaderMap, Option<Storable>) {
        let mut newer = fetched.headers.clone();
        fields::for_client(&mut newer, fetched.status, fetched.received_at);
        let mut headers = held.headers().clone();
        update::merge(&mut headers, &newer);
        // judged with the fields of this hop, whose directives count though they go no further
        let mut judged = headers.clone();
        update::merge(&mut judged, &fetched.headers);
        if let Some(date) = newer.get(DATE) {
            judged.insert(DATE, date.clone());
        }
        let exchange = Exchange {
            request: Asked {
                range: status == StatusCode::PARTIAL_CONTENT,
                ..self.asked
            },
            ..self.exchange(fetched, status, &judged)
        };
        let storable = storing::decide(&exchange, &self.keeper.route.route).ok();
        (headers, storable)
    }
}
