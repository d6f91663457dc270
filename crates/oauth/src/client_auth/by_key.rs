//! Proof by one of the client's keys, which are in its `jwks` or at its `jwks_uri`: RFC 7591 §2.

use std::fmt;
use std::sync::Arc;

use super::context::ProofContext;
use super::error::ProveError;
use super::private_key_jwt::{Jti, PlausibleAssertion};
use super::proof::{AuthenticatedClient, FirstUse, Proof};
use super::tls::PlausibleCertificate;
use crate::EpochSeconds;
use crate::client::Client;
use crate::jose::{PublicKeys, Verified};

/// Credentials that lack only the key. Whatever else can be checked was checked, so that keys are fetched for
/// nothing that they could not prove.
pub(super) enum ByKey<'c> {
    Assertion(PlausibleAssertion<'c>),
    Certificate(PlausibleCertificate<'c>),
}

/// What one of a client's keys has proven.
pub(super) enum ProvenByKey {
    Assertion { jti: Jti<Verified>, checked_at: EpochSeconds },
    Certificate,
}

impl ByKey<'_> {
    pub(super) fn prove(&self, keys: &PublicKeys, at: &ProofContext<'_>) -> Result<ProvenByKey, ProveError> {
        match self {
            Self::Assertion(assertion) => {
                Ok(ProvenByKey::Assertion { jti: assertion.prove(keys, at)?, checked_at: at.now })
            }
            Self::Certificate(certificate) => {
                certificate.prove(keys)?;
                Ok(ProvenByKey::Certificate)
            }
        }
    }
}

impl ProvenByKey {
    /// The proof, where the keys are this client's.
    pub(super) fn by(self, client: Arc<Client>) -> Proof {
        let client = AuthenticatedClient(client);
        match self {
            Self::Assertion { jti, checked_at } => Proof::FirstUse(FirstUse { client, jti, checked_at }),
            Self::Certificate => Proof::Complete(client),
        }
    }
}

/// Credentials that are valid if the keys at the client's `jwks_uri` prove them.
pub struct NeedsKeys<'c> {
    client: Arc<Client>,
    url: String,
    by_key: ByKey<'c>,
    at: ProofContext<'c>,
}

impl<'c> NeedsKeys<'c> {
    pub(super) const fn new(client: Arc<Client>, url: String, by_key: ByKey<'c>, at: ProofContext<'c>) -> Self {
        Self { client, url, by_key, at }
    }

    /// The client's `jwks_uri`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Proves the credentials with the keys found there.
    ///
    /// # Errors
    /// [`ProveError`]; where it [is about the key](ProveError::is_about_the_key), newer keys may do better.
    pub fn prove(&self, keys: &PublicKeys) -> Result<Proof, ProveError> {
        Ok(self.by_key.prove(keys, &self.at)?.by(self.client.clone()))
    }
}

impl fmt::Debug for NeedsKeys<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NeedsKeys").field("client_id", &self.client.client_id).finish_non_exhaustive()
    }
}
