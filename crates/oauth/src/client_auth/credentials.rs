//! Credentials from the request to the proof: RFC 6749 §2.3.

use std::sync::Arc;

use super::assertion::{self, PresentedAssertion};
use super::by_key::{ByKey, KeysOf, NeedsKeys};
use super::context::ProofContext;
use super::error::{AssertionGrantError, PresentError, ProveError};
use super::federated::{FederatedAssertion, SubjectAssertion};
use super::private_key_jwt::Assertion;
use super::proof::{AuthenticatedClient, Proof};
use super::secret_pair::IdAndSecret;
use super::tls::{self, IdAndCertificate};
use super::{basic, post};
use crate::certificate::{Certificate, CertificateError};
use crate::client::{Client, ClientId};
use crate::federation::TrustedIssuers;
use crate::form::Form;
use crate::metadata::Authentication;
use crate::method::MethodChoice;

/// The parameters that carry credentials, which must never be in a URL (RFC 6749 §2.3.1).
pub(super) const CREDENTIAL_PARAMETERS: [&str; 4] =
    ["client_id", "client_secret", "client_assertion", "client_assertion_type"];

/// Where a request may carry credentials.
#[derive(Clone, Copy, Debug)]
pub struct Presented<'a> {
    /// The values of all `Authorization` headers.
    pub authorization: &'a [&'a [u8]],
    /// The URL's parameters.
    pub query: &'a Form<'a>,
    /// The body's parameters.
    pub form: &'a Form<'a>,
    /// The certificate of the connection, as API Gateway verified it; never from a header.
    pub certificate: Option<Result<&'a Certificate, CertificateError>>,
    /// The issuers whose assertions may authenticate clients.
    pub trusted_issuers: &'a TrustedIssuers,
}

/// Who a request claims to be.
#[derive(Debug)]
pub enum Claim {
    /// A client, by its identifier.
    Client(Credentials),
    /// The subject of a trusted issuer. It is to be found out which client that is.
    Subject(SubjectAssertion),
}

/// What a request presents, by one method; nothing of it is proven.
#[derive(Debug)]
pub enum Credentials {
    /// `client_secret_basic`.
    ClientSecretBasic(IdAndSecret),
    /// `client_secret_post`.
    ClientSecretPost(IdAndSecret),
    /// `private_key_jwt`.
    PrivateKeyJwt(Assertion),
    /// `tls_client_auth` or `self_signed_tls_client_auth`: which, only the registered client tells.
    Tls(Box<IdAndCertificate>),
    /// `private_key_jwt`, with an assertion of a trusted issuer.
    Federated(Box<FederatedAssertion>),
}

/// How far credentials are proven without fetching keys.
#[derive(Debug)]
pub enum Progress<'c> {
    /// Completely, but for the first use of an assertion.
    Proven(Proof),
    /// All but the signature or the key: the client's keys are at its `jwks_uri`.
    NeedsKeys(NeedsKeys<'c>),
}

impl Credentials {
    /// Finds the credentials that a request presents, and that they are presented once, by one method. A
    /// certificate counts only where nothing else is presented: a client may have one for its tokens alone
    /// (RFC 8705 §2, §3).
    ///
    /// # Errors
    /// [`PresentError`].
    pub fn present(presented: &Presented<'_>) -> Result<Claim, PresentError> {
        let Presented { authorization, query, form, certificate, trusted_issuers } = presented;
        if CREDENTIAL_PARAMETERS.iter().any(|name| query.value(name).is_some()) {
            return Err(PresentError::InUrl);
        }
        let header = match authorization {
            [] => None,
            [one] if one.contains(&b',') => return Err(PresentError::RepeatedAuthorization),
            [one] => Some(*one),
            _ => return Err(PresentError::RepeatedAuthorization),
        };
        let credentials = match (header, form.value("client_secret"), assertion::is_presented(form)) {
            (Some(header), None, false) => Self::ClientSecretBasic(basic::present(header)?),
            (None, Some(secret), false) => Self::ClientSecretPost(post::present(form, secret)?),
            (None, None, true) => match assertion::present(form, trusted_issuers)? {
                PresentedAssertion::Own(assertion) => Self::PrivateKeyJwt(assertion),
                PresentedAssertion::Federated(assertion) => {
                    let Some(id) = form.value("client_id") else { return Ok(Claim::Subject(assertion)) };
                    let id = ClientId::parse(id).map_err(|_| PresentError::MalformedClientId)?;
                    Self::federated(id, assertion)
                }
            },
            (None, None, false) => Self::Tls(Box::new(tls::present(form, *certificate)?)),
            _ => return Err(PresentError::TwoMethods),
        };
        if form.value("client_id").is_some_and(|id| id != credentials.client_id().as_str()) {
            return Err(match credentials {
                // Not a client that contradicts itself, but an issuer that is not trusted, or not any more.
                Self::PrivateKeyJwt(assertion) if !assertion.is_by_the_client() => PresentError::UntrustedIssuer,
                _ => PresentError::ClientIdMismatch,
            });
        }
        Ok(Claim::Client(credentials))
    }

    /// Finds the credentials beside an assertion that is the grant (RFC 7521 §4.1). There need not be any, and a certificate
    /// is none: the client may have it for its tokens alone.
    ///
    /// # Errors
    /// [`PresentError`].
    pub fn present_beside_grant(presented: &Presented<'_>) -> Result<Option<Claim>, PresentError> {
        let Presented { authorization, query, form, .. } = presented;
        if CREDENTIAL_PARAMETERS.iter().chain(&["assertion"]).any(|name| query.value(name).is_some()) {
            return Err(PresentError::InUrl);
        }
        let any = !authorization.is_empty() || form.value("client_secret").is_some() || assertion::is_presented(form);
        any.then(|| Self::present(presented)).transpose()
    }

