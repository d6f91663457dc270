//! Client authentication at the token endpoint: RFC 6749 §2.3.
//!
//! Two steps. *Present*: [`Credentials::present`] finds out what the request claims and by which
//! method. *Prove*: [`Credentials::prove`] holds it against the registered client. A new method adds
//! one file with one of each, and one line in [`methods!`].

mod basic;
mod post;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::EpochSeconds;
use crate::client::{Client, ClientId, StoredSecret};
use crate::error::{ErrorCode, OAuthError};
use crate::form::Form;
use crate::secret::SecretHash;

macro_rules! methods {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// A method of client authentication, by its registered name (RFC 7591 §2). The one list:
        /// registration, the token endpoint and the metadata document all read it.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Method { $($(#[$doc])* #[serde(rename = $name)] $variant,)* }

        impl Method {
            /// All methods this server supports.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The registered name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

methods! {
    /// Identifier and secret as HTTP Basic credentials (RFC 6749 §2.3.1).
    #[default]
    ClientSecretBasic = "client_secret_basic";
    /// Identifier and secret as parameters of the body (RFC 6749 §2.3.1).
    ClientSecretPost = "client_secret_post";
}

impl Method {
    /// The method with this name, if it is supported.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|method| method.as_str() == name)
    }

    /// Whether registration makes a secret for it (R11).
    pub const fn has_secret(self) -> bool {
        match self {
            Self::ClientSecretBasic | Self::ClientSecretPost => true,
        }
    }
}

/// The parameters that carry credentials, and so must never stand in a URL (RFC 6749 §2.3.1).
const CREDENTIAL_PARAMETERS: [&str; 4] = ["client_id", "client_secret", "client_assertion", "client_assertion_type"];

/// What a request presents, by one method; nothing of it is proven.
#[derive(Debug)]
pub enum Credentials {
    /// `client_secret_basic`.
    ClientSecretBasic(IdAndSecret),
    /// `client_secret_post`.
    ClientSecretPost(IdAndSecret),
}

/// A client identifier and the hash of the secret that came with it: the secret itself goes no further.
pub struct IdAndSecret {
    client_id: ClientId,
    secret: SecretHash,
}

impl fmt::Debug for IdAndSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdAndSecret").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// Why a request presents no credentials that could be proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PresentError {
    /// More than one `Authorization` header, also joined into one with a comma.
    #[error("more than one Authorization header")]
    RepeatedAuthorization,
    /// More than one method of authentication (RFC 6749 §2.3).
    #[error("more than one method of client authentication")]
    TwoMethods,
    /// The `client_id` in the body is not the one in the credentials.
    #[error("client_id is not that of the credentials")]
    ClientIdMismatch,
    /// A secret without an identifier.
    #[error("client_id is missing")]
    MissingClientId,
    /// Credentials in the request's URL (RFC 6749 §2.3.1).
    #[error("client credentials in the URL")]
    InUrl,
    /// No credentials at all.
    #[error("no client authentication")]
    None,
    /// An `Authorization` scheme other than Basic.
    #[error("unsupported method of client authentication")]
    UnsupportedScheme,
    /// The Basic credentials cannot be read (RFC 6749 §2.3.1, RFC 7617 §2).
    #[error("malformed Basic credentials")]
    MalformedBasic,
    /// The identifier is one that no client can have.
    #[error("malformed client identifier")]
    MalformedClientId,
}

impl From<PresentError> for OAuthError {
    fn from(error: PresentError) -> Self {
        match error {
            PresentError::RepeatedAuthorization
            | PresentError::TwoMethods
            | PresentError::ClientIdMismatch
            | PresentError::MissingClientId
            | PresentError::InUrl => Self::new(ErrorCode::InvalidRequest, error.to_string()),
            PresentError::None
            | PresentError::UnsupportedScheme
            | PresentError::MalformedBasic
            | PresentError::MalformedClientId => authentication_failed(),
        }
    }
}

/// Why credentials do not prove a client. For the log only: the client is told the same for all (A4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProveError {
    /// There is no such client.
    #[error("unknown client")]
    UnknownClient,
    /// The client registered another method.
    #[error("not the registered method")]
    WrongMethod,
    /// The secret is not one of the client's.
    #[error("wrong secret")]
    WrongSecret,
    /// The secret was the client's, and has ended.
    #[error("expired secret")]
    ExpiredSecret,
    /// The client is disabled.
    #[error("disabled client")]
    Disabled,
}

