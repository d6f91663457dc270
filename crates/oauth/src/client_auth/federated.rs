//! Assertions of trusted issuers: RFC 7523 §2.2 and §3, draft-ietf-oauth-spiffe-client-auth.

use std::fmt;
use std::sync::Arc;

use super::context::ProofContext;
use super::error::PresentError;
use super::jti::Jti;
use crate::EpochSeconds;
use crate::client::{Client, ClientId};
use crate::federation::{Accepted, Expected, FederatedCredentials, FederationError, SubjectKey, TrustedIssuer};
use crate::jose::{Claims, PublicKeys, Unverified, UnverifiedToken, Verified};

/// An assertion of a trusted issuer, as it names itself. Which client it is for is not in it.
pub struct SubjectAssertion {
    issuer: Arc<TrustedIssuer>,
    subject: String,
    token: String,
    claims: Claims<Unverified>,
}

/// The same for the client that it claims to be of.
pub struct FederatedAssertion {
    pub(super) client_id: ClientId,
    assertion: SubjectAssertion,
}

impl SubjectAssertion {
    pub(super) fn present(
        issuer: Arc<TrustedIssuer>,
        token: &str,
        claims: Claims<Unverified>,
    ) -> Result<Self, PresentError> {
        let subject = claims.text("sub").ok_or(PresentError::AssertionWithoutSubject)?.to_owned();
        Ok(Self { issuer, subject, token: token.to_owned(), claims })
    }

    /// Where the clients are listed that trust its subject.
    pub fn key(&self) -> SubjectKey {
        SubjectKey::new(&self.issuer.issuer, &self.subject)
    }

    /// Whether the client is one of these, by its own list.
    pub fn is_of(&self, client: &Client) -> bool {
        client.metadata.federated_credentials().iter().any(|own| own.key() == self.key())
    }
}

impl fmt::Debug for SubjectAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubjectAssertion").field("issuer", &self.issuer.issuer).finish_non_exhaustive()
    }
}

impl fmt::Debug for FederatedAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FederatedAssertion").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

impl FederatedAssertion {
    pub(super) const fn new(client_id: ClientId, assertion: SubjectAssertion) -> Self {
        Self { client_id, assertion }
    }

    /// The issuer that it names.
    pub(super) fn issuer(&self) -> &TrustedIssuer {
        &self.assertion.issuer
    }

    /// Checks all that can be checked without the issuer's keys. What the claims say is only compared here:
    /// [`PlausibleFederated::prove`] takes it from the verified token.
    pub(super) fn check<'a>(
        &'a self,
        credentials: &FederatedCredentials,
        at: &ProofContext<'_>,
    ) -> Result<PlausibleFederated<'a>, FederationError> {
        let token = UnverifiedToken::parse(&self.assertion.token)?;
        let expected = Expected { issuer: self.issuer(), credentials, now: at.now };
        expected.check_header(&token)?;
        expected.check_claims(&self.assertion.claims)?;
        Ok(PlausibleFederated { assertion: self, token })
    }
}

/// An assertion that is valid if one of its issuer's keys has signed it.
pub(super) struct PlausibleFederated<'a> {
    assertion: &'a FederatedAssertion,
    token: UnverifiedToken<'a>,
}

impl<'a> PlausibleFederated<'a> {
    pub(super) fn issuer(&self) -> &'a TrustedIssuer {
        self.assertion.issuer()
    }

    /// Verifies the signature; all that counts afterwards comes from the verified claims. Returns the first second at which
    /// the assertion is expired, and what its only use is remembered by; `None` if it may be used again.
    pub(super) fn prove(
        &self,
        keys: &PublicKeys,
        client: &Client,
        at: &ProofContext<'_>,
    ) -> Result<(EpochSeconds, Option<Jti<Verified>>), FederationError> {
        let claims = self.token.verify(keys)?;
        let credentials = client.metadata.federated_credentials();
        let expected = Expected { issuer: self.issuer(), credentials, now: at.now };
        let Accepted { expires_at, once } = expected.check_claims(&claims)?;
        Ok((expires_at, once.map(|id| Jti::new(id, expires_at, &claims))))
    }
}