    /// Finds whose grant an assertion is (RFC 7523 §2.1): its subject's, or that of the client that the request names.
    ///
    /// # Errors
    /// [`AssertionGrantError`].
    pub fn present_grant(
        assertion: &str,
        client_id: Option<&str>,
        trusted_issuers: &TrustedIssuers,
    ) -> Result<Claim, AssertionGrantError> {
        match (assertion::present_grant(assertion, trusted_issuers)?, client_id) {
            (PresentedAssertion::Own(own), Some(id)) if id != own.client_id.as_str() => {
                Err(AssertionGrantError::OtherClient)
            }
            (PresentedAssertion::Own(own), _) => Ok(Claim::Client(Self::PrivateKeyJwt(own))),
            (PresentedAssertion::Federated(assertion), None) => Ok(Claim::Subject(assertion)),
            (PresentedAssertion::Federated(assertion), Some(id)) => {
                let id = ClientId::parse(id).map_err(|_| PresentError::MalformedClientId)?;
                Ok(Claim::Client(Self::federated(id, assertion)))
            }
        }
    }

    /// The assertion of a subject as the credentials of this client.
    pub fn federated(client_id: ClientId, assertion: SubjectAssertion) -> Self {
        Self::Federated(Box::new(FederatedAssertion::new(client_id, assertion)))
    }

    /// The identifier that is claimed.
    pub const fn client_id(&self) -> &ClientId {
        match self {
            Self::ClientSecretBasic(pair) | Self::ClientSecretPost(pair) => &pair.client_id,
            Self::PrivateKeyJwt(assertion) => &assertion.client_id,
            Self::Tls(pair) => &pair.client_id,
            Self::Federated(assertion) => &assertion.client_id,
        }
    }

    /// Checks all that can be checked before the document of a client is fetched: only an assertion can prove such a client,
    /// and it must be one that some key could have signed (C4).
    ///
    /// # Errors
    /// [`ProveError`].
    pub fn check_before_document(&self, at: &ProofContext<'_>) -> Result<(), ProveError> {
        match self {
            Self::PrivateKeyJwt(assertion) => Ok(assertion.check(None, at).map(drop)?),
            _ => Err(ProveError::WrongMethod),
        }
    }

    /// Verifies the credentials against the client found under [`Self::client_id`], if any. What a secret is
    /// compared with is the same work whatever is found (A4). Keys come last: none are fetched for a disabled
    /// client, or for credentials that no key could make valid (A6).
    ///
    /// # Errors
    /// [`ProveError`], which tells the log more than the client may know.
    pub fn prove<'c>(&'c self, client: Option<Arc<Client>>, at: &ProofContext<'c>) -> Result<Progress<'c>, ProveError> {
        let matched = match self {
            Self::ClientSecretBasic(pair) | Self::ClientSecretPost(pair) => pair.matching(client.as_deref()),
            Self::PrivateKeyJwt(_) | Self::Tls(_) | Self::Federated(_) => None,
        };
        let Some(client) = client else { return Err(ProveError::UnknownClient) };
        if !at.profile.allows_method(client.metadata.token_endpoint_auth_method()) {
            return Err(ProveError::MethodNotOffered);
        }
        // The method presented and the one registered are matched as a pair; all else is a mismatch.
        let by_key = match (self, client.metadata.authentication()) {
            (Self::ClientSecretBasic(_), Authentication::SecretBasic { .. })
            | (
                Self::ClientSecretPost(_),
                Authentication::SecretPost | Authentication::SecretBasic { choice: MethodChoice::Defaulted },
            ) => {
                IdAndSecret::prove(matched, &client, at.now)?;
                None
            }
            (Self::PrivateKeyJwt(assertion), Authentication::PrivateKeyJwt { keys, algorithm }) => {
                Some((KeysOf::client(keys)?, ByKey::Assertion(assertion.check(*algorithm, at)?)))
            }
            // The issuer's algorithms count, not the one that the client registered for its own keys.
            (Self::Federated(assertion), Authentication::PrivateKeyJwt { .. }) => {
                let plausible = assertion.check(client.metadata.federated_credentials(), at)?;
                Some((KeysOf::issuer(&assertion.issuer().keys), ByKey::Federated(plausible)))
            }
            (Self::Tls(pair), Authentication::Tls(name)) => {
                pair.prove_name(name, at)?;
                None
            }
            (Self::Tls(pair), Authentication::SelfSignedTls { keys }) => {
                Some((KeysOf::client(keys)?, ByKey::Certificate(pair.check_self_signed(at)?)))
            }
            _ => return Err(ProveError::WrongMethod),
        };
        if client.disabled {
            return Err(ProveError::Disabled);
        }
        match by_key {
            None => Ok(Progress::Proven(Proof::Complete(AuthenticatedClient::by_secret_or_certificate(client)))),
            Some((KeysOf::Known(keys), by_key)) => by_key.prove(keys, client.clone(), at).map(Progress::Proven),
            Some((KeysOf::At(source, url), by_key)) => {
                let url = url.to_owned();
                Ok(Progress::NeedsKeys(NeedsKeys::new(client, source, url, by_key, *at)))
            }
        }
    }
}
