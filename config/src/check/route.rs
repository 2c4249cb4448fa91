//! `[[route]]`.

use std::time::Duration;

use super::{Checker, DAY, HOUR, MILLISECOND};
use crate::checked::{ClientCacheControl, QueryRule, Route, SetCookie, Ttl};
use crate::document::KeyPath;
use crate::raw::{self, DurationText};
use crate::template::{PathPattern, TagTemplate};

/// Route of the paths that no other route matches.
const DEFAULT_NAME: &str = "default";
const DEFAULT_PATH: &str = "/{rest...}";

/// One year, the longest lifetime that RFC 9111 caches are told to expect.
const LIFETIME_MAX: Duration = Duration::from_secs(365 * DAY.as_secs());

impl Checker<'_> {
    /// Routes in order, a catch-all at the end. A route with a problem is left out.
    pub(super) fn routes(&mut self, raw: &[raw::Route]) -> Vec<Route> {
        let at = KeyPath::of("route");
        let names = raw.iter().enumerate();
        let names = names.filter_map(|(index, raw)| Some((at.item(index).key("name"), raw.name.as_ref()?)));
        self.unique(names.collect::<Vec<_>>(), "name", "give each route its own name");
        let patterns: Vec<_> = raw
            .iter()
            .enumerate()
            .map(|(index, raw)| self.pattern(&at.item(index), raw))
            .collect();
        self.all_reachable(&at, &patterns);
        let has_catch_all = patterns.iter().flatten().any(PathPattern::is_catch_all);
        let checked: Vec<_> = raw.iter().zip(patterns).enumerate().collect();
        let checked = checked
            .into_iter()
            .map(|(index, (raw, path))| self.route(&at.item(index), raw, path));
        let mut routes: Vec<Route> = checked.collect::<Vec<_>>().into_iter().flatten().collect();
        if !has_catch_all {
            if let Some(taken) = raw
                .iter()
                .position(|raw| raw.name.as_deref() == Some(DEFAULT_NAME))
            {
                let remedy = format!("name it otherwise, or let its path be \"{DEFAULT_PATH}\"");
                self.report(
                    &at.item(taken).key("name"),
                    "is kept for the route that covers all other paths",
                    remedy,
                );
            }
            routes.extend(default_route());
        }
        routes
    }

    fn route(&mut self, at: &KeyPath, raw: &raw::Route, path: Option<PathPattern>) -> Option<Route> {
        let name = raw
            .name
            .as_ref()
            .and_then(|name| self.name(&at.key("name"), name));
        let ttl = self.ttl(&at.key("ttl"), &raw.ttl);
        let negative_ttl = self.lifetime(&at.key("negative_ttl"), raw.negative_ttl.as_ref());
        let while_revalidate = raw.stale_while_revalidate.as_ref();
        let stale_while_revalidate = self.lifetime(&at.key("stale_while_revalidate"), while_revalidate);
        let stale_if_error = self.lifetime(&at.key("stale_if_error"), raw.stale_if_error.as_ref());
        let unreachable = Some(&raw.stale_if_unreachable);
        let stale_if_unreachable = self.lifetime(&at.key("stale_if_unreachable"), unreachable);
        let query = self.query(&at.key("query"), &raw.query);
        let tags = self.tags(&at.key("tags"), &raw.tags, path.as_ref());
        Some(Route {
            name: name?,
            path: path?,
            cache: raw.cache,
            ttl: ttl?,
            negative_ttl,
            stale_while_revalidate,
            stale_if_error,
            stale_if_unreachable: stale_if_unreachable?,
            heuristic_freshness: raw.heuristic_freshness,
            set_cookie: match raw.set_cookie {
                raw::SetCookie::Explicit => SetCookie::Explicit,
                raw::SetCookie::Store => SetCookie::Store,
                raw::SetCookie::Strip => SetCookie::Strip,
            },
            client_cache_control: match raw.client_cache_control {
                raw::ClientCacheControl::Obey => ClientCacheControl::Obey,
                raw::ClientCacheControl::Ignore => ClientCacheControl::Ignore,
            },
            query: query?,
            tags,
        })
    }

    fn pattern(&mut self, at: &KeyPath, raw: &raw::Route) -> Option<PathPattern> {
        let text = raw.path.as_ref()?;
        let parsed = PathPattern::parse(text);
        let remedy = "write for instance \"/profiles/{id}\" or \"/static/{rest...}\"";
        parsed
            .map_err(|error| self.report(&at.key("path"), format!("{text:?} {error}"), remedy))
            .ok()
    }

    fn all_reachable(&mut self, at: &KeyPath, patterns: &[Option<PathPattern>]) {
        for (index, pattern) in patterns.iter().enumerate() {
            let Some(pattern) = pattern else { continue };
            let covers = |earlier: &Option<PathPattern>| {
                earlier.as_ref().is_some_and(|earlier| earlier.covers(pattern))
            };
            if let Some(earlier) = patterns[..index].iter().position(covers) {
                let message = format!(
                    "is never reached: `{}` matches all of its paths first",
                    at.item(earlier).key("path")
                );
                self.report(
                    &at.item(index).key("path"),
                    message,
                    "move it above that route, or remove it",
                );
            }
        }
    }

    fn ttl(&mut self, at: &KeyPath, text: &str) -> Option<Ttl> {
        match text {
            "origin" => Some(Ttl::Origin),
            "0" | "0s" | "0ms" => {
                let remedy = "write at least \"1ms\", \"origin\" to obey the origin, or `cache = false`";
                self.report(at, "a lifetime of nothing caches nothing", remedy);
                None
            }
            text => self
                .duration(at, &text.into(), MILLISECOND..=LIFETIME_MAX)
                .map(Ttl::Fixed),
        }
    }

    /// A lifetime that may be left out, and may be nothing.
    fn lifetime(&mut self, at: &KeyPath, text: Option<&DurationText>) -> Option<Duration> {
        self.duration(at, text?, Duration::ZERO..=LIFETIME_MAX)
    }

    fn query(&mut self, at: &KeyPath, raw: &raw::Query) -> Option<QueryRule> {
        let names = match raw {
            raw::Query::Word(raw::QueryWord::All) => return Some(QueryRule::All),
            raw::Query::Word(raw::QueryWord::None) => return Some(QueryRule::None),
            raw::Query::Only(names) => names,
        };
        if names.is_empty() {
            self.report(
                at,
                "names no parameter",
                "write `query = \"none\"` to leave the query out",
            );
            return None;
        }
        if let Some(empty) = names.iter().position(String::is_empty) {
            self.report(&at.item(empty), "is empty", "write the name of a parameter");
            return None;
        }
        let placed = names
            .iter()
            .enumerate()
            .map(|(index, name)| (at.item(index), name));
        self.unique(placed, "parameter", "name each parameter once");
        Some(QueryRule::Only(names.clone()))
    }

    fn tags(&mut self, at: &KeyPath, texts: &[String], path: Option<&PathPattern>) -> Vec<TagTemplate> {
        let placed = texts
            .iter()
            .enumerate()
            .map(|(index, text)| (at.item(index), text));
        self.unique(placed, "tag", "name each tag once");
        let mut tags = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            let parsed = TagTemplate::parse(text).and_then(|tag| {
                path.map_or(Ok(()), |path| tag.check_against(path))?;
                Ok(tag)
            });
            match parsed {
                Ok(tag) => tags.push(tag),
                Err(error) => {
                    let remedy = "write for instance \"profile:{id}\", with names from the route's path";
                    self.report(&at.item(index), format!("{text:?} {error}"), remedy);
                }
            }
        }
        tags
    }
}

/// The route of the paths that no other route matches: obeys the origin. `None` only if its own path
/// were no pattern, which a test excludes.
fn default_route() -> Option<Route> {
    Some(Route {
        name: DEFAULT_NAME.to_owned(),
        path: PathPattern::parse(DEFAULT_PATH).ok()?,
        cache: true,
        ttl: Ttl::Origin,
        negative_ttl: None,
        stale_while_revalidate: None,
        stale_if_error: None,
        stale_if_unreachable: HOUR,
        heuristic_freshness: true,
        set_cookie: SetCookie::Explicit,
        client_cache_control: ClientCacheControl::Obey,
        query: QueryRule::All,
        tags: Vec::new(),
    })
}
