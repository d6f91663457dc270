use std::sync::{Arc, OnceLock};

use axum::extract::MatchedPath;
use tokenmint_oauth::client::ClientId;

/// The fields of a request's log line that are known only inside the router. The shell adds this handle to the request's
/// extensions and writes the line. Handlers only write to it, and only the shell reads it.
#[derive(Clone, Debug, Default)]
pub struct RequestLog(Arc<Fields>);

#[derive(Debug, Default)]
struct Fields {
    client: OnceLock<ClientId>,
    route: OnceLock<MatchedPath>,
}

impl RequestLog {
    /// Sets the client, as soon as the request names it. Only an identifier in this server's format is logged. The
    /// first call wins.
    pub fn client_id(&self, id: &ClientId) {
        let _ = self.0.client.set(id.clone());
    }

    pub(crate) fn client(&self) -> Option<&ClientId> {
        self.0.client.get()
    }

    pub(crate) fn route(&self, route: &MatchedPath) {
        let _ = self.0.route.set(route.clone());
    }

    pub(crate) fn matched(&self) -> Option<&MatchedPath> {
        self.0.route.get()
    }
}
