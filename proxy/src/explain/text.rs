//! The explanation for people: the decision first, then what it rests on.

use std::fmt::Write as _;

use super::decide::seconds;
use super::report::{
    AskedFor, CountsFrom, Decision, FeedState, Holding, Kind, OriginAnswer, Reckoning, Report, RouteRules,
    Selecting, StoredResponse, TierState, Validity, Window, WindowFrom,
};

/// Width of the column of names.
const NAMES: usize = 11;

/// Renders a report, one fact a line, each ended by a line feed.
pub(crate) fn render(report: &Report) -> String {
    let mut page = Page(String::new());
    let _ = writeln!(page.0, "{} {}\n", report.method, report.url);
    page.decision(&report.decision);
    page.line("key", &report.key);
    let place = match &report.ring_node {
        Some(node) => format!("{} on ring node {node}", report.memcached_key),
        None => format!("{} in memcached", report.memcached_key),
    };
    page.line("", &place);
    page.route(&report.route);
    page.line("request", &request(&report.request));
    page.line("feed", &feed(&report.feed));
    let mut told = None;
    for tier in &report.tiers {
        page.gap();
        let same = tier.stored.as_ref().filter(|stored| is_same(told, stored));
        match same {
            Some(_) => page.line(&tier.tier, "the same response"),
            None => page.tier(tier),
        }
        told = tier.stored.as_ref().or(told);
    }
    if let Some(origin) = &report.origin {
        page.gap();
        page.origin(origin);
    }
    page.0
}

/// Whether a response has been told already.
fn is_same(told: Option<&StoredResponse>, stored: &StoredResponse) -> bool {
    let marks = |of: &StoredResponse| (of.received_at_ms, of.status, of.body_bytes);
    told.is_some_and(|told| marks(told) == marks(stored) && told.fields == stored.fields)
}

struct Page(String);

impl Page {
    fn gap(&mut self) {
        self.0.push('\n');
    }

    fn line(&mut self, name: &str, text: &str) {
        let _ = writeln!(self.0, "{name:NAMES$}{text}");
    }

    fn decision(&mut self, decision: &Decision) {
        let mut what = words(decision.decision).to_owned();
        if let Some(tier) = &decision.tier {
            let _ = write!(what, " from {tier}");
        }
        if let Some(fwd) = decision
            .fwd
            .as_ref()
            .filter(|_| decision.decision != Kind::Bypass)
        {
            let _ = write!(what, " (fwd={fwd})");
        }
        if let Some(status) = decision.status {
            let _ = write!(what, ", status {status}");
        }
        self.line("decision", &what);
        self.line("because", &decision.because);
        self.line("decided by", &decision.directive);
        self.line("rule", &decision.rule);
        for condition in &decision.conditions {
            self.line("", &format!("the origin is sent {condition}"));
        }
        self.gap();
    }

    fn route(&mut self, route: &RouteRules) {
        self.line("route", &format!("{}, {}", route.name, route.path));
        let time = |name: &str, ms: Option<u64>| ms.map(|ms| format!("{name} {}", span(ms)));
        let settings = [
            (!route.cache).then(|| "cache false".to_owned()),
            Some(time("ttl", route.ttl_ms).unwrap_or_else(|| "ttl as the origin says".to_owned())),
            time("negative_ttl", route.negative_ttl_ms),
            time("stale_while_revalidate", route.stale_while_revalidate_ms),
            time("stale_if_error", route.stale_if_error_ms),
            time("stale_if_unreachable", Some(route.stale_if_unreachable_ms)),
            (!route.heuristic_freshness).then(|| "heuristic_freshness false".to_owned()),
            (route.set_cookie != "explicit").then(|| format!("set_cookie {}", route.set_cookie)),
            (route.query != "all").then(|| format!("query {}", route.query)),
        ];
        let settings: Vec<String> = settings.into_iter().flatten().collect();
        self.line("", &settings.join(", "));
        if !route.tags.is_empty() {
            self.line("", &format!("tags {}", route.tags.join(", ")));
        }
    }

    fn tier(&mut self, tier: &TierState) {
        let state = match (&tier.stored, tier.state) {
            (Some(stored), _) => format!("{}, {} bytes", stored.status, stored.body_bytes),
            (None, Holding::OtherVariants) => "other variants only".to_owned(),
            (None, Holding::Off) => "not configured".to_owned(),
            (None, Holding::Failed) => tier.error.clone().unwrap_or_default(),
            (None, Holding::Nothing | Holding::Stored) => "nothing".to_owned(),
        };
        self.line(&tier.tier, &state);
        if tier.stored.is_none() && !tier.variants_by.is_empty() {
            self.line("", &format!("this request is {}", variant(&tier.variants_by)));
        }
        if let Some(stored) = &tier.stored {
            self.stored(stored);
        }
    }

    fn stored(&mut self, stored: &StoredResponse) {
        self.fields(&stored.fields);
        if !stored.vary.is_empty() {
            self.line("", &format!("variant {}", variant(&stored.vary)));
        }
        if stored.partial {
            self.line("", "a part, which does not hold what was asked for");
        }
        self.line("", &validity(&stored.validity));
        self.sum(&stored.freshness);
    }

    fn fields(&mut self, fields: &[(String, String)]) {
        for (name, value) in fields {
            self.line("", &format!("{name}: {value}"));
        }
    }

