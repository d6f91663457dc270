use std::sync::{Arc, OnceLock};

use tokenmint_oauth::client::ClientId;

/// The fields of a request's log line that a handler knows. The shell adds this handle to the request's extensions
/// and writes the line. Handlers only write to it, and only the shell reads it.
#[derive(Clone, Debug, Default)]
pub struct RequestLog(Arc<OnceLock<ClientId>>);

impl RequestLog {
    /// Sets the client, as soon as the request names it. Only an identifier in this server's format is logged. The
    /// first call wins.
    pub fn client_id(&self, id: &ClientId) {
        let _ = self.0.set(id.clone());
    }

    pub(crate) fn client(&self) -> Option<&ClientId> {
        self.0.get()
    }
}
