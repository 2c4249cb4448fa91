//! Answers without a body, and what they say about what is stored (RFC 9111 sections 4.3.4 and 4.3.5).

use std::sync::Arc;

use http::header::AGE;
use http::{HeaderMap, StatusCode};

use super::{Job, Listing, age_given, answered};
use crate::cache::entry::Entry;
use crate::coalesce::Head;
use crate::fetch::{FetchError, Fetched};
use crate::fields;
use crate::policy::storing::{self, Asked, Exchange, NotStored, Storable};
use crate::policy::update;

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
        let tells = matches!(fetched.status.as_u16(), 200 | 404 | 410);
        if let Some(held) = self.held.clone().filter(|_| tells) {
            let same = held.status() == fetched.status.as_u16()
                && update::describes(held.headers(), &fetched.headers);
            if same {
                return self.refreshed(&held, fetched, listing).await;
            }
            self.keeper.proxy.remove(vec![self.keeper.hash]);
        }
        let head = self.head_of(&mut fetched, Err(&NotStored::Head));
        listing.fill.set_head(Head::Response(head), false);
        listing.fill.finish(Ok(()));
        self.keeper.proxy.fetcher.release(fetched).await;
    }

    /// The origin says that what is stored is still good.
    pub(super) async fn refreshed(&self, held: &Arc<Entry>, fetched: Fetched, listing: &Listing<'_>) {
        let status = StatusCode::from_u16(held.status()).unwrap_or(StatusCode::OK);
        let (headers, storable) = self.updated(held, status, &fetched);
        let answered = answered(&fetched, vec![held.body()]);
        // an update that forbids storing is for this client, and leaves the stored response to age
        let own = Storable {
            facts: *held.facts(),
            withheld: Vec::new(),
        };
        let entry = self
            .keeper
            .entry(&answered, status, headers, storable.as_ref().unwrap_or(&own));
        let kept = match (&entry, &storable) {
            (Some(entry), Some(_)) => self.keeper.keep(entry),
            _ => None,
        };
        let head = Head::Entry {
            entry: entry.unwrap_or_else(|| Arc::clone(held)),
            shared: storable.is_some(),
            fwd_status: (fetched.status == StatusCode::NOT_MODIFIED).then_some(304),
            age_given_s: age_given(&fetched),
            origin_took: fetched.took,
        };
        listing.fill.set_head(head, false);
        self.keeper.put_in_ring(kept).await;
        listing.end();
        self.keeper.proxy.fetcher.release(fetched).await;
    }

    /// The stored fields with those of the answer, and whether that may be stored.
    fn updated(&self, held: &Entry, status: StatusCode, fetched: &Fetched) -> (HeaderMap, Option<Storable>) {
        let mut newer = fetched.headers.clone();
        let age = newer.get(AGE).cloned();
        fields::for_client(&mut newer, fetched.status, fetched.received_at);
        let mut headers = held.headers().clone();
        update::merge(&mut headers, &newer);
        headers.extend(age.map(|age| (AGE, age)));
        let exchange = Exchange {
            request: Asked {
                range: status == StatusCode::PARTIAL_CONTENT,
                ..self.asked
            },
            ..self.exchange(fetched, status, &headers)
        };
        let storable = storing::decide(&exchange, &self.keeper.route.route).ok();
        headers.remove(AGE);
        (headers, storable)
    }
}
