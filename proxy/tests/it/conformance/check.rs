//! Whether a step came out as its case says.

use std::collections::HashSet;

use proxima_local::Asked;

use super::cache_status::Member;
use super::case::{Kind, Step, Want};
use super::client::{Answer, Protocol};
use super::invariants;
use super::multipart::parts;
use super::stage::{Seen, Stages};
use super::template::Names;

/// A step that has been run.
pub(super) struct Ran<'r> {
    pub(super) step: &'r Step,
    pub(super) answers: &'r [Answer],
    pub(super) seen: &'r Seen,
    pub(super) stages: &'r Stages,
    pub(super) run: &'r str,
    pub(super) names: &'r Names,
    pub(super) mode: char,
    pub(super) protocol: Protocol,
    /// Seconds that it has waited for more than the case says.
    pub(super) late_s: i64,
}

impl Ran<'_> {
    /// Everything that is not as it should be, with the line that says so.
    pub(super) fn check(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        let mut note =
            |line: usize, problem: Result<(), String>| found.extend(problem.err().map(|p| (line, p)));
        note(self.step.line, self.asked_as_foreseen());
        for answer in self.answers {
            note(self.step.line, self.status(answer));
            note(self.step.line, self.body(answer));
            for (line, want) in &self.step.wants {
                note(*line, self.want(want, answer));
            }
            for problem in invariants::broken(self.step, answer, self.mode, self.protocol) {
                note(self.step.line, Err(problem));
            }
        }
        let mut said = HashSet::new();
        found.retain(|problem| said.insert(problem.clone()));
        found
    }

    fn wants(&self, which: impl Fn(&Want) -> bool) -> bool {
        self.step.wants.iter().any(|(_, want)| which(want))
    }

    fn asked_as_foreseen(&self) -> Result<(), String> {
        let asked = self.seen.asked.len();
        let foreseen = self.step.origin.len();
        let wrong = if self.wants(|want| matches!(want, Want::AskedTimes(_))) {
            false
        } else if self.step.drops() || self.step.times > 1 && foreseen > 0 {
            asked == 0
        } else {
            asked != foreseen
        };
        let heads: Vec<_> = self.seen.asked.iter().map(Asked::what).collect();
        ok(!wrong, || {
            format!("the origin is asked {foreseen} times; it was asked {asked} times {heads:?}")
        })
    }

    fn status(&self, answer: &Answer) -> Result<(), String> {
        if self.wants(|want| matches!(want, Want::Status(_))) {
            return Ok(());
        }
        let expected = self.step.status_expected();
        ok(expected.is_none_or(|expected| expected == answer.status), || {
            format!("status {}; came {}", expected.unwrap_or_default(), answer.status)
        })
    }

    /// What the body must be when the case says nothing about it.
    fn body(&self, answer: &Answer) -> Result<(), String> {
        let told = |want: &Want| {
            matches!(
                want,
                Want::Body(_) | Want::From(_) | Want::Incomplete | Want::Part(..) | Want::Status(_)
            )
        };
        if self.step.method == "HEAD" || self.wants(told) {
            return Ok(());
        }
        if self.step.times > 1 {
            return ok(
                self.seen.bodies.is_empty() || self.seen.bodies.contains(&answer.text()),
                || format!("a body of {:?}; came `{}`", self.seen.bodies, answer.text()),
            );
        }
        let said = self.step.origin.last().filter(|_| !self.step.behind);
        let expected = match said.map(|said| &said.kind) {
            Some(Kind::Answer(status)) if *status != 304 => self.seen.bodies.last().cloned(),
            Some(_) => None,
            None => self.stages.only_body(self.run),
        };
        expected.map_or(Ok(()), |expected| self.same_body(&expected, answer))
    }

    fn same_body(&self, expected: &str, answer: &Answer) -> Result<(), String> {
        ok(expected.as_bytes() == answer.body, || {
            format!(
                "body `{expected}`; came {} `{}`",
                answer.status,
                short(&answer.text())
            )
        })
    }

    fn want(&self, want: &Want, answer: &Answer) -> Result<(), String> {
        match want {
            Want::Status(wanted) => ok(wanted.contains(&answer.status), || {
                format!(
                    "status {wanted:?}; came {} `{}`",
                    answer.status,
                    short(&answer.text())
                )
            }),
            Want::Body(body) => self.same_body(&self.names.expand(body), answer),
            Want::From(step) => match self.stages.body(self.run, *step) {
                Some(body) => self.same_body(&body, answer),
                None => Err(format!("the body of step {step}; the origin gave none")),
            },
            Want::Incomplete => ok(answer.broken.is_some(), || {
                "a body that breaks off; it came whole".into()
            }),
            Want::Field(..) | Want::FieldHas(..) | Want::FieldPresent(_) | Want::NoField(_) => {
                self.field(want, answer)
            }
            Want::Age(low, high) => {
                let age = answer.field("age").and_then(|age| age.parse().ok());
                between("Age", age, *low, high + self.late_s)
            }
            Want::NoAge => absent("age", answer.field("age")),
            Want::Interim(status) => ok(answer.interim.iter().any(|(found, _)| found == status), || {
                format!("a {status} first; came {:?}", answer.interim)
            }),
            Want::NoInterim => ok(answer.interim.is_empty(), || {
                format!("no 1xx; came {:?}", answer.interim)
            }),
            Want::InterimField(name, value) => {
                let fields = answer.interim.iter().flat_map(|(_, fields)| fields);
                let value = self.names.expand(value);
                ok(
                    fields
                        .into_iter()
                        .any(|(n, v)| n.eq_ignore_ascii_case(name) && *v == value),
                    || format!("{name}: {value} in a 1xx; came {:?}", answer.interim),
                )
            }
            Want::Trailer(name, value) => {
                ok(answer.trailers.contains(&(name.clone(), value.clone())), || {
                    format!("trailer {name}: {value}; came {:?}", answer.trailers)
                })
            }
            Want::Part(range, bytes) => self.part(answer, range, bytes),
            Want::Parts(count) => {
                let parts = parts(answer)?;
                ok(parts.len() == *count, || format!("{count} parts; came {parts:?}"))
            }
            Want::AllDiffer => self.all_differ(),
            Want::Collapsed => self.collapsed(),
            Want::Ttl(..) | Want::Hit | Want::Fwd(_) | Want::FwdStatus(_) | Want::Stored(_) => {
                // that there is none is said by the invariants
                invariants::ours(answer).map_or(Ok(()), |ours| outcome(want, &ours, self.late_s))
            }
            _ => self.origin_saw(want),
        }
    }

    fn field(&self, want: &Want, answer: &Answer) -> Result<(), String> {
        match want {
            Want::Field(name, value) => {
                let (found, value) = (answer.field(name), self.names.expand(value));
                ok(found.as_deref() == Some(value.as_str()), || {
                    format!("{name}: {value}; came {found:?}")
                })
            }
            Want::FieldHas(name, part) => {
                let (found, part) = (answer.field(name), self.names.expand(part));
                ok(
                    found.as_deref().is_some_and(|found| found.contains(&part)),
                    || format!("`{part}` in {name}; came {found:?}"),
                )
            }
            Want::FieldPresent(name) => ok(answer.field(name).is_some(), || format!("a field {name}")),
            Want::NoField(name) => absent(name, answer.field(name)),
            _ => Ok(()),
        }
    }

    /// As the origin saw the last request of the step.
    fn origin_saw(&self, want: &Want) -> Result<(), String> {
        if let Want::AskedTimes(times) = want {
            let asked = self.seen.asked.len();
            return ok(asked == *times, || {
                format!("the origin is asked {times} times; it was asked {asked} times")
            });
        }
        let Some(asked) = self.seen.asked.last() else {
            return Err("the origin is asked; it was not".into());
        };
        let lines = |name: &str| -> Option<String> {
            let lines: Vec<_> = asked.lines(name).collect();
            (!lines.is_empty()).then(|| lines.join(", "))
        };
        match want {
            Want::Asked(name, value) => {
                let (found, value) = (lines(name), self.names.expand(value));
                ok(found.as_deref() == Some(value.as_str()), || {
                    format!("the origin is sent {name}: {value}; it was sent {found:?}")
                })
            }
            Want::AskedHas(name, part) => {
                let (found, part) = (lines(name), self.names.expand(part));
                ok(
                    found.as_deref().is_some_and(|found| found.contains(&part)),
                    || format!("the origin is sent `{part}` in {name}; it was sent {found:?}"),
                )
            }
            Want::NotAsked(name) => absent(&format!("{name} to the origin"), lines(name)),
            Want::AskedMethod(method) => ok(asked.method() == method, || {
                format!("the origin sees {method}; it saw {}", asked.method())
            }),
            Want::AskedTarget(target) => {
                let target = self.names.expand(target);
                ok(asked.target() == target, || {
                    format!("the origin sees {target}; it saw {}", asked.target())
                })
            }
            Want::AskedBody(body) => {
                let found = String::from_utf8_lossy(&asked.body);
                ok(found == *body, || {
                    format!("the origin is sent the body `{body}`; it was sent `{found}`")
                })
            }
            _ => Ok(()),
        }
    }

    fn part(&self, answer: &Answer, range: &str, bytes: &str) -> Result<(), String> {
        let parts = parts(answer)?;
        let bytes = self.names.expand(bytes);
        ok(parts.iter().any(|(r, b)| r == range && *b == bytes), || {
            format!("a part {range} `{bytes}`; came {parts:?}")
        })
    }

    /// Of those who asked at once, somebody shared what another had asked for.
    fn collapsed(&self) -> Result<(), String> {
        let all: Vec<_> = self
            .answers
            .iter()
            .map(|answer| answer.field("cache-status"))
            .collect();
        let shared = self
            .answers
            .iter()
            .filter_map(|answer| invariants::ours(answer).ok());
        ok(shared.into_iter().any(|ours| ours.has("collapsed")), || {
            format!("`collapsed` in some Cache-Status; came {all:?}")
        })
    }

    fn all_differ(&self) -> Result<(), String> {
        let mut bodies: Vec<_> = self.answers.iter().map(Answer::text).collect();
        bodies.sort();
        bodies.dedup();
        ok(bodies.len() == self.answers.len(), || {
            format!("answers that all differ; came {bodies:?}")
        })
    }
}

