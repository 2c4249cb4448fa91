//! What holds for every answer, whatever the case is about.

use super::cache_status::{Member, members};
use super::case::{Kind, Step, Want};
use super::client::{Answer, Protocol};
use super::template::is_imf_fixdate;

/// This cache's name in `Cache-Status`.
const OURS: &str = "Proxima-us-west";
/// Fields that are for one connection only (RFC 9110 section 7.6.1).
const HOP_BY_HOP: [&str; 7] = [
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
];

/// Our member of `Cache-Status`, when it is the only one and the last.
pub(super) fn ours(answer: &Answer) -> Result<Member, String> {
    let text = answer.field("cache-status").ok_or("no Cache-Status")?;
    let mut members = members(&text).map_err(|error| format!("Cache-Status `{text}`: {error}"))?;
    if members.iter().filter(|member| member.cache == OURS).count() != 1 {
        return Err(format!("not one member {OURS} in Cache-Status `{text}`"));
    }
    let last = members.pop().ok_or("an empty Cache-Status")?;
    if last.cache != OURS {
        return Err(format!("{OURS} is not the last member of Cache-Status `{text}`"));
    }
    Ok(last)
}

/// Everything about an answer that can never be right.
pub(super) fn broken(step: &Step, answer: &Answer, mode: char, protocol: Protocol) -> Vec<String> {
    let mut found = Vec::new();
    connection_fields(answer, protocol, &mut found);
    length(step, answer, &mut found);
    let about_date = |want: &Want| matches!(want, Want::Field(name, _) if name.eq_ignore_ascii_case("date"));
    if !step.wants.iter().any(|(_, want)| about_date(want)) {
        let dates: Vec<_> = answer.lines("date").collect();
        if dates.len() != 1 || !is_imf_fixdate(dates[0]) {
            found.push(format!("exactly one Date, as IMF-fixdate; came {dates:?}"));
        }
    }
    match ours(answer) {
        Ok(ours) => {
            outcome(&ours, mode, &mut found);
            age(step, answer, &ours, &mut found);
        }
        Err(problem) => found.push(problem),
    }
    found
}

fn connection_fields(answer: &Answer, protocol: Protocol, found: &mut Vec<String>) {
    for name in HOP_BY_HOP {
        if let Some(value) = answer.field(name) {
            found.push(format!("no hop-by-hop field; came {name}: {value}"));
        }
    }
    for name in ["connection", "transfer-encoding"] {
        let Some(value) = answer.field(name) else { continue };
        let ours = matches!(
            (name, value.as_str()),
            ("connection", "close" | "keep-alive") | ("transfer-encoding", "chunked")
        );
        if protocol == Protocol::H2 || !ours {
            found.push(format!("no hop-by-hop field; came {name}: {value}"));
        }
    }
    if answer
        .fields
        .iter()
        .any(|(name, _)| name.starts_with("proxima-explain"))
    {
        found.push("an explanation that nobody asked for".into());
    }
}

fn length(step: &Step, answer: &Answer, found: &mut Vec<String>) {
    let lengths: Vec<_> = answer.lines("content-length").collect();
    if lengths.len() > 1 {
        found.push(format!("at most one Content-Length; came {lengths:?}"));
    }
    if answer.surplus > 0 {
        found.push(format!("nothing after the answer; came {} bytes", answer.surplus));
    }
    let bodiless = step.method == "HEAD" || matches!(answer.status, 204 | 304);
    if bodiless && !answer.body.is_empty() {
        found.push(format!("no body; came `{}`", answer.text()));
    }
    if answer.status == 204 && !lengths.is_empty() {
        found.push("no Content-Length in a 204 (RFC 9110 section 8.6)".into());
    }
    if step.wants.iter().any(|(_, want)| *want == Want::Incomplete) {
        return;
    }
    if let Some(why) = &answer.broken {
        found.push(format!("a whole body; it broke off: {why}"));
    }
    let announced = lengths.first().and_then(|length| length.parse::<usize>().ok());
    if !bodiless && announced.is_some_and(|length| length != answer.body.len()) {
        found.push(format!("{announced:?} bytes; came {}", answer.body.len()));
    }
}

/// RFC 9211 section 2: a hit is nothing else, and what is forwarded says why.
fn outcome(ours: &Member, mode: char, found: &mut Vec<String>) {
    if ours.has("hit") == ours.has("fwd") {
        found.push(format!("either `hit` or `fwd`; came {ours:?}"));
    }
    let tier = match mode {
        'a' => Some("l1"),
        'b' => Some("l2"),
        _ => None,
    };
    if ours.has("hit") && tier.is_some() && ours.get("detail") != tier {
        found.push(format!("a hit of the tier {tier:?}; came {ours:?}"));
    }
}

/// RFC 9111 section 5.1.
fn age(step: &Step, answer: &Answer, ours: &Member, found: &mut Vec<String>) {
    let ages: Vec<_> = answer.lines("age").collect();
    if ages.len() > 1
        || ages
            .iter()
            .any(|age| age.is_empty() || !age.bytes().all(|b| b.is_ascii_digit()))
    {
        found.push(format!("one Age in whole seconds; came {ages:?}"));
    }
    if ours.has("hit") && ages.is_empty() {
        found.push("Age on what comes from the cache".into());
    }
    let Some(said) = step.origin.last().filter(|_| !step.behind) else {
        return;
    };
    let passed_on = said.kind == Kind::Answer(answer.status) && answer.status != 304 && step.times == 1;
    let given = said
        .fields
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("age"));
    if passed_on && !given && !ages.is_empty() {
        found.push(format!("no Age on what the origin has just said; came {ages:?}"));
    }
}
