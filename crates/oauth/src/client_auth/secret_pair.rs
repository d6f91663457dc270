//! A client identifier and a secret: RFC 6749 §2.3.1.

use std::fmt;

use super::error::{PresentError, ProveError};
use crate::EpochSeconds;
use crate::client::{Client, ClientId, StoredSecret};
use crate::secret::SecretHash;

/// How many secrets a client can have at a time.
const MAX_SECRETS: usize = 2;

/// A client identifier and the hash of the secret that came with it. The secret itself is not kept.
pub struct IdAndSecret {
    pub(super) client_id: ClientId,
    pub(super) secret: SecretHash,
}

impl fmt::Debug for IdAndSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdAndSecret").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

impl IdAndSecret {
    pub(super) fn new(client_id: &str, secret: &str) -> Result<Self, PresentError> {
        let client_id = ClientId::parse(client_id).map_err(|_| PresentError::MalformedClientId)?;
        Ok(Self { client_id, secret: SecretHash::of(secret) })
    }

    /// Which of the client's secrets is the presented one. Always [`MAX_SECRETS`] comparisons, each in
    /// constant time, also where there is no client.
    pub(super) fn matching(&self, client: Option<&Client>) -> Option<usize> {
        let secrets: &[StoredSecret] = client.map_or(&[], |client| &client.client_secrets);
        let nothing = SecretHash::of("");
        let mut matched = None;
        for at in 0..MAX_SECRETS {
            let stored = secrets.get(at);
            let equal = stored.map_or(&nothing, |stored| &stored.sha256) == &self.secret;
            if equal && stored.is_some() && matched.is_none() {
                matched = Some(at);
            }
        }
        matched
    }

    /// Checks that the secret that [`Self::matching`] found has not expired.
    pub(super) fn prove(matched: Option<usize>, client: &Client, now: EpochSeconds) -> Result<(), ProveError> {
        let secret = matched.and_then(|at| client.client_secrets.get(at)).ok_or(ProveError::WrongSecret)?;
        if secret.is_valid_at(now) { Ok(()) } else { Err(ProveError::ExpiredSecret) }
    }
}
