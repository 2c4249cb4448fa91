//! The origin's side: every case that runs has a stage of its own, found by the path that it asks for.

use std::collections::HashMap;

use parking_lot::Mutex;
use proxima_local::{Asked, Say, raw};

use super::case::{Kind, Says};
use super::template::Names;

/// All stages.
#[derive(Default)]
pub(super) struct Stages {
    by_run: Mutex<HashMap<String, Stage>>,
}

struct Stage {
    names: Names,
    step: usize,
    says: Vec<Says>,
    /// Goes on with its last answer.
    repeats: bool,
    asked: Vec<Asked>,
    /// What was given in which step, most recent last.
    bodies: Vec<(usize, String)>,
}

/// What a step looked like from the origin.
pub(super) struct Seen {
    pub(super) asked: Vec<Asked>,
    /// The bodies that were given in this step, in order.
    pub(super) bodies: Vec<String>,
}

impl Stages {
    pub(super) fn open(&self, run: &str, names: &Names) {
        let stage = Stage {
            names: names.clone(),
            step: 0,
            says: Vec::new(),
            repeats: false,
            asked: Vec::new(),
            bodies: Vec::new(),
        };
        self.by_run.lock().insert(run.to_owned(), stage);
    }

    fn with<T>(&self, run: &str, act: impl FnOnce(&mut Stage) -> T) -> Option<T> {
        self.by_run.lock().get_mut(run).map(act)
    }

    pub(super) fn begin(&self, run: &str, step: usize, says: &[Says], repeats: bool) {
        self.with(run, |stage| {
            stage.step = step;
            stage.says = says.to_vec();
            stage.repeats = repeats;
            stage.asked.clear();
        });
    }

    /// How often the origin has been asked in this step.
    pub(super) fn asked(&self, run: &str) -> usize {
        self.with(run, |stage| stage.asked.len()).unwrap_or_default()
    }

    pub(super) fn seen(&self, run: &str) -> Seen {
        let seen = self.with(run, |stage| Seen {
            asked: stage.asked.clone(),
            bodies: stage.given(stage.step).map(str::to_owned).collect(),
        });
        seen.expect("the stage was opened by the one who asks")
    }

    /// The last body that the origin gave in a step.
    pub(super) fn body(&self, run: &str, step: usize) -> Option<String> {
        self.with(run, |stage| stage.given(step).last().map(str::to_owned))
            .flatten()
    }

    /// The only step in which the origin gave a body, if it is only one.
    pub(super) fn only_body(&self, run: &str) -> Option<String> {
        let bodies = self.with(run, |stage| stage.bodies.clone())?;
        match &bodies[..] {
            [(_, body)] => Some(body.clone()),
            _ => None,
        }
    }

    pub(super) fn script(&self, asked: &Asked) -> Say {
        let run = asked.target().split('/').nth(2).unwrap_or_default();
        let run = run.split(['?', ';']).next().unwrap_or_default();
        let say = self.with(run, |stage| stage.script(asked));
        say.unwrap_or_else(|| unforeseen("this path belongs to no case"))
    }
}

impl Stage {
    fn given(&self, step: usize) -> impl Iterator<Item = &str> {
        let given = self.bodies.iter().filter(move |(at, _)| *at == step);
        given.map(|(_, body)| body.as_str())
    }

    fn script(&mut self, asked: &Asked) -> Say {
        let number = self.asked.len();
        self.asked.push(asked.clone());
        let says = match self.says.get(number) {
            Some(says) => says,
            None if self.repeats => self.says.last().expect("only what was said can be said again"),
            None => return unforeseen("the case does not foresee this request"),
        };
        let Kind::Answer(status) = says.kind else {
            return Say::nothing().after(says.after);
        };
        let bodiless = says.without_body || matches!(status, 204 | 304);
        let made_up = || format!("{} step {} answer {}", self.names.path, self.step, number + 1);
        let body = says.body.clone().unwrap_or_else(made_up);
        let body = if bodiless {
            String::new()
        } else {
            self.names.expand(&body)
        };
        let say = write(says, status, &self.names, &body, asked.method() == "HEAD");
        if !bodiless && asked.method() != "HEAD" {
            self.bodies.push((self.step, body));
        }
        say
    }
}

fn unforeseen(why: &str) -> Say {
    proxima_local::answer("599 Unforeseen", &[("cache-control", "no-store")], why)
}

fn write(says: &Says, status: u16, names: &Names, body: &str, head_only: bool) -> Say {
    let fields = |fields: &[(String, String)]| -> String {
        let line = |(name, value): &(String, String)| format!("{name}: {}\r\n", names.expand(value));
        fields.iter().map(line).collect()
    };
    let mut text = String::new();
    for (early, hints) in &says.early {
        text += &format!("HTTP/1.1 {early} Early\r\n{}\r\n", fields(hints));
    }
    text += &format!("HTTP/1.1 {status} Said\r\n{}", fields(&says.fields));
    let named = |wanted: &str| {
        says.fields
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case(wanted))
    };
    if !says.without_date && !named("date") {
        text += &names.expand("date: {now}\r\n");
    }
    let framed = !matches!(status, 204 | 304);
    if says.chunked {
        text += "transfer-encoding: chunked\r\n\r\n";
    } else if framed && !named("content-length") {
        text += &format!("content-length: {}\r\n\r\n", body.len());
    } else {
        text += "\r\n";
    }
    if head_only || !framed {
        return raw(text).after(says.after);
    }
    let cut = says.cut.unwrap_or(body.len()).min(body.len());
    if says.chunked {
        let middle = cut / 2;
        for chunk in [&body[..middle], &body[middle..cut]] {
            if !chunk.is_empty() {
                text += &format!("{:x}\r\n{chunk}\r\n", chunk.len());
            }
        }
        if says.cut.is_none() {
            text += &format!("0\r\n{}\r\n", fields(&says.trailers));
        }
    } else {
        text += &body[..cut];
    }
    let say = raw(text).after(says.after);
    if says.cut.is_some() { say.close() } else { say }
}
