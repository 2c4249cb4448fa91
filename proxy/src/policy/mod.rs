//! What HTTP allows a shared cache to do: pure decisions, each with the section of the RFC it comes from.

pub(crate) mod cache_control;
pub(crate) mod conditional;
pub(crate) mod freshness;
pub(crate) mod storing;

#[cfg(test)]
pub(crate) mod testing {
    use std::time::Duration;

    use proxima_config::checked::{ClientCacheControl, QueryRule, Route, SetCookie, Ttl};
    use proxima_config::template::PathPattern;

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
