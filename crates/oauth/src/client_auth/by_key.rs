//! Proof by a key: one of the client, in its `jwks` or at its `jwks_uri` (RFC 7591 §2), or one of a trusted issuer.

use std::fmt;
use std::sync::Arc;

use super::context::ProofContext;
use super::error::ProveError;
use super::federated::PlausibleFederated;
use super::private_key_jwt::PlausibleAssertion;
use super::proof::{AuthenticatedClient, FirstUse, Proof};
use super::tls::PlausibleCertificate;
use crate::client::Client;
use crate::federation::IssuerKeys;
use crate::jose::PublicKeys;
use crate::metadata::ClientKeys;

/// Credentials that lack only the key. Whatever else can be checked was checked, so that keys are fetched for
/// nothing that they could not prove.
pub(super) enum ByKey<'c> {
    Assertion(PlausibleAssertion<'c>),
    Certificate(PlausibleCertificate<'c>),
    Federated(PlausibleFederated<'c>),
}

/// Where the key is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum KeysOf<'c> {
    /// Here.
    Known(&'c PublicKeys),
    /// To be fetched.
    At(KeySource, &'c str),
}

/// Whose keys are to be fetched, and in which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// A client's `jwks_uri`.
    Client,
    /// A trusted issuer's `jwks_uri`.
    Issuer,
    /// A trust domain's SPIFFE bundle.
    Bundle,
}

impl<'c> KeysOf<'c> {
    pub(super) fn client(keys: &'c ClientKeys) -> Result<Self, ProveError> {
        match keys {
            ClientKeys::Inline(keys) => Ok(Self::Known(keys)),
            ClientKeys::At(url) => Ok(Self::At(KeySource::Client, url.as_str())),
            ClientKeys::None => Err(ProveError::NoKeys),
        }
    }

    pub(super) const fn issuer(keys: &'c IssuerKeys) -> Self {
        match keys {
            IssuerKeys::Inline(keys) => Self::Known(keys),
            IssuerKeys::JwksUri(url) => Self::At(KeySource::Issuer, url.as_str()),
            IssuerKeys::BundleUrl(url) => Self::At(KeySource::Bundle, url.as_str()),
        }
    }
}

impl ByKey<'_> {
    /// The proof, if one of the keys is the one. The keys are those of this client, or of the issuer of its assertion.
    pub(super) fn prove(
        &self,
        keys: &PublicKeys,
        client: Arc<Client>,
        at: &ProofContext<'_>,
    ) -> Result<Proof, ProveError> {
        let (expires_at, jti) = match self {
            Self::Assertion(assertion) => {
                let jti = assertion.prove(keys, at)?;
                (jti.expires_at, Some(jti))
            }
            Self::Certificate(certificate) => {
                certificate.prove(keys)?;
                return Ok(Proof::Complete(AuthenticatedClient::by_secret_or_certificate(client)));
            }
            Self::Federated(assertion) => assertion.prove(keys, &client, at)?,
        };
        let client = AuthenticatedClient::by_assertion(client, expires_at);
        Ok(match jti {
            Some(jti) => Proof::FirstUse(FirstUse { client, jti, checked_at: at.now }),
            None => Proof::Complete(client),
        })
    }
}

/// Credentials that are valid if the keys at a URL prove them.
pub struct NeedsKeys<'c> {
    client: Arc<Client>,
    source: KeySource,
    url: String,
    by_key: ByKey<'c>,
    at: ProofContext<'c>,
}

impl<'c> NeedsKeys<'c> {
    pub(super) const fn new(
        client: Arc<Client>,
        source: KeySource,
        url: String,
        by_key: ByKey<'c>,
        at: ProofContext<'c>,
    ) -> Self {
        Self { client, source, url, by_key, at }
    }

    /// Whose keys are there.
    pub const fn source(&self) -> KeySource {
        self.source
    }

    /// The URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Proves the credentials with the keys found there.
    ///
    /// # Errors
    /// [`ProveError`]; where it [is about the key](ProveError::is_about_the_key), newer keys may do better.
    pub fn prove(&self, keys: &PublicKeys) -> Result<Proof, ProveError> {
        self.by_key.prove(keys, self.client.clone(), &self.at)
    }
}

impl fmt::Debug for NeedsKeys<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NeedsKeys").field("client_id", &self.client.client_id).finish_non_exhaustive()
    }
}
