//! Under which tags a virtual user's samples go, made once for all samples that have the same.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use crate::metrics::{Registry, TagSet, Tags};

/// Sets of tags that are kept before all are forgotten: a script that makes up URLs must not eat the memory.
const KEPT_MAX: usize = 4_096;

/// What tells one request's samples from another's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct RequestTags {
    pub(super) method: http::Method,
    pub(super) url: Rc<str>,
    /// Instead of the URL, and instead of the `name` among the virtual user's tags.
    pub(super) name: Option<Rc<str>>,
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
    plain: Option<Tags>,
    requests: HashMap<RequestTags, Tags>,
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
            plain: None,
            requests: HashMap::new(),
            checks: HashMap::new(),
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

    pub(super) fn enter_group(&mut self, name: &str) {
        let path = format!("{}{}{name}", self.group(), crate::metrics::SEPARATOR);
        self.groups.push(path.into());
        self.forget();
    }

    pub(super) fn leave_group(&mut self) {
        self.groups.pop();
        self.forget();
    }

    /// Leaves all groups: an exception may have gone past their ends.
    pub(super) fn leave_all_groups(&mut self) {
        if !self.groups.is_empty() {
            self.groups.clear();
            self.forget();
        }
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
        if let Some(plain) = &self.plain {
            return plain.clone();
        }
        let plain = TagSet::new(self.pairs().collect(), &self.registry);
        self.plain = Some(plain.clone());
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
        if let Some(known) = self.checks.get(name).filter(|_| extra.is_empty()) {
            return known.clone();
        }
        let check = self.wants("check").then(|| ("check".into(), name.into()));
        let tags = TagSet::new(
            self.pairs().chain(check).chain(extra.iter().cloned()).collect(),
            &self.registry,
        );
        if extra.is_empty() {
            make_room(&mut self.checks);
            self.checks.insert(name.into(), tags.clone());
        }
        tags
    }

    /// Tags of a request's samples.
    pub(super) fn request(&mut self, request: &RequestTags) -> Tags {
        if let Some(known) = self.requests.get(request) {
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
        let named = self.pairs().filter(|(tag, _)| &**tag == "name").last();
        let named = named.as_ref().map(|(_, name)| &**name);
        let name = request.name.as_deref().or(named).unwrap_or(&request.url);
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
        make_room(&mut self.requests);
        self.requests.insert(request.clone(), tags.clone());
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
        self.plain = None;
        self.requests.clear();
        self.checks.clear();
    }
}

fn make_room<K, V>(kept: &mut HashMap<K, V>) {
    if kept.len() >= KEPT_MAX {
        kept.clear();
    }
}
