//! Proof by one of the client's keys, which are in its `jwks` or at its `jwks_uri`: RFC 7591 §2.

use std::fmt;

use super::private_key_jwt::PlausibleAssertion;
use super::tls::PlausibleCertificate;
use super::{AuthenticatedClient, FirstUse, Progress, Proof, ProofContext, ProveError};
use crate::client::Client;
use crate::jose::PublicKeys;

/// Credentials that lack only the key. Whatever else can be checked was checked, so that keys are fetched for
/// nothing that they could not prove.
pub(super) enum ByKey<'c> {
    Assertion(PlausibleAssertion<'c>),
    Certificate(PlausibleCertificate<'c>),
}

impl ByKey<'_> {
    fn prove(&self, client: Client, keys: &PublicKeys, at: &ProofContext<'_>) -> Result<Proof, ProveError> {
        match self {
            Self::Assertion(assertion) => {
                let jti = assertion.prove(keys, at)?;
                Ok(Proof::FirstUse(FirstUse { client: AuthenticatedClient(client), jti, checked_at: at.now }))
            }
            Self::Certificate(certificate) => {
                certificate.prove(keys)?;
                Ok(Proof::Complete(AuthenticatedClient(client)))
            }
        }
    }
}

/// Credentials that are valid if the keys at the client's `jwks_uri` prove them.
pub struct NeedsKeys<'c> {
    client: Client,
    url: String,
    by_key: ByKey<'c>,
    at: ProofContext<'c>,
}

impl<'c> NeedsKeys<'c> {
    /// Proves the credentials with the keys that the client registered, or tells that those are at a URL.
    pub(super) fn resolve(
        client: Client,
        by_key: ByKey<'c>,
        at: &ProofContext<'c>,
    ) -> Result<Progress<'c>, ProveError> {
        if let Some(url) = client.metadata.text("jwks_uri").map(str::to_owned) {
            return Ok(Progress::NeedsKeys(Self { client, url, by_key, at: *at }));
        }
        let jwks = client.metadata.others.get("jwks").ok_or_else(|| ProveError::Keys("there are none".to_owned()))?;
        let keys = PublicKeys::parse(jwks).map_err(|error| ProveError::Keys(format!("jwks {error}")))?;
        by_key.prove(client, &keys, at).map(Progress::Proven)
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
        self.by_key.prove(self.client.clone(), keys, &self.at)
    }
}

impl fmt::Debug for NeedsKeys<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NeedsKeys").field("client_id", &self.client.client_id).finish_non_exhaustive()
    }
}
