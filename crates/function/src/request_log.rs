use std::fmt;
use std::sync::{Arc, OnceLock};

use axum::extract::MatchedPath;
use tokenmint_oauth::client::ClientId;

/// The fields of a request's log line that are known only inside the router. The shell adds this handle to the request's
/// extensions and writes the line. Handlers only write to it, and only the shell reads it.
#[derive(Clone, Debug, Default)]
pub struct RequestLog(Arc<Fields>);

/// The client of a request. Its `Display` is what the log shows.
#[derive(Debug)]
pub(crate) enum LoggedClient {
    Registered(ClientId),
    OfDocument(ClientId),
}

impl fmt::Display for LoggedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registered(id) => id.fmt(f),
            Self::OfDocument(id) => f.write_str(id.as_str()),
        }
    }
}

#[derive(Debug, Default)]
struct Fields {
    client: OnceLock<LoggedClient>,
    route: OnceLock<MatchedPath>,
}

impl RequestLog {
    /// Sets the client, as soon as the request names it. Only an identifier in this server's format is logged. The
    /// first call wins.
    pub fn client_id(&self, id: &ClientId) {
        let _ = self.0.client.set(LoggedClient::Registered(id.clone()));
    }

    /// Sets the client, whose identifier is the URL of its document on a host that the operator allows. It is logged as it
    /// is. The first call wins.
    pub fn client_document(&self, id: &ClientId) {
        let _ = self.0.client.set(LoggedClient::OfDocument(id.clone()));
    }

    pub(crate) fn client(&self) -> Option<&LoggedClient> {
        self.0.client.get()
    }

    pub(crate) fn route(&self, route: &MatchedPath) {
        let _ = self.0.route.set(route.clone());
    }

    pub(crate) fn matched(&self) -> Option<&MatchedPath> {
        self.0.route.get()
    }
}
