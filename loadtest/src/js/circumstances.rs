//! Under which tags a virtual user's samples go, made once for all samples that have the same.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use crate::metrics::{Registry, TagSet, Tags};

/// Sets of tags of one kind that a virtual user keeps before it forgets them all: a script that makes up URLs must not eat
/// the memory.
const KEPT_MAX: usize = 256;

/// What tells one request's samples from another's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct RequestTags {
    pub(super) method: http::Method,
    /// Or the name that the script gave instead.
    pub(super) url: Rc<str>,
    /// It is a name, and the `name` among the virtual user's tags does not count.
    pub(super) named: bool,
    /// 0 for none.
    pub(super) status: u16,
    pub(super) proto: &'static str,
    /// 0 for none.
    pub(super) error_code: u16,
    pub(super) error: Option<Rc<str>>,
    pub(super) tls_version: &'static str,
    pub(super) expected: Option<bool>,
    /// The request's own.
    pub(super) own: Rc<[(Arc<str>, Arc<str>)]>,
}

/// The tags of one virtual user.
pub(super) struct Circumstances {
    registry: Arc<Registry>,
    system: Arc<[String]>,
    /// Of the test and the scenario.
    base: Vec<(Arc<str>, Arc<str>)>,
    /// `exec.vu.metrics.tags`
    own: BTreeMap<Arc<str>, Arc<str>>,
    groups: Vec<Arc<str>>,
    /// Of the innermost group.
    here: Kept,
    /// Of the others.
    elsewhere: HashMap<Arc<str>, Kept>,
}

/// Sets of tags that were made in one group.
#[derive(Default)]
struct Kept {
    plain: Option<Tags>,
    requests: HashMap<RequestTags, Tags>,
    /// The last of them: most requests are like the one before.
    last: Option<(RequestTags, Tags)>,
    checks: HashMap<Box<str>, Tags>,
}

impl Circumstances {
    /// Of a virtual user that has no scenario yet. `system` says which of k6's own tags are wanted.
    #[must_use]
    pub(super) fn new(registry: Arc<Registry>, system: Arc<[String]>) -> Self {
        Self {
            registry,
            system,
            base: Vec::new(),
            own: BTreeMap::new(),
            groups: Vec::new(),
            here: Kept::default(),
            elsewhere: HashMap::new(),
        }
    }

    /// Begins an iteration of a scenario: `base` are the test's tags and the scenario's.
    pub(super) fn enter(&mut self, scenario: Option<&str>, base: impl Iterator<Item = (Arc<str>, Arc<str>)>) {
        self.base = base.collect();
        if let Some(scenario) = scenario.filter(|_| self.wants("scenario")) {
            self.base.push(("scenario".into(), scenario.into()));
        }
        self.groups.clear();
        self.forget();
    }

    /// The path of the innermost group; empty outside groups.
    pub(super) fn group(&self) -> Arc<str> {
        self.groups.last().cloned().unwrap_or_default()
    }

    /// Whether it is a group that this virtual user was never in.
    pub(super) fn enter_group(&mut self, name: &str) -> bool {
        let around = self.group();
        let path: Arc<str> = format!("{around}{}{name}", crate::metrics::SEPARATOR).into();
        let known = self.elsewhere.remove(&path);
        let new = known.is_none();
        self.go(around, known);
        self.groups.push(path);
        new
    }

    pub(super) fn leave_group(&mut self) {
        if let Some(path) = self.groups.pop() {
            let known = self.elsewhere.remove(&self.group());
            self.go(path, known);
        }
    }

    /// Leaves all groups: an exception may have gone past their ends.
    pub(super) fn leave_all_groups(&mut self) {
        while !self.groups.is_empty() {
            self.leave_group();
        }
    }

    /// Leaves `from`, for a group whose sets of tags are `known`.
    fn go(&mut self, from: Arc<str>, known: Option<Kept>) {
        let left = std::mem::replace(&mut self.here, known.unwrap_or_default());
        make_room(&mut self.elsewhere);
        self.elsewhere.insert(from, left);
    }

