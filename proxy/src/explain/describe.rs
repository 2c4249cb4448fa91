//! Configuration and header fields as a report tells them.

use std::time::Duration;

use http::HeaderMap;
use proxima_config::checked::{ClientCacheControl, QueryRule, Route, SetCookie, Ttl};

use super::report::RouteRules;
use crate::policy::vary;

/// The fields of a response that say something to a cache.
const TELLING: [&str; 14] = [
    "cache-control",
    "cdn-cache-control",
    "pragma",
    "expires",
    "date",
    "age",
    "etag",
    "last-modified",
    "vary",
    "set-cookie",
    "content-range",
    "surrogate-key",
    "cache-tag",
    "proxima-position",
];

/// The settings of a route, and the tags that it gives to a URL.
pub(crate) fn rules(route: &Route, tags: Vec<String>) -> RouteRules {
    RouteRules {
        name: route.name.clone(),
        path: route.path.as_str().to_owned(),
        cache: route.cache,
        ttl_ms: match route.ttl {
            Ttl::Origin => None,
            Ttl::Fixed(ttl) => Some(millis(ttl)),
        },
        negative_ttl_ms: route.negative_ttl.map(millis),
        stale_while_revalidate_ms: route.stale_while_revalidate.map(millis),
        stale_if_error_ms: route.stale_if_error.map(millis),
        stale_if_unreachable_ms: millis(route.stale_if_unreachable),
        heuristic_freshness: route.heuristic_freshness,
        set_cookie: match route.set_cookie {
            SetCookie::Explicit => "explicit",
            SetCookie::Store => "store",
            SetCookie::Strip => "strip",
        }
        .to_owned(),
        client_cache_control: match route.client_cache_control {
            ClientCacheControl::Obey => "obey",
            ClientCacheControl::Ignore => "ignore",
        }
        .to_owned(),
        query: match &route.query {
            QueryRule::All => "all".to_owned(),
            QueryRule::None => "none".to_owned(),
            QueryRule::Only(names) => names.join(", "),
        },
        tags,
    }
}

/// The fields of a response that say something to a cache.
pub(crate) fn telling(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut told = lines(headers, TELLING.into_iter());
    for (_, value) in told.iter_mut().filter(|(name, _)| name == "set-cookie") {
        // that one is set decides; what it says is somebody's secret
        let end = value.find('=').unwrap_or(value.len());
        value.truncate(end);
        value.push_str("=…");
    }
    told
}

/// The lines of some fields.
pub(crate) fn lines<'n>(headers: &HeaderMap, names: impl Iterator<Item = &'n str>) -> Vec<(String, String)> {
    names
        .flat_map(|name| headers.get_all(name).iter().map(move |value| (name, value)))
        .map(|(name, value)| (name.to_owned(), text(value.as_bytes())))
        .collect()
}

/// What is no UTF-8 is replaced.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Whole milliseconds.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Why an answer is stored, and for whom.
pub(crate) fn stored_under(headers: &HeaderMap) -> String {
    let names = vary::names(headers);
    if names.is_empty() {
        return "nothing forbids it".to_owned();
    }
    format!(
        "nothing forbids it; for requests with the same {}",
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::testing::{headers, route};

    #[test]
    fn cookies_are_named_and_not_told() {
        let fields = headers(&[("set-cookie", "id=secret; path=/"), ("x", "y"), ("etag", "\"a\"")]);
        assert_eq!(
            telling(&fields),
            [
                ("etag".to_owned(), "\"a\"".to_owned()),
                ("set-cookie".to_owned(), "id=…".to_owned())
            ]
        );
    }

    #[test]
    fn settings_are_told_in_the_words_of_the_file() {
        let route = Route {
            set_cookie: SetCookie::Strip,
            query: QueryRule::Only(vec!["a".into(), "b".into()]),
            ..route(Ttl::Fixed(Duration::from_secs(5)))
        };
        let rules = rules(&route, vec![]);
        assert_eq!(
            (rules.set_cookie.as_str(), rules.query.as_str()),
            ("strip", "a, b")
        );
        assert_eq!(
            (rules.ttl_ms, rules.client_cache_control.as_str()),
            (Some(5000), "obey")
        );
    }
}
