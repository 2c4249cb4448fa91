//! `POST /explain`: looks at everything that decides about a request and leaves it as it is.

use std::sync::Arc;

use http::header::{IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE};

use crate::answer::Stored;
use crate::cache::Tier;
use crate::cache::ring::node_key_text;
use crate::clock::UnixMillis;
use crate::explain::decide::{Case, Demands, Standing, bypassed, decide};
use crate::explain::describe::{lines, millis, rules, stored_under, telling, text};
use crate::explain::inquiry::{Inquiry, Question};
use crate::explain::reckon::Subject;
use crate::explain::report::{
    Decision, FeedState, Holding, OriginAnswer, Report, Selecting, StoredResponse, TierState, Validity,
};
use crate::explained::of_entry;
use crate::fill::{Errand, Job, Trial};
use crate::floors::TagHash;
use crate::key::{self, KeyHash};
use crate::lookup::{Found, Peeked};
use crate::policy::freshness::Receipt;
use crate::problem::Problem;
use crate::proxy::Proxy;
use crate::read::{Plan, Read};
use crate::request::{Headers, Protocol, Request, Signals};
use crate::routes::RouteState;

/// The parts of a report that do not depend on what is stored.
struct Setting<'s> {
    inquiry: &'s Inquiry,
    key: &'s str,
    hash: KeyHash,
    route: &'s RouteState,
    path: &'s str,
    headers: Headers<'s>,
    signals: &'s Signals,
}

impl Proxy {
    /// Explains what would be done with a request now.
    ///
    /// # Errors
    /// A [`Problem`] that says what to ask instead.
    pub(crate) async fn explain(self: &Arc<Self>, inquiry: &Inquiry) -> Result<Report, Problem> {
        let question = inquiry
            .question()
            .map_err(|error| Problem::bad_request(error.to_string()))?;
        let request = Request {
            protocol: Protocol::Http11,
            method: question.method,
            scheme: question.scheme,
            host: &question.host,
            target: &question.target,
            headers: Headers::Map(&question.headers),
            client: None,
        };
        let mut key = String::new();
        match self.plan(request, &mut key) {
            Plan::Refuse(problem) => Err(problem),
            Plan::Read(read) => Ok(self.explain_read(inquiry, &read).await),
            Plan::Forward => self.explain_bypass(inquiry, &question),
        }
    }

    async fn explain_read(self: &Arc<Self>, inquiry: &Inquiry, read: &Read<'_>) -> Report {
        let peeked = self.peek(read).await;
        let looked = &peeked.looked;
        let errand = match read.errand(looked) {
            Errand::Head if looked.found.is_none() => Errand::Whole,
            errand => errand,
        };
        let job = Job::new(self, read, looked, errand, false);
        let found = looked.found.as_ref();
        let case = Case {
            found: found.map(|found| standing(read, found)),
            why: found.map_or(looked.miss, Found::why_forward),
            demands: Demands::of(&read.request.headers, read.route.route.client_cache_control),
            only_if_cached: read.signals.only_if_cached,
            conditions: conditions(&job),
        };
        let asks = found.is_none() && !inquiry.stored_only && !read.signals.only_if_cached;
        let origin = if asks {
            Some(origin_answer(job.try_out().await, read))
        } else {
            None
        };
        let setting = Setting {
            inquiry,
            key: read.key,
            hash: looked.hash,
            route: read.route,
            path: &read.target.path,
            headers: read.request.headers,
            signals: &read.signals,
        };
        Report {
            tiers: self.tiers(read, &peeked),
            origin,
            ..self.report(&setting, decide(&case))
        }
    }

    fn explain_bypass(&self, inquiry: &Inquiry, question: &Question) -> Result<Report, Problem> {
        let target =
            key::parse_target(&question.target).map_err(|error| Problem::bad_request(error.to_string()))?;
        let route = self.routes.find(&target.path);
        let mut key = String::new();
        let hash = key::write_key(
            &mut key,
            question.scheme,
            &question.host,
            &self.config.upstream.host,
            &target,
            &route.route.query,
        );
        let headers = Headers::Map(&question.headers);
        let setting = Setting {
            inquiry,
            key: &key,
            hash,
            route,
            path: &target.path,
            headers,
            signals: &Signals::of(&headers, route.route.client_cache_control),
        };
        Ok(self.report(&setting, bypassed(&route.route, &headers)))
    }

    fn report(&self, setting: &Setting<'_>, decision: Decision) -> Report {
        let route = &setting.route.route;
        let ring = self.ring.load();
        Report {
            method: setting.inquiry.method.clone(),
            url: setting.inquiry.url.clone(),
            proxy: self.cache_name.clone(),
            key: setting.key.to_owned(),
            memcached_key: node_key_text(setting.hash),
            ring_node: ring
                .as_ref()
                .and_then(|ring| ring.node_of(setting.hash).map(str::to_owned)),
            decision,
            request: Demands::of(&setting.headers, route.client_cache_control).report(setting.signals),
            route: rules(route, setting.route.tags(setting.path)),
            feed: self.feed_state(),
            tiers: Vec::new(),
            origin: None,
        }
    }

    fn feed_state(&self) -> FeedState {
        let silence = self.coherence.silence();
        FeedState {
            current: self.coherence.is_current(),
            max_silence_ms: silence.map(|(_, limit)| millis(limit)),
            silent_ms: silence.and_then(|(silent, _)| silent).map(millis),
        }
    }

