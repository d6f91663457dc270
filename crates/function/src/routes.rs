use axum::Router;
use tokenmint_oauth::cors::Origins;

/// The routes of a function, and the origins whose pages may use those that are not public.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    pub(crate) router: Router,
    pub(crate) origins: Origins,
}

impl Routes {
    /// Routes with these origins.
    pub const fn new(router: Router, origins: Origins) -> Self {
        Self { router, origins }
    }

    /// The routes of both functions, in one process. They have the same origins, since they read the same setting.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        Self { router: self.router.merge(other.router), origins: self.origins }
    }
}