    fn sum(&mut self, sum: &Reckoning) {
        let age = format!(
            "age {} = received {} ago + {} old by then",
            span(sum.age_ms),
            span(sum.resident_ms),
            span(sum.initial_age_ms)
        );
        self.line("", &age);
        let lifetime = format!(
            "lifetime {} from {} ({})",
            span(sum.lifetime_ms),
            sum.lifetime_name,
            sum.rule
        );
        self.line("", &lifetime);
        let used = match sum.counts_from {
            CountsFrom::Receipt => "since it was received",
            CountsFrom::Origin => "of age",
        };
        let left = format!(
            "left {} = {} - {} {used}: {}",
            seconds(sum.left_ms),
            span(sum.lifetime_ms),
            span(sum.used_ms),
            if sum.fresh { "fresh" } else { "stale" }
        );
        if sum.lifetime_from == "no-cache" {
            self.line("", "left 0 s: no-cache, whatever its lifetime");
        } else {
            self.line("", &left);
        }
        if !sum.may_be_stale {
            self.line(
                "",
                "never served stale: the origin forbids it (RFC 9111 section 4.2.4)",
            );
            return;
        }
        for set in sum.windows.iter().filter(|window| window.window_ms > 0) {
            self.line("", &window(set, sum.fresh));
        }
    }

    fn origin(&mut self, origin: &OriginAnswer) {
        if let Some(error) = &origin.error {
            return self.line("origin", &format!("asked just now: {error}"));
        }
        let (name, status) = (origin.origin.as_deref().unwrap_or_default(), origin.status);
        let answered = format!(
            "{name} was asked just now and said {} in {} ms; nothing of it was stored",
            status.unwrap_or_default(),
            origin.took_ms
        );
        self.line("origin", &answered);
        self.fields(&origin.fields);
        let (verdict, why) = (
            if origin.stored {
                "it would be stored"
            } else {
                "it would not be stored"
            },
            &origin.because,
        );
        self.line("", &format!("{verdict}: {why} ({})", origin.rule));
        if let Some(sum) = &origin.freshness {
            self.sum(sum);
        }
    }
}

fn words(kind: Kind) -> &'static str {
    match kind {
        Kind::Hit => "hit",
        Kind::Stale => "stale, and served",
        Kind::Validate => "validate with the origin",
        Kind::Validated => "validated",
        Kind::Miss => "miss: fetch from the origin",
        Kind::Bypass => "bypass: to the origin, past the cache",
        Kind::Refused => "refused",
        Kind::Failed => "failed",
    }
}

fn request(asked: &AskedFor) -> String {
    let mut parts = asked.directives.clone();
    if !parts.is_empty() && !asked.obeyed {
        parts.push("which the route ignores (client_cache_control)".to_owned());
    }
    let flags = [
        (asked.authorization, "Authorization"),
        (asked.conditional, "a precondition"),
        (asked.range, "a range"),
    ];
    parts.extend(
        flags
            .iter()
            .filter(|(set, _)| *set)
            .map(|(_, name)| (*name).to_owned()),
    );
    parts.extend(
        asked
            .min_position
            .iter()
            .map(|position| format!("has seen position {position}")),
    );
    if parts.is_empty() {
        return "asks nothing of the cache".to_owned();
    }
    parts.join(", ")
}

fn feed(feed: &FeedState) -> String {
    let Some(limit) = feed.max_silence_ms else {
        return "none: only writes through this proxy invalidate".to_owned();
    };
    let state = if feed.current {
        "current"
    } else {
        "silent, so nothing counts as fresh"
    };
    match feed.silent_ms {
        Some(silent) => format!("{state}: heard {} ago, limit {}", span(silent), span(limit)),
        None => format!("{state}: not heard yet"),
    }
}

fn variant(selecting: &[Selecting]) -> String {
    let one = |by: &Selecting| match &by.value {
        Some(value) => format!("{}: {value}", by.name),
        None => format!("{} absent", by.name),
    };
    selecting.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn validity(validity: &Validity) -> String {
    let at = match (&validity.position, &validity.floor) {
        (Some(position), Some(floor)) => format!("position {position}, floor {floor}"),
        (Some(position), None) => format!("position {position}, no floor"),
        (None, Some(floor)) => format!("no position, floor {floor}"),
        (None, None) => "no position, no floor".to_owned(),
    };
    if validity.behind_client {
        return format!("{at}: behind what the client has seen");
    }
    if validity.admitted {
        return format!("{at}: not known to have changed");
    }
    if validity.barred_by.is_empty() {
        return format!("{at}: too old to be believed");
    }
    format!("{at}: changed since, by {}", validity.barred_by.join(", "))
}

fn window(window: &Window, fresh: bool) -> String {
    let by = match window.from {
        WindowFrom::Route => "route",
        WindowFrom::Origin => "origin",
        WindowFrom::Nothing => "nobody",
    };
    let state = match (fresh, window.open) {
        (true, _) => "once its lifetime is over".to_owned(),
        (false, true) => format!("{} left", span(window.left_ms)),
        (false, false) => "over".to_owned(),
    };
    format!("{} {} by the {by}: {state}", window.name, span(window.window_ms))
}

fn span(ms: u64) -> String {
    seconds(i64::try_from(ms).unwrap_or(i64::MAX))
}
