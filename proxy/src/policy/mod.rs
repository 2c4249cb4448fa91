//! What HTTP allows a shared cache to do: pure decisions, each with the section of the RFC it comes from.

pub(crate) mod age;
pub(crate) mod conditional;
pub(crate) mod directives;
pub(crate) mod freshness;
pub(crate) mod http_date;
pub(crate) mod partial;
pub(crate) mod range;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod storing;
pub(crate) mod update;
pub(crate) mod vary;

#[cfg(test)]
pub(crate) mod testing {
    use std::time::Duration;

    use http::{HeaderMap, HeaderName, HeaderValue};
    use proxima_config::checked::{ClientCacheControl, QueryRule, Route, SetCookie, Ttl};
    use proxima_config::template::PathPattern;

    /// Header fields from pairs.
    pub(crate) fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&str, &str)| {
            (
                HeaderName::try_from(*name).unwrap(),
                HeaderValue::try_from(*value).unwrap(),
            )
        };
        lines.iter().map(pair).collect()
    }

    /// A route for every path that sets nothing but a TTL.
    pub(crate) fn route(ttl: Ttl) -> Route {
        Route {
            name: "test".into(),
            path: PathPattern::parse("/{rest...}").unwrap(),
            cache: true,
            ttl,
            negative_ttl: None,
            stale_while_revalidate: None,
            stale_if_error: None,
            stale_if_unreachable: Duration::ZERO,
            heuristic_freshness: true,
            set_cookie: SetCookie::Explicit,
            client_cache_control: ClientCacheControl::Obey,
            query: QueryRule::All,
            tags: vec![],
        }
    }
}
