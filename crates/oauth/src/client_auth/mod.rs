//! Client authentication at the token endpoint: RFC 6749 §2.3.
//!
//! Two steps. *Present*: [`Credentials::present`] finds out what the request claims and by which
//! method. *Prove*: [`Credentials::prove`] holds it against the registered client. A new method adds
//! one file with one of each, and one line in the list of [`Method`].

mod basic;
mod error;
mod method;
mod post;
pub mod private_key_jwt;
mod secret_pair;
mod tls;

use crate::EpochSeconds;
use crate::client::{Client, ClientId};
use crate::form::Form;
use crate::jose::PublicKeys;
use crate::mutual_tls::CertificateMethod;
#[cfg(test)]
use error::authentication_failed;
pub use error::{PresentError, ProveError};
pub use method::Method;
use private_key_jwt::{Assertion, AssertionError};
pub use secret_pair::IdAndSecret;
pub use tls::IdAndCertificate;

/// The parameters that carry credentials, and so must never stand in a URL (RFC 6749 §2.3.1).
const CREDENTIAL_PARAMETERS: [&str; 4] = ["client_id", "client_secret", "client_assertion", "client_assertion_type"];

/// Where a request may carry credentials.
#[derive(Clone, Copy, Debug)]
pub struct Presented<'a> {
    /// The values of all `Authorization` headers.
    pub authorization: &'a [&'a [u8]],
    /// The URL's parameters.
    pub query: &'a Form<'a>,
    /// The body's parameters.
    pub form: &'a Form<'a>,
    /// The certificate of the connection, in PEM, as API Gateway verified it; never from a header.
    pub certificate: Option<&'a str>,
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

/// What credentials are held against beside the registered client.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// The time.
    pub now: EpochSeconds,
    /// What an assertion may name as its audience: the issuer and, where the operator wants it, the token
    /// endpoint (A6).
    pub audiences: &'a [&'a str],
    /// The method with certificates that this deployment offers, if it offers one (A7).
    pub certificate_method: Option<CertificateMethod>,
    /// What was found at [`Credentials::keys_at`].
    pub fetched: Option<&'a PublicKeys>,
}

/// Credentials that are good.
#[derive(Debug)]
pub enum Proof {
    /// Nothing is left to check.
    Complete(AuthenticatedClient),
    /// The client is who it says, if this is the first time that it says so with this assertion.
    FirstUse(FirstUse),
}

/// An assertion that is good in all but this: whether it was used before.
#[derive(Debug)]
pub struct FirstUse {
    client: AuthenticatedClient,
    id: String,
    expires_at: EpochSeconds,
}

impl FirstUse {
    /// What the assertion is remembered by: different for each client and each `jti`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The first second at which its time alone makes the assertion bad.
    pub const fn expires_at(&self) -> EpochSeconds {
        self.expires_at
    }

    /// The client, if this was the first use.
    ///
    /// # Errors
    /// [`AssertionError::Replayed`] if it was not.
    pub fn complete(self, is_first: bool) -> Result<AuthenticatedClient, ProveError> {
        if is_first { Ok(self.client) } else { Err(AssertionError::Replayed.into()) }
    }
}

/// A client that has proven who it is. Only a [`Proof`] holds one.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient(Client);

impl AuthenticatedClient {
    /// The client.
    pub const fn client(&self) -> &Client {
        &self.0
    }
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

    /// Where the keys are that the proof needs, if this client keeps them at its `jwks_uri`. `offered` is the
    /// method with certificates that this deployment offers: for another one nothing is fetched.
    pub fn keys_at<'c>(&self, client: &'c Client, offered: Option<CertificateMethod>) -> Option<&'c str> {
        let metadata = &client.metadata;
        let by_key = match (self, metadata.token_endpoint_auth_method) {
            (Self::PrivateKeyJwt(_), Method::PrivateKeyJwt) => true,
            (Self::Tls(_), Method::SelfSignedTlsClientAuth) => {
                offered == Some(CertificateMethod::SelfSignedTlsClientAuth)
            }
            _ => false,
        };
        if by_key && !client.disabled { metadata.text("jwks_uri") } else { None }
    }

    /// Holds the credentials against the client found under [`Self::client_id`], if any. What a secret is
    /// compared with is the same work whatever is found (A4).
    ///
    /// # Errors
    /// [`ProveError`], which tells the log more than the client may know.
    pub fn prove(&self, client: Option<Client>, at: &Circumstances<'_>) -> Result<Proof, ProveError> {
        let matched = match self {
            Self::ClientSecretBasic(pair) | Self::ClientSecretPost(pair) => pair.matching(client.as_ref()),
            Self::PrivateKeyJwt(_) | Self::Tls(_) => None,
        };
        let Some(client) = client else { return Err(ProveError::UnknownClient) };
        // The method presented and the one registered are matched as a pair; all else is a mismatch.
        let once = match (self, client.metadata.token_endpoint_auth_method) {
            (Self::ClientSecretBasic(_), Method::ClientSecretBasic)
            | (Self::ClientSecretPost(_), Method::ClientSecretPost) => {
                IdAndSecret::prove(matched, &client, at.now)?;
                None
            }
            (Self::PrivateKeyJwt(assertion), Method::PrivateKeyJwt) => Some(assertion.prove(&client, at)?),
            (Self::Tls(pair), Method::TlsClientAuth) => {
                pair.prove_name(&client, at)?;
                None
            }
            (Self::Tls(pair), Method::SelfSignedTlsClientAuth) => {
                pair.prove_key(&client, at)?;
                None
            }
            _ => return Err(ProveError::WrongMethod),
        };
        if client.disabled {
            return Err(ProveError::Disabled);
        }
        let client = AuthenticatedClient(client);
        Ok(match once {
            None => Proof::Complete(client),
            Some((id, expires_at)) => Proof::FirstUse(FirstUse { client, id, expires_at }),
        })
    }
}

/// The client's keys: those that were fetched, or those that it registered.
fn with_keys<T>(
    client: &Client,
    at: &Circumstances<'_>,
    prove: impl FnOnce(&PublicKeys) -> Result<T, ProveError>,
) -> Result<T, ProveError> {
    if let Some(keys) = at.fetched {
        return prove(keys);
    }
    let registered = client.metadata.others.get("jwks").ok_or_else(|| ProveError::Keys("there are none".to_owned()))?;
    prove(&PublicKeys::parse(registered).map_err(|error| ProveError::Keys(format!("jwks {error}")))?)
}

#[cfg(test)]
mod tests;