    pub(super) fn set_own(&mut self, name: &str, value: Option<&str>) {
        match value {
            Some(value) => self.own.insert(name.into(), value.into()),
            None => self.own.remove(name),
        };
        self.forget();
    }

    pub(super) fn own(&self) -> impl Iterator<Item = (&str, &str)> {
        self.own.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Tags of samples that are not about a request.
    pub(super) fn plain(&mut self) -> Tags {
        if let Some(plain) = &self.here.plain {
            return plain.clone();
        }
        let plain = TagSet::new(self.pairs().collect(), &self.registry);
        self.here.plain = Some(plain.clone());
        plain
    }

    /// The same, with `extra`.
    pub(super) fn with(&mut self, extra: &[(Arc<str>, Arc<str>)]) -> Tags {
        if extra.is_empty() {
            return self.plain();
        }
        TagSet::new(
            self.pairs().chain(extra.iter().cloned()).collect(),
            &self.registry,
        )
    }

    /// Tags of a check's samples.
    pub(super) fn check(&mut self, name: &str, extra: &[(Arc<str>, Arc<str>)]) -> Tags {
        if let Some(known) = self.here.checks.get(name).filter(|_| extra.is_empty()) {
            return known.clone();
        }
        let check = self.wants("check").then(|| ("check".into(), name.into()));
        let tags = TagSet::new(
            self.pairs().chain(check).chain(extra.iter().cloned()).collect(),
            &self.registry,
        );
        if extra.is_empty() {
            make_room(&mut self.here.checks);
            self.here.checks.insert(name.into(), tags.clone());
        }
        tags
    }

    /// Tags of a request's samples.
    pub(super) fn request(&mut self, request: &RequestTags) -> Tags {
        if let Some((_, known)) = self.here.last.as_ref().filter(|(last, _)| last == request) {
            return known.clone();
        }
        let tags = self.known_or_new(request);
        self.here.last = Some((request.clone(), tags.clone()));
        tags
    }

    fn known_or_new(&mut self, request: &RequestTags) -> Tags {
        if let Some(known) = self.here.requests.get(request) {
            return known.clone();
        }
        let number = |number: u16| {
            if number == 0 {
                String::new()
            } else {
                number.to_string()
            }
        };
        let (status, code) = (request.status.to_string(), number(request.error_code));
        let own = self
            .pairs()
            .filter(|(tag, _)| &**tag == "name" && !request.named)
            .last();
        let name = own.as_ref().map_or(&*request.url, |(_, name)| name);
        let expected = request
            .expected
            .map_or("", |expected| if expected { "true" } else { "false" });
        let system = [
            ("proto", request.proto),
            ("status", &status),
            ("method", request.method.as_str()),
            ("url", name),
            ("name", name),
            ("expected_response", expected),
            ("error", request.error.as_deref().unwrap_or_default()),
            ("error_code", &code),
            ("tls_version", request.tls_version),
        ];
        let system = system.into_iter().filter(|(tag, _)| self.wants(tag));
        let system = system.map(|(tag, value)| (Arc::from(tag), Arc::from(value)));
        let tags = TagSet::new(
            self.pairs()
                .chain(system)
                .chain(request.own.iter().cloned())
                .collect(),
            &self.registry,
        );
        make_room(&mut self.here.requests);
        self.here.requests.insert(request.clone(), tags.clone());
        tags
    }

    fn pairs(&self) -> impl Iterator<Item = (Arc<str>, Arc<str>)> + '_ {
        let group = self.wants("group").then(|| ("group".into(), self.group()));
        let own = self.own.iter().map(|(name, value)| (name.clone(), value.clone()));
        self.base.iter().cloned().chain(group).chain(own)
    }

    fn wants(&self, tag: &str) -> bool {
        self.system.iter().any(|wanted| wanted == tag)
    }

    fn forget(&mut self) {
        self.here = Kept::default();
        self.elsewhere.clear();
    }
}

fn make_room<K, V>(kept: &mut HashMap<K, V>) {
    if kept.len() >= KEPT_MAX {
        kept.clear();
    }
}
