//! Which fact decided. What is decided is decided on the road of a read and comes in from there; here it is put into words.

use proxima_config::checked::{ClientCacheControl, Route};

use super::reckon::Deciding;
use super::report::{AskedFor, Decision, Kind};
use crate::cache::Tier;
use crate::policy::freshness::Freshness;
use crate::policy::request::{RequestControl, is_pragma_no_cache};
use crate::request::{Headers, Signals};
use crate::status::Outcome;

/// The cache directives of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Demands {
    control: RequestControl,
    /// `Pragma: no-cache`, where there is no `Cache-Control` (RFC 9111 section 5.4).
    pragma: bool,
    ignored: bool,
}

impl Demands {
    pub(crate) fn of(headers: &Headers<'_>, obey: ClientCacheControl) -> Self {
        let mut demands = Self {
            ignored: obey == ClientCacheControl::Ignore,
            ..Self::default()
        };
        let mut has_control = false;
        headers.for_each(|name, value| {
            if name.eq_ignore_ascii_case("cache-control") {
                has_control = true;
                demands.control.add(value);
            } else if name.eq_ignore_ascii_case("pragma") {
                demands.pragma |= is_pragma_no_cache(value);
            }
        });
        demands.pragma &= !has_control;
        demands
    }

    /// As data.
    pub(crate) fn report(&self, signals: &Signals) -> AskedFor {
        let control = &self.control;
        let seconds = |name: &str, seconds: Option<u32>| match seconds {
            Some(u32::MAX) => Some(name.to_owned()),
            seconds => seconds.map(|seconds| format!("{name}={seconds}")),
        };
        let flag = |name: &str, set: bool| set.then(|| name.to_owned());
        let directives = [
            flag("no-store", control.no_store),
            flag("no-cache", control.no_cache),
            flag("only-if-cached", control.only_if_cached),
            seconds("max-age", control.max_age),
            seconds("min-fresh", control.min_fresh),
            seconds("max-stale", control.max_stale),
            flag("Pragma: no-cache", self.pragma),
        ];
        AskedFor {
            directives: directives.into_iter().flatten().collect(),
            obeyed: !self.ignored,
            authorization: signals.authorization,
            conditional: signals.conditional,
            range: signals.range,
            min_position: signals.min_position.map(|position| position.to_string()),
        }
    }

    /// The directive that what is fresh does not satisfy, and its rule.
    fn unmet(&self, freshness: &Freshness) -> (&'static str, &'static str) {
        let control = &self.control;
        let too_old = control
            .max_age
            .is_some_and(|max_age| max_age == 0 || freshness.age.as_secs() > u64::from(max_age));
        if control.no_cache {
            ("no-cache in the request", "RFC 9111 section 5.2.1.4")
        } else if self.pragma {
            ("Pragma: no-cache in the request", "RFC 9111 section 5.4")
        } else if too_old {
            ("max-age in the request", "RFC 9111 section 5.2.1.1")
        } else {
            ("min-fresh in the request", "RFC 9111 section 5.2.1.3")
        }
    }
}

/// A stored response and how it stands to the request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    pub(crate) tier: Tier,
    pub(crate) freshness: Freshness,
    pub(crate) deciding: Deciding,
    pub(crate) admitted: bool,
    pub(crate) current: bool,
    pub(crate) covers: bool,
    pub(crate) behind_client: bool,
    /// The road of a read answers with it, or answers with it while it is refreshed.
    pub(crate) serves: bool,
    pub(crate) serves_while_revalidating: bool,
    /// Status of that answer.
    pub(crate) status: u16,
}

/// What the road of a read has found out about a request.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) found: Option<Standing>,
    /// Why an origin would be asked.
    pub(crate) why: Outcome,
    pub(crate) demands: Demands,
    pub(crate) only_if_cached: bool,
    /// What an origin would be sent.
    pub(crate) conditions: Vec<String>,
}

/// What decided, why, and by which rule.
struct Reason {
    directive: String,
    because: String,
    rule: String,
}

impl Reason {
    fn new(directive: impl Into<String>, because: impl Into<String>, rule: impl Into<String>) -> Self {
        Self {
            directive: directive.into(),
            because: because.into(),
            rule: rule.into(),
        }
    }

    fn decision(self, decision: Kind) -> Decision {
        Decision {
            decision,
            tier: None,
            fwd: None,
            status: None,
            directive: self.directive,
            because: self.because,
            rule: self.rule,
            conditions: Vec::new(),
        }
    }
}

