//! Credentials from the request to the proof: RFC 6749 §2.3.

use std::sync::Arc;

use super::by_key::{ByKey, NeedsKeys};
use super::context::ProofContext;
use super::error::{PresentError, ProveError};
use super::private_key_jwt::{self, Assertion};
use super::proof::{AuthenticatedClient, Proof};
use super::secret_pair::IdAndSecret;
use super::tls::{self, IdAndCertificate};
use super::{basic, post};
use crate::certificate::{Certificate, CertificateError};
use crate::client::{Client, ClientId};
use crate::form::Form;
use crate::metadata::{Authentication, ClientKeys};
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
    pub fn present(presented: &Presented<'_>) -> Result<Self, PresentError> {
        let Presented { authorization, query, form, certificate } = presented;
        if CREDENTIAL_PARAMETERS.iter().any(|name| query.value(name).is_some()) {
            return Err(PresentError::InUrl);
        }
        let header = match authorization {
            [] => None,
            [one] if one.contains(&b',') => return Err(PresentError::RepeatedAuthorization),
            [one] => Some(*one),
            _ => return Err(PresentError::RepeatedAuthorization),
        };
        let credentials = match (header, form.value("client_secret"), private_key_jwt::is_presented(form)) {
            (Some(header), None, false) => Self::ClientSecretBasic(basic::present(header)?),
            (None, Some(secret), false) => Self::ClientSecretPost(post::present(form, secret)?),
            (None, None, true) => Self::PrivateKeyJwt(private_key_jwt::present(form)?),
            (None, None, false) => Self::Tls(Box::new(tls::present(form, *certificate)?)),
            _ => return Err(PresentError::TwoMethods),
        };
        if form.value("client_id").is_some_and(|id| id != credentials.client_id().as_str()) {
            return Err(PresentError::ClientIdMismatch);
        }
        Ok(credentials)
    }

    /// The identifier that is claimed.
    pub const fn client_id(&self) -> &ClientId {
        match self {
            Self::ClientSecretBasic(pair) | Self::ClientSecretPost(pair) => &pair.client_id,
            Self::PrivateKeyJwt(assertion) => &assertion.client_id,
            Self::Tls(pair) => &pair.client_id,
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
            Self::PrivateKeyJwt(_) | Self::Tls(_) => None,
        };
        let Some(client) = client else { return Err(ProveError::UnknownClient) };
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
                Some((keys, ByKey::Assertion(assertion.check(*algorithm, at)?)))
            }
            (Self::Tls(pair), Authentication::Tls(name)) => {
                pair.prove_name(name, at)?;
                None
            }
            (Self::Tls(pair), Authentication::SelfSignedTls { keys }) => {
                Some((keys, ByKey::Certificate(pair.check_self_signed(at)?)))
            }
            _ => return Err(ProveError::WrongMethod),
        };
        if client.disabled {
            return Err(ProveError::Disabled);
        }
        match by_key {
            None => Ok(Progress::Proven(Proof::Complete(AuthenticatedClient(client)))),
            Some((ClientKeys::Inline(keys), by_key)) => {
                let proven = by_key.prove(keys, at)?;
                Ok(Progress::Proven(proven.by(client)))
            }
            Some((ClientKeys::At(url), by_key)) => {
                let url = url.as_str().to_owned();
                Ok(Progress::NeedsKeys(NeedsKeys::new(client, url, by_key, *at)))
            }
        }
    }
}
