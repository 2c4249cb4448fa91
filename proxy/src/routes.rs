//! Which route a path belongs to.

use std::sync::Arc;

use proxima_config::checked::Route;
use proxima_config::template::Captures;

use crate::metrics::{Metrics, RouteMetrics};

/// A route with its metric handles.
pub(crate) struct RouteState {
    pub(crate) route: Route,
    pub(crate) metrics: Arc<RouteMetrics>,
}

/// All routes in the order of the configuration.
pub(crate) struct Routes(Vec<Arc<RouteState>>);

impl Routes {
    pub(crate) fn new(routes: &[Route], metrics: &Metrics) -> Self {
        let state = |route: &Route| {
            Arc::new(RouteState {
                metrics: metrics.route(&route.name),
                route: route.clone(),
            })
        };
        Self(routes.iter().map(state).collect())
    }

    /// The first route that covers a normalised path.
    pub(crate) fn find(&self, path: &str) -> &Arc<RouteState> {
        let covering = self.0.iter().find(|state| state.route.path.matches(path));
        covering
            .or(self.0.last())
            .expect("a checked configuration ends with a route for every path")
    }
}

impl RouteState {
    /// The route's own tags for a path that it covers.
    pub(crate) fn tags(&self, path: &str) -> Vec<String> {
        let captures: Option<Captures<'_>> = self.route.path.captures(path);
        let Some(captures) = captures else {
            return Vec::new();
        };
        self.route.tags.iter().map(|tag| tag.expand(&captures)).collect()
    }
}
