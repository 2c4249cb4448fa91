//! What HTTP allows a shared cache to do: pure decisions, each with the section of the RFC it comes from.

pub(crate) mod cache_control;
pub(crate) mod conditional;
pub(crate) mod freshness;
pub(crate) mod storing;

#[cfg(test)]
pub(crate) mod testing {
    use proxima_config::checked::{QueryRule, Route, Ttl};
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
            query: QueryRule::All,
            tags: vec![],
        }
    }
}