    fn tiers(&self, read: &Read<'_>, peeked: &Peeked) -> Vec<TierState> {
        let variants_by: Vec<Selecting> = peeked
            .looked
            .marker
            .iter()
            .flat_map(|marker| marker.vary().map(|(name, _)| name.to_owned()).collect::<Vec<_>>())
            .map(|name| Selecting {
                value: read.request.headers.selecting(&name).map(|value| text(&value)),
                name,
            })
            .collect();
        let state =
            |tier: Tier, off: bool, found: Option<&Found>, marked: bool, error: Option<&String>| TierState {
                tier: tier.as_str().to_owned(),
                state: match (found, error) {
                    (Some(_), _) => Holding::Stored,
                    _ if off => Holding::Off,
                    (None, Some(_)) => Holding::Failed,
                    (None, None) if marked => Holding::OtherVariants,
                    (None, None) => Holding::Nothing,
                },
                error: error.cloned(),
                variants_by: if marked { variants_by.clone() } else { Vec::new() },
                stored: found.map(|found| self.stored(read, found)),
            };
        let cache = &self.config.cache;
        vec![
            state(
                Tier::L1,
                cache.l1.capacity_bytes == 0,
                peeked.l1.as_ref(),
                peeked.l1_marked,
                None,
            ),
            state(
                Tier::L2,
                cache.ring.is_none(),
                peeked.l2.as_ref(),
                peeked.l2_marked,
                peeked.l2_error.as_ref(),
            ),
        ]
    }

    fn stored(&self, read: &Read<'_>, found: &Found) -> StoredResponse {
        let entry = &found.entry;
        let selecting = |(name, value): (&str, Option<&[u8]>)| Selecting {
            name: name.to_owned(),
            value: value.map(text),
        };
        StoredResponse {
            status: entry.status(),
            body_bytes: entry.body().len() as u64,
            received_at_ms: entry.receipt().received_at.0,
            fields: telling(entry.headers()),
            vary: entry.vary().map(selecting).collect(),
            partial: !found.covers,
            validity: self.validity(found),
            freshness: of_entry(entry).reckon(&read.route.route, UnixMillis::now()),
        }
    }

    fn validity(&self, found: &Found) -> Validity {
        let entry = &found.entry;
        let bars = |tags: Option<TagHash>| {
            !self
                .coherence
                .admits_data(tags.into_iter(), entry.position(), entry.requested_at())
        };
        let url = std::str::from_utf8(entry.key()).unwrap_or_default();
        let everything = bars(None).then(|| "*".to_owned());
        let named = entry.tags().map(|tag| (TagHash::of_tag(tag), tag));
        let named = named.chain([(TagHash::of_url(url), url)]);
        let barred_by = match everything {
            Some(all) => vec![all],
            None => named
                .filter(|(hash, _)| bars(Some(*hash)))
                .map(|(_, tag)| tag.to_owned())
                .collect(),
        };
        let floor = self.coherence.min_position(entry.floor_tags());
        Validity {
            admitted: found.admitted,
            position: entry.position().map(|position| position.to_string()),
            floor: floor.map(|floor| floor.to_string()),
            barred_by,
            behind_client: found.behind_client,
        }
    }
}

fn standing(read: &Read<'_>, found: &Found) -> Standing {
    Standing {
        tier: found.tier,
        freshness: found.freshness,
        deciding: of_entry(&found.entry).deciding(&read.route.route),
        admitted: found.admitted,
        current: found.current,
        covers: found.covers,
        behind_client: found.behind_client,
        serves: found.serves(read),
        serves_while_revalidating: found.serves_while_revalidating(read) && read.is_shareable(),
        status: Stored::new(read, found).code(),
    }
}

/// What an origin would be asked beside the response itself.
fn conditions(job: &Job) -> Vec<String> {
    let Ok(request) = job.request() else {
        return Vec::new();
    };
    let names = [IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_RANGE, RANGE];
    lines(&request.headers, names.iter().map(http::HeaderName::as_str))
        .into_iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect()
}

fn origin_answer(trial: Result<Trial, crate::fetch::FetchError>, read: &Read<'_>) -> OriginAnswer {
    let route = &read.route.route;
    let trial = match trial {
        Ok(trial) => trial,
        Err(error) => {
            let because = if error.is_overload() {
                "no origin was asked"
            } else {
                "no origin answered"
            };
            return OriginAnswer {
                origin: None,
                error: Some(error.to_string()),
                status: None,
                took_ms: 0,
                fields: Vec::new(),
                stored: false,
                because: because.to_owned(),
                rule: "RFC 9110 section 15.6".to_owned(),
                freshness: None,
            };
        }
    };
    let freshness = trial.verdict.as_ref().ok().map(|storable| {
        let subject = Subject {
            facts: storable.facts,
            receipt: Receipt {
                status: trial.status.as_u16(),
                received_at: trial.timing.received_at,
            },
            requested_at: trial.timing.requested_at,
            headers: &trial.headers,
        };
        subject.reckon(route, trial.timing.received_at)
    });
    let (because, rule) = match &trial.verdict {
        Ok(_) => (stored_under(&trial.headers), "RFC 9111 section 3"),
        Err(reason) => (reason.explain().0.to_owned(), reason.explain().1),
    };
    OriginAnswer {
        origin: Some(trial.origin),
        error: None,
        status: Some(trial.status.as_u16()),
        took_ms: millis(trial.took),
        fields: telling(&trial.headers),
        stored: trial.verdict.is_ok(),
        because,
        rule: rule.to_owned(),
        freshness,
    }
}