/// What would happen to the request now.
pub(crate) fn decide(case: &Case) -> Decision {
    if let Some(found) = &case.found
        && (found.serves || found.serves_while_revalidating)
    {
        let (kind, reason) = served(found);
        return Decision {
            tier: Some(found.tier.as_str().to_owned()),
            status: Some(found.status),
            ..reason.decision(kind)
        };
    }
    let reason = match &case.found {
        Some(found) => unfit(found, &case.demands),
        None => missing(case.why),
    };
    let fwd = Some(case.why.as_str().to_owned());
    if case.only_if_cached {
        let because = format!(
            "{}, and the request takes nothing but what is stored",
            reason.because
        );
        return Decision {
            fwd,
            status: Some(504),
            ..Reason::new(
                "only-if-cached in the request",
                because,
                "RFC 9111 section 5.2.1.7",
            )
            .decision(Kind::Refused)
        };
    }
    let kind = if case.conditions.is_empty() {
        Kind::Miss
    } else {
        Kind::Validate
    };
    Decision {
        fwd,
        conditions: case.conditions.clone(),
        ..reason.decision(kind)
    }
}

fn served(found: &Standing) -> (Kind, Reason) {
    let left_ms = found.freshness.left_ms;
    if found.freshness.is_fresh() {
        let because = format!("it is fresh for another {}", seconds(left_ms));
        return (
            Kind::Hit,
            Reason::new(found.deciding.name(), because, found.deciding.rule()),
        );
    }
    let stale = format!("it has been stale for {}", seconds(-left_ms));
    if found.serves {
        let because = format!("{stale}, which the request takes");
        let reason = Reason::new("max-stale in the request", because, "RFC 9111 section 5.2.1.2");
        return (Kind::Stale, reason);
    }
    let because = format!("{stale}, and may be served while it is refreshed");
    let reason = Reason::new("stale-while-revalidate", because, "RFC 5861 section 3");
    (Kind::Stale, reason)
}

/// Why what is stored does not answer.
fn unfit(found: &Standing, demands: &Demands) -> Reason {
    if !found.covers {
        let because = "only a part is stored, and not the part that was asked for";
        return Reason::new("Content-Range", because, "RFC 9111 section 3.3");
    }
    if found.behind_client {
        let because = "the client has seen newer data than what is stored reflects";
        return Reason::new(
            "Proxima-Min-Position in the request",
            because,
            "RFC 9111 section 4",
        );
    }
    if !found.admitted {
        let because = "it is below a floor: what it is made of has changed since";
        return Reason::new("invalidation", because, "RFC 9111 section 4.4");
    }
    if !found.current {
        let because = "the change feed has been silent for too long, so nothing stored counts as fresh";
        return Reason::new("feed.max_silence", because, "configuration: feed.max_silence");
    }
    if found.freshness.is_fresh() {
        let (directive, rule) = demands.unmet(&found.freshness);
        return Reason::new(directive, "it is fresh, and the request asks for more", rule);
    }
    let (deciding, left_ms) = (found.deciding, found.freshness.left_ms);
    let because = match deciding {
        Deciding::NoCache => "the origin wants a word before each use".to_owned(),
        Deciding::Nothing => "it has no lifetime".to_owned(),
        Deciding::HeuristicOff => "it has no lifetime of its own".to_owned(),
        _ => format!("it has been stale for {}", seconds(-left_ms)),
    };
    Reason::new(deciding.name(), because, deciding.rule())
}

fn missing(why: Outcome) -> Reason {
    if why == Outcome::VaryMiss {
        let because = "what is stored is for other values of the fields that Vary names";
        return Reason::new("Vary", because, "RFC 9111 section 4.1");
    }
    Reason::new(
        "nothing stored",
        "nothing is stored under the key",
        "RFC 9111 section 4",
    )
}

/// Why a request goes past the cache.
pub(crate) fn bypassed(route: &Route, headers: &Headers<'_>) -> Decision {
    let has = |name: &str| headers.combined(name).is_some();
    let conditional = "a precondition that only the origin may judge";
    let reason = if !route.cache {
        let because = format!("route `{}` has cache = false", route.name);
        Reason::new("cache of the route", because, "configuration: cache of the route")
    } else if has("if-match") {
        Reason::new("If-Match", conditional, "RFC 9111 section 4.3.2")
    } else if has("if-unmodified-since") {
        Reason::new("If-Unmodified-Since", conditional, "RFC 9111 section 4.3.2")
    } else if has("proxima-min-position") {
        let because = "its value is not a position: the origin says what is wrong with it";
        Reason::new(
            "Proxima-Min-Position",
            because,
            "a position is `<timeline>:<offset>`",
        )
    } else {
        let because = "it names fields that the origin is not sent, so they cannot select a variant";
        Reason::new("Connection", because, "RFC 9110 section 7.6.1")
    };
    Decision {
        fwd: Some(Outcome::Bypass.as_str().to_owned()),
        ..reason.decision(Kind::Bypass)
    }
}

/// Milliseconds as seconds, exactly: `3.712 s`, `60 s`.
pub(crate) fn seconds(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    let (whole, rest) = (ms.unsigned_abs() / 1000, ms.unsigned_abs() % 1000);
    if rest == 0 {
        return format!("{sign}{whole} s");
    }
    let text = format!("{sign}{whole}.{rest:03}");
    format!("{} s", text.trim_end_matches('0'))
}

#[cfg(test)]
mod tests;
