//! Client authentication at the token endpoint: RFC 6749 §2.3.
//!
//! Two steps. *Present*: [`Credentials::present`] finds out what the request claims and by which
//! method. *Prove*: [`Credentials::prove`] verifies it against the registered client; where only a key is missing
//! that lies elsewhere, [`NeedsKeys::prove`] ends what it began. A new method adds one file with one of each,
//! and one line in the list of [`Method`].

mod basic;
mod by_key;
mod error;
mod post;
pub mod private_key_jwt;
mod secret_pair;
mod tls;

use crate::EpochSeconds;
use crate::client::{Client, ClientId};
use crate::form::Form;
use crate::jose::Verified;
use crate::method::{CertificateMethod, Method, MethodChoice};
use by_key::ByKey;
pub use by_key::NeedsKeys;
#[cfg(test)]
use error::authentication_failed;
pub use error::{PresentError, ProveError};
use private_key_jwt::{Assertion, AssertionError, Jti};
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

/// What credentials are verified against beside the registered client.
#[derive(Clone, Copy, Debug)]
pub struct ProofContext<'a> {
    /// The time.
    pub now: EpochSeconds,
    /// What an assertion may name as its audience: the issuer and, where the operator wants it, the token
    /// endpoint (A6).
    pub audiences: &'a [&'a str],
    /// How far ahead `exp` of an assertion may be, in seconds, beside what clocks may differ. An assertion is
    /// remembered until it expires, and until then it is valid in the hands of whoever finds it (A6, RFC 7523 §3).
    pub assertion_max_lifetime: u32,
    /// The method with certificates that this deployment offers, if it offers one (A7).
    pub certificate_method: Option<CertificateMethod>,
}

/// How far credentials are proven by what the server has at hand.
#[derive(Debug)]
pub enum Progress<'c> {
    /// As far as they can be.
    Proven(Proof),
    /// In all but the key, which is at the client's `jwks_uri`.
    NeedsKeys(NeedsKeys<'c>),
}

/// Credentials that are valid.
#[derive(Debug)]
pub enum Proof {
    /// Nothing is left to check.
    Complete(AuthenticatedClient),
    /// The client is who it says, if this is the first time that it says so with this assertion.
    FirstUse(FirstUse),
}

/// An assertion that is valid in all but this: whether it was used before.
#[derive(Debug)]
pub struct FirstUse {
    client: AuthenticatedClient,
    jti: Jti<Verified>,
    checked_at: EpochSeconds,
}

impl FirstUse {
    /// What the assertion is remembered by: different for each client and each `jti`.
    pub fn id(&self) -> &str {
        &self.jti.id
    }

    /// The first second at which the assertion is expired.
    pub const fn expires_at(&self) -> EpochSeconds {
        self.jti.expires_at
    }

    /// The time at which the assertion was found not to be expired, always before [`Self::expires_at`]. A use
    /// that is remembered counts at this time, however late it is now: by a later time the assertion might have
    /// expired, and its first use would be forgotten.
    pub const fn checked_at(&self) -> EpochSeconds {
        self.checked_at
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

    /// Verifies the credentials against the client found under [`Self::client_id`], if any. What a secret is
    /// compared with is the same work whatever is found (A4). Keys come last: of a client that is disabled, or
    /// for credentials that no key could make valid, nobody asks for any (A6).
    ///
    /// # Errors
    /// [`ProveError`], which tells the log more than the client may know.
    pub fn prove<'c>(&'c self, client: Option<Client>, at: &ProofContext<'c>) -> Result<Progress<'c>, ProveError> {
        let matched = match self {
            Self::ClientSecretBasic(pair) | Self::ClientSecretPost(pair) => pair.matching(client.as_ref()),
            Self::PrivateKeyJwt(_) | Self::Tls(_) => None,
        };
        let Some(client) = client else { return Err(ProveError::UnknownClient) };
        let either_secret = client.metadata.method_choice == MethodChoice::Defaulted;
        // The method presented and the one registered are matched as a pair; all else is a mismatch.
        let by_key = match (self, client.metadata.token_endpoint_auth_method) {
            (Self::ClientSecretBasic(_), Method::ClientSecretBasic)
            | (Self::ClientSecretPost(_), Method::ClientSecretPost) => {
                IdAndSecret::prove(matched, &client, at.now)?;
                None
            }
            (Self::ClientSecretPost(_), Method::ClientSecretBasic) if either_secret => {
                IdAndSecret::prove(matched, &client, at.now)?;
                None
            }
            (Self::PrivateKeyJwt(assertion), Method::PrivateKeyJwt) => {
                Some(ByKey::Assertion(assertion.check(&client, at)?))
            }
            (Self::Tls(pair), Method::TlsClientAuth) => {
                pair.prove_name(&client, at)?;
                None
            }
            (Self::Tls(pair), Method::SelfSignedTlsClientAuth) => Some(ByKey::Certificate(pair.check_self_signed(at)?)),
            _ => return Err(ProveError::WrongMethod),
        };
        if client.disabled {
            return Err(ProveError::Disabled);
        }
        match by_key {
            None => Ok(Progress::Proven(Proof::Complete(AuthenticatedClient(client)))),
            Some(by_key) => NeedsKeys::resolve(client, by_key, at),
        }
    }
}

#[cfg(test)]
mod tests;