impl From<ProveError> for OAuthError {
    fn from(_: ProveError) -> Self {
        authentication_failed()
    }
}

/// The one answer to every failed authentication (A4, RFC 6749 §5.2).
fn authentication_failed() -> OAuthError {
    OAuthError::new(ErrorCode::InvalidClient, "client authentication failed")
}

/// A client that has proven who it is. Only [`Credentials::prove`] makes one.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient(Client);

impl AuthenticatedClient {
    /// The client.
    pub const fn client(&self) -> &Client {
        &self.0
    }
}

impl Credentials {
    /// Finds the credentials that a request presents, and that they are presented once, by one method.
    ///
    /// `authorization` holds the values of all `Authorization` headers, `query` the URL's parameters,
    /// `form` the body's.
    ///
    /// # Errors
    /// [`PresentError`].
    pub fn present(authorization: &[&[u8]], query: &Form<'_>, form: &Form<'_>) -> Result<Self, PresentError> {
        if CREDENTIAL_PARAMETERS.iter().any(|name| query.value(name).is_some()) {
            return Err(PresentError::InUrl);
        }
        let header = match authorization {
            [] => None,
            [one] if one.contains(&b',') => return Err(PresentError::RepeatedAuthorization),
            [one] => Some(*one),
            _ => return Err(PresentError::RepeatedAuthorization),
        };
        match (header, form.value("client_secret")) {
            (Some(_), Some(_)) => Err(PresentError::TwoMethods),
            (Some(header), None) => {
                let pair = basic::present(header)?;
                if form.value("client_id").is_some_and(|id| id != pair.client_id.as_str()) {
                    return Err(PresentError::ClientIdMismatch);
                }
                Ok(Self::ClientSecretBasic(pair))
            }
            (None, Some(secret)) => post::present(form, secret).map(Self::ClientSecretPost),
            (None, None) => Err(PresentError::None),
        }
    }

    /// The identifier that is claimed.
    pub const fn client_id(&self) -> &ClientId {
        match self {
            Self::ClientSecretBasic(pair) | Self::ClientSecretPost(pair) => &pair.client_id,
        }
    }

    /// Holds the credentials against the client found under [`Self::client_id`], if any. The work is
    /// the same whatever is found (A4).
    ///
    /// # Errors
    /// [`ProveError`], which tells the log more than the client may know.
    pub fn prove(&self, client: Option<Client>, now: EpochSeconds) -> Result<AuthenticatedClient, ProveError> {
        let (Self::ClientSecretBasic(pair) | Self::ClientSecretPost(pair)) = self;
        let matched = pair.matching(client.as_ref());
        let Some(client) = client else { return Err(ProveError::UnknownClient) };
        // The method presented and the one registered are matched as a pair; all else is a mismatch.
        match (self, client.metadata.token_endpoint_auth_method) {
            (Self::ClientSecretBasic(_), Method::ClientSecretBasic)
            | (Self::ClientSecretPost(_), Method::ClientSecretPost) => {}
            _ => return Err(ProveError::WrongMethod),
        }
        let secret = matched.and_then(|at| client.client_secrets.get(at)).ok_or(ProveError::WrongSecret)?;
        if !secret.is_good_at(now) {
            return Err(ProveError::ExpiredSecret);
        }
        if client.disabled {
            return Err(ProveError::Disabled);
        }
        Ok(AuthenticatedClient(client))
    }
}

/// How many secrets a client can have at a time.
const MAX_SECRETS: usize = 2;

impl IdAndSecret {
    fn new(client_id: &str, secret: &str) -> Result<Self, PresentError> {
        let client_id = ClientId::parse(client_id).map_err(|_| PresentError::MalformedClientId)?;
        Ok(Self { client_id, secret: SecretHash::of(secret) })
    }

    /// Which of the client's secrets is the presented one. Always [`MAX_SECRETS`] comparisons, each in
    /// constant time, also where there is no client.
    fn matching(&self, client: Option<&Client>) -> Option<usize> {
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
}

#[cfg(test)]
mod tests;