/// What our member of `Cache-Status` says.
fn outcome(want: &Want, ours: &Member, late_s: i64) -> Result<(), String> {
    let (fine, expected) = match want {
        Want::Hit => (ours.has("hit"), "`hit`".to_owned()),
        Want::Fwd(why) => (ours.get("fwd") == Some(why), format!("`fwd={why}`")),
        Want::FwdStatus(status) => (
            ours.number("fwd-status") == Some(i64::from(*status)),
            format!("`fwd-status={status}`"),
        ),
        Want::Stored(stored) => (
            ours.has("stored") == *stored,
            if *stored { "`stored`" } else { "no `stored`" }.to_owned(),
        ),
        Want::Ttl(low, high) => return between("ttl", ours.number("ttl"), low - late_s, *high),
        _ => return Ok(()),
    };
    ok(fine, || {
        format!("{expected} in Cache-Status; came {:?}", ours.parameters)
    })
}

fn ok(fine: bool, problem: impl FnOnce() -> String) -> Result<(), String> {
    if fine { Ok(()) } else { Err(problem()) }
}

fn absent(what: &str, found: Option<String>) -> Result<(), String> {
    found.map_or(Ok(()), |value| Err(format!("no {what}; came `{value}`")))
}

fn between(what: &str, found: Option<i64>, low: i64, high: i64) -> Result<(), String> {
    ok(found.is_some_and(|found| (low..=high).contains(&found)), || {
        format!("{what} of {low} to {high}; came {found:?}")
    })
}

fn short(text: &str) -> String {
    text.chars().take(80).collect()
}
