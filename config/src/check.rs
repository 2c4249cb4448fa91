//! Raw → checked: gives every text its meaning and collects every problem on the way.
//!
//! Each check answers `None` when it has reported a problem; a section is put together only after all of
//! its parts have been looked at.

mod cache;
mod region;
mod ring;
mod route;
mod server;
mod upstream;

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Config;
use crate::document::{Document, KeyPath};
use crate::problem::{Place, Problem};
use crate::quantity::{format_duration, format_size, parse_duration, parse_size};
use crate::raw::{DurationText, Raw, SizeText};
use crate::shape::Fault;

/// Looks up an environment variable.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What the checks of all sections share.
pub(crate) struct Checker<'a> {
    document: &'a Document,
    base_dir: &'a Path,
    environment: Environment<'a>,
    /// Keys whose shape is known to be wrong: what follows from that is not told again.
    ill_shaped: Vec<KeyPath>,
    problems: Vec<Problem>,
}

impl<'a> Checker<'a> {
    pub(crate) fn new(document: &'a Document, base_dir: &'a Path, environment: Environment<'a>) -> Self {
        Self {
            document,
            base_dir,
            environment,
            ill_shaped: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// Takes over what the comparison with the schema found.
    pub(crate) fn report_faults(&mut self, faults: Vec<Fault>) {
        for Fault {
            path,
            is_key,
            message,
            remedy,
        } in faults
        {
            let place = if is_key {
                self.document.key_place(&path)
            } else {
                self.document.place(&path)
            };
            self.problems.push(Problem {
                message,
                key: path.to_string(),
                place,
                remedy,
            });
            self.ill_shaped.push(path);
        }
    }

    /// The whole configuration, when nothing is wrong with it.
    pub(crate) fn config(mut self, raw: &Raw) -> Result<Config, Vec<Problem>> {
        let regions = self.regions(raw);
        let server = self.server(&raw.server);
        let admin = raw.admin.as_ref().map(|admin| self.admin(admin));
        let access_log = self.access_log(&raw.access_log);
        let upstream = self.upstream(&raw.upstream);
        let cache = self.cache(&raw.cache);
        let feed = self.feed(&raw.feed);
        let routes = self.routes(&raw.route);
        self.listeners_apart(raw);
        let assemble = || {
            Some(Config {
                regions: regions?,
                server: server?,
                admin: match admin {
                    Some(admin) => Some(admin?),
                    None => None,
                },
                access_log: access_log?,
                upstream: upstream?,
                cache: cache?,
                feed: feed?,
                routes,
            })
        };
        assemble()
            .filter(|_| self.problems.is_empty())
            .ok_or(self.problems)
    }

    /// Notes a problem with a value.
    fn report(&mut self, at: &KeyPath, message: impl Into<String>, remedy: impl Into<String>) {
        if self.ill_shaped.iter().any(|known| known.is_at_or_under(at)) {
            return;
        }
        let place = self.document.place(at);
        self.problems.push(Problem {
            message: message.into(),
            key: at.to_string(),
            place,
            remedy: remedy.into(),
        });
    }

    /// Notes a problem with a table as such, whatever is wrong inside it.
    fn report_here(&mut self, at: &KeyPath, message: &str, remedy: &str) {
        let place = self.document.place(at);
        let problem = Problem {
            message: message.to_owned(),
            key: at.to_string(),
            place,
            remedy: remedy.to_owned(),
        };
        self.problems.push(problem);
    }

    /// All problems so far and one more: the schema lets something pass that serde does not.
    pub(crate) fn unreadable(mut self, error: &serde_json::Error) -> Vec<Problem> {
        let problem = Problem {
            message: format!("cannot be read: {error}"),
            key: String::new(),
            place: Place::Whole,
            remedy: "compare it with `proxima config default`".to_owned(),
        };
        self.problems.push(problem);
        self.problems
    }

    fn duration(
        &mut self,
        at: &KeyPath,
        text: &DurationText,
        bounds: RangeInclusive<Duration>,
    ) -> Option<Duration> {
        let key = at.last_key();
        let (least, most) = (format_duration(*bounds.start()), format_duration(*bounds.end()));
        let duration = match parse_duration(&text.0) {
            Ok(duration) => duration,
            Err(error) => {
                let message = format!("{:?} is not a duration: it {error}", text.0);
                self.report(
                    at,
                    message,
                    format!("write a whole number and a unit, such as `{key} = \"60s\"`"),
                );
                return None;
            }
        };
        if bounds.contains(&duration) {
            return Some(duration);
        }
        let message = format!("{:?} is outside {least} to {most}", text.0);
        self.report(
            at,
            message,
            format!("write a duration from \"{least}\" to \"{most}\""),
        );
        None
    }

    fn size(&mut self, at: &KeyPath, text: &SizeText, bounds: RangeInclusive<u64>) -> Option<u64> {
        let key = at.last_key();
        let (least, most) = (format_size(*bounds.start()), format_size(*bounds.end()));
        let bytes = match parse_size(&text.0) {
            Ok(bytes) => bytes,
            Err(error) => {
                let message = format!("{:?} is not a size: it {error}", text.0);
                self.report(
                    at,
                    message,
                    format!("write a whole number and a unit, such as `{key} = \"64 MiB\"`"),
                );
                return None;
            }
        };
        if bounds.contains(&bytes) {
            return Some(bytes);
        }
        let message = format!("{:?} is outside {least} to {most}", text.0);
        self.report(
            at,
            message,
            format!("write a size from \"{least}\" to \"{most}\""),
        );
        None
    }

    /// A size that is kept in memory as a whole.
    fn memory_size(&mut self, at: &KeyPath, text: &SizeText, bounds: RangeInclusive<u64>) -> Option<usize> {
        self.size(at, text, bounds)
            .and_then(|bytes| usize::try_from(bytes).ok())
    }

    /// A path of the file system: joined to the file's folder, unless a flag gave it.
    fn file(&mut self, at: &KeyPath, text: &str) -> Option<PathBuf> {
        if text.is_empty() || text.contains('\0') {
            self.report(at, "is not a path", "write the path of a file");
            return None;
        }
        let from_flag = self.document.flag_of(at).is_some();
        Some(if from_flag {
            PathBuf::from(text)
        } else {
            self.base_dir.join(text)
        })
    }

    /// A name for logs and labels.
    fn name(&mut self, at: &KeyPath, name: &str) -> Option<String> {
        let valid = (1..=64).contains(&name.len())
            && name.bytes().all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-')
            });
        if valid {
            return Some(name.to_owned());
        }
        self.report(
            at,
            "is not a name",
            "write 1 to 64 characters of a-z, 0-9, _ and -",
        );
        None
    }

    /// A path of a request, without a query.
    fn request_path(&mut self, at: &KeyPath, path: &str) -> Option<String> {
        let key = at.last_key();
        let printable = path
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#'));
        if path.starts_with('/') && printable {
            return Some(path.to_owned());
        }
        self.report(
            at,
            format!("{path:?} is not a path"),
            format!("write it from the root, such as `{key} = \"/{key}\"`"),
        );
        None
    }

    /// Reports every value that came up before.
    fn unique<T: Eq + Hash>(
        &mut self,
        items: impl IntoIterator<Item = (KeyPath, T)>,
        noun: &str,
        remedy: &str,
    ) {
        let mut seen: HashMap<T, KeyPath> = HashMap::new();
        for (at, value) in items {
            match seen.get(&value) {
                Some(earlier) => self.report(&at, format!("the same {noun} as `{earlier}`"), remedy),
                None => {
                    seen.insert(value, at);
                }
            }
        }
    }
}

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
