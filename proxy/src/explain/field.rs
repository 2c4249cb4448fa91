//! The facts of one answer as the value of `Proxima-Explain`: a dictionary of structured fields (RFC 9651).

use proxima_config::checked::Route;
use sfv::{DictSerializer, Integer, KeyRef, StringRef, TokenRef, key_ref};

use super::reckon::Subject;
use super::report::{Decision, Kind};
use crate::clock::UnixMillis;
use crate::policy::freshness::Freshness;
use crate::policy::storing::NotStored;
use crate::status::{CacheStatus, Outcome};

/// An answer, as far as it has to be explained.
pub(crate) struct Told<'t> {
    pub(crate) key: &'t str,
    pub(crate) route: &'t Route,
    pub(crate) status: CacheStatus,
    pub(crate) what: What<'t>,
}

/// What a request was answered with.
pub(crate) enum What<'t> {
    /// A stored response.
    Stored(Subject<'t>),
    /// An origin's answer, and why it is not stored, unless it is.
    Fetched(Subject<'t>, Option<NotStored>),
    /// `only-if-cached`, and nothing stored answers.
    Refused,
    /// No origin gave an answer.
    Failed,
    /// Sent past the cache.
    Bypassed(&'t Decision),
}

/// The value of the field.
pub(crate) fn value(told: &Told<'_>, now: UnixMillis) -> Option<String> {
    let freshness = |subject: &Subject<'_>| subject.freshness(told.route, now);
    let (kind, rule) = match &told.what {
        What::Stored(subject) => served(&told.status, &freshness(subject), subject, told.route),
        What::Fetched(_, None) => (Kind::Miss, "RFC 9111 section 3"),
        What::Fetched(_, Some(reason)) => (Kind::Miss, reason.explain().1),
        What::Refused => (Kind::Refused, "RFC 9111 section 5.2.1.7"),
        What::Failed => (Kind::Failed, "RFC 9110 section 15.6"),
        What::Bypassed(decision) => (Kind::Bypass, decision.rule.as_str()),
    };
    let mut members = Members(DictSerializer::new());
    members.word(key_ref("decision"), kind.as_str());
    match told.status.outcome {
        Outcome::Hit(tier) => members.word(key_ref("tier"), tier.as_str()),
        forwarded => members.word(key_ref("fwd"), forwarded.as_str()),
    }
    members.text(key_ref("key"), told.key);
    members.word(key_ref("route"), &told.route.name);
    match &told.what {
        What::Stored(subject) => members.freshness(subject, told.route, now),
        What::Fetched(subject, not_stored) => {
            if not_stored.is_none() {
                members.freshness(subject, told.route, now);
            }
            members.flag(key_ref("stored"), not_stored.is_none());
            if let Some(reason) = not_stored {
                members.text(key_ref("because"), reason.explain().0);
            }
        }
        What::Bypassed(decision) => members.text(key_ref("because"), &decision.directive),
        What::Refused | What::Failed => {}
    }
    if told.status.collapsed {
        members.flag(key_ref("collapsed"), true);
    }
    members.text(key_ref("rule"), rule);
    members.0.finish()
}

/// How a stored response came to be the answer, and the rule that allows it.
fn served(
    status: &CacheStatus,
    freshness: &Freshness,
    subject: &Subject<'_>,
    route: &Route,
) -> (Kind, &'static str) {
    match (status.outcome, status.stored, status.fwd_status) {
        (Outcome::Hit(_), ..) if freshness.is_fresh() => (Kind::Hit, subject.deciding(route).rule()),
        (Outcome::Hit(_), ..) if freshness.while_revalidate => (Kind::Stale, "RFC 5861 section 3"),
        (Outcome::Hit(_), ..) => (Kind::Stale, "RFC 9111 section 5.2.1.2"),
        (_, true, Some(_)) => (Kind::Validated, "RFC 9111 section 4.3.4"),
        (_, true, None) => (Kind::Validated, "RFC 9111 section 4.3.5"),
        (_, false, Some(_)) => (Kind::Stale, "RFC 5861 section 4"),
        (_, false, None) => (Kind::Stale, "RFC 9111 section 4.2.4"),
    }
}

/// Members as they are written. What a structured field cannot hold is left out: a gap says less than a field that no parser
/// takes.
struct Members(DictSerializer<String>);

impl Members {
    fn flag(&mut self, name: &KeyRef, value: bool) {
        let _ = self.0.bare_item(name, value);
    }

    fn number(&mut self, name: &KeyRef, value: i64) {
        if let Ok(value) = Integer::try_from(value) {
            let _ = self.0.bare_item(name, value);
        }
    }

    fn text(&mut self, name: &KeyRef, value: &str) {
        if let Ok(value) = StringRef::from_str(value) {
            let _ = self.0.bare_item(name, value);
        }
    }

    /// A token where the text can be one.
    fn word(&mut self, name: &KeyRef, value: &str) {
        match TokenRef::from_str(value) {
            Ok(token) => drop(self.0.bare_item(name, token)),
            Err(_) => self.text(name, value),
        }
    }

    fn freshness(&mut self, subject: &Subject<'_>, route: &Route, now: UnixMillis) {
        let freshness = subject.freshness(route, now);
        let (lifetime, _) = subject.lifetime(route, now);
        let whole = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
        self.number(key_ref("age"), whole(freshness.age.as_secs()));
        self.number(key_ref("lifetime"), whole(lifetime.as_secs()));
        self.number(key_ref("left"), freshness.ttl_s());
        self.word(key_ref("from"), subject.deciding(route).as_str());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Tier;
    use crate::explain::decide::bypassed;
    use crate::policy::freshness::{Facts, Receipt};
    use crate::policy::testing::{headers, route};
    use crate::request::Headers;
    use http::HeaderMap;
    use proptest::prelude::*;
    use proxima_config::checked::Ttl;

    const RECEIVED: UnixMillis = UnixMillis(1_000_000);

    fn subject(headers: &HeaderMap) -> Subject<'_> {
        Subject {
            facts: Facts {
                lifetime_s: Some(60),
                stale_while_revalidate_s: Some(10),
                ..Facts::default()
            },
            receipt: Receipt {
                status: 200,
                received_at: RECEIVED,
            },
            requested_at: RECEIVED,
            headers,
        }
    }

    fn said(status: CacheStatus, what: What<'_>, later_s: u64) -> String {
        let route = route(Ttl::Origin);
        let told = Told {
            key: "https://h/profiles/7",
            route: &route,
            status,
            what,
        };
        value(&told, UnixMillis(RECEIVED.0 + later_s * 1000)).unwrap()
    }

    #[test]
    fn every_kind_of_answer_has_its_line() {
        let fields = headers(&[("cache-control", "max-age=60")]);
        let stored = || What::Stored(subject(&fields));
        let hit = CacheStatus::from(Outcome::Hit(Tier::L1));
        let validated = CacheStatus {
            stored: true,
            fwd_status: Some(304),
            ..Outcome::Stale.into()
        };
        let failing = CacheStatus {
            fwd_status: Some(503),
            ..Outcome::Stale.into()
        };
        let miss = CacheStatus::from(Outcome::UriMiss);
        let kept = CacheStatus {
            collapsed: true,
            ..miss
        };
        let shared = r#"key="https://h/profiles/7", route=test"#;
        for (status, what, later_s, begins, ends) in [
            (
                hit,
                stored(),
                3,
                "decision=hit, tier=l1",
                r#"age=3, lifetime=60, left=57, from=max-age, rule="RFC 9111 section 4.2.1""#,
            ),
            (
                hit,
                stored(),
                65,
                "decision=stale, tier=l1",
                r#"age=65, lifetime=60, left=-5, from=max-age, rule="RFC 5861 section 3""#,
            ),
            (
                hit,
                stored(),
                75,
                "decision=stale, tier=l1",
                r#"age=75, lifetime=60, left=-15, from=max-age, rule="RFC 9111 section 5.2.1.2""#,
            ),
            (
                validated,
                stored(),
                0,
                "decision=validated, fwd=stale",
                r#"age=0, lifetime=60, left=60, from=max-age, rule="RFC 9111 section 4.3.4""#,
            ),
            (
                failing,
                stored(),
                61,
                "decision=stale, fwd=stale",
                r#"age=61, lifetime=60, left=-1, from=max-age, rule="RFC 5861 section 4""#,
            ),
            (
                Outcome::Stale.into(),
                stored(),
                61,
                "decision=stale, fwd=stale",
                r#"age=61, lifetime=60, left=-1, from=max-age, rule="RFC 9111 section 4.2.4""#,
            ),
            (
                kept,
                What::Fetched(subject(&fields), None),
                0,
                "decision=miss, fwd=uri-miss",
                r#"age=0, lifetime=60, left=60, from=max-age, stored, collapsed, rule="RFC 9111 section 3""#,
            ),
            (
                miss,
                What::Fetched(subject(&fields), Some(NotStored::NoStore)),
                0,
                "decision=miss, fwd=uri-miss",
                r#"stored=?0, because="no-store", rule="RFC 9111 section 5.2.2.5""#,
            ),
            (
                miss,
                What::Refused,
                0,
                "decision=refused, fwd=uri-miss",
                r#"rule="RFC 9111 section 5.2.1.7""#,
            ),
            (
                miss,
                What::Failed,
                0,
                "decision=failed, fwd=uri-miss",
                r#"rule="RFC 9110 section 15.6""#,
            ),
        ] {
            assert_eq!(said(status, what, later_s), format!("{begins}, {shared}, {ends}"));
        }
        let condition = headers(&[("if-match", "*")]);
        let decision = bypassed(&route(Ttl::Origin), &Headers::Map(&condition));
        assert_eq!(
            said(Outcome::Bypass.into(), What::Bypassed(&decision), 0),
            format!(
                r#"decision=bypass, fwd=bypass, {shared}, because="If-Match", rule="RFC 9111 section 4.3.2""#
            )
        );
    }

    proptest! {
        #[test]
        fn whatever_the_names_it_parses(key in "\\PC{0,40}", name in "\\PC{0,20}") {
            let route = Route { name, ..route(Ttl::Origin) };
            let fields = HeaderMap::new();
            let told = Told { key: &key, route: &route, status: Outcome::Hit(Tier::L2).into(), what: What::Stored(subject(&fields)) };
            let value = value(&told, RECEIVED).unwrap();
            let parsed: sfv::Dictionary = sfv::Parser::new(&value).parse().unwrap();
            prop_assert!(parsed.contains_key("decision"));
        }
    }
}
