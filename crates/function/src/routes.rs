use axum::Router;
use tokenmint_aws::config::Metrics;
use tokenmint_oauth::cors::Origins;

/// The routes of a function, the origins whose pages may use those that are not public, and its metrics.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    pub(crate) router: Router,
    pub(crate) origins: Origins,
    pub(crate) metrics: Metrics,
}

impl Routes {
    /// Routes with these origins and metrics.
    pub const fn new(router: Router, origins: Origins, metrics: Metrics) -> Self {
        Self { router, origins, metrics }
    }

    /// The routes of both functions, in one process. They have the same origins and metrics, since they read the same
    /// settings.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        Self { router: self.router.merge(other.router), origins: self.origins, metrics: self.metrics }
    }
}
