use axum::Router;
use axum::routing::MethodRouter;
use tokenmint_aws::config::Metrics;
use tokenmint_oauth::cors::Origins;

/// The routes of a function, the origins whose pages may use those that are not public, and its metrics.
#[derive(Clone, Debug)]
pub struct Routes<S = ()> {
    pub(crate) router: Router<S>,
    pub(crate) origins: Origins,
    pub(crate) metrics: Metrics,
    paths: Vec<String>,
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// No routes yet, with these origins and metrics.
    pub fn new(origins: Origins, metrics: Metrics) -> Self {
        Self { router: Router::new(), origins, metrics, paths: Vec::new() }
    }

    /// Adds a route: the methods of a path, which may have parameters, as in `/register/{client_id}`.
    #[must_use]
    pub fn route(mut self, path: &str, methods: MethodRouter<S>) -> Self {
        self.paths.push(path.to_owned());
        Self { router: self.router.route(path, methods), ..self }
    }

    /// The routes with the state that their handlers need.
    pub fn with_state(self, state: S) -> Routes {
        Routes {
            router: self.router.with_state(state),
            origins: self.origins,
            metrics: self.metrics,
            paths: self.paths,
        }
    }
}

impl Default for Routes {
    fn default() -> Self {
        Self::new(Origins::default(), Metrics::default())
    }
}

impl Routes {
    /// The routes of both functions, in one process. They have the same origins and metrics, since they read the same
    /// settings.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        let paths = [self.paths, other.paths].concat();
        Self { router: self.router.merge(other.router), origins: self.origins, metrics: self.metrics, paths }
    }

    /// The paths of all routes, for those who compare them with a document.
    pub fn paths(&self) -> &[String] {
        &self.paths
    }
}
