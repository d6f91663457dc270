use std::sync::{Arc, OnceLock};

use tokenmint_oauth::client::ClientId;

/// What the log line of a request is to say of it, as far as a handler knows it. A handle: the shell puts it into the
/// request's extensions and writes the line. Handlers only write to it; nothing reads it but the shell.
#[derive(Clone, Debug, Default)]
pub struct RequestLog(Arc<OnceLock<ClientId>>);

impl RequestLog {
    /// Names the client, as soon as the request does. It is shown only if it is an identifier of ours. The first
    /// name counts.
    pub fn client_id(&self, id: &ClientId) {
        let _ = self.0.set(id.clone());
    }

    pub(crate) fn client(&self) -> Option<&ClientId> {
        self.0.get()
    }
}
