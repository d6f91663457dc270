//! Why client authentication fails: RFC 6749 §5.2.

use crate::certificate::CertificateError;
use crate::error::{ErrorCode, OAuthError};
use crate::federation::FederationError;
use crate::jose::TokenError;

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
    /// An assertion without its type, or the other way round (RFC 7521 §4.2).
    #[error("client_assertion and client_assertion_type belong together")]
    IncompleteAssertion,
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
    /// An assertion that is not a JWT (RFC 7521 §4.2).
    #[error("unsupported client_assertion_type")]
    UnsupportedAssertion,
    /// The assertion cannot be read.
    #[error("client assertion: {0}")]
    MalformedAssertion(#[from] TokenError),
    /// The assertion does not name its client in `sub` (RFC 7523 §3).
    #[error("client assertion: sub is missing")]
    AssertionWithoutSubject,
    /// The assertion is not the client's own, and its issuer is not trusted.
    #[error("client assertion: its issuer is neither the client nor trusted")]
    UntrustedIssuer,
    /// The certificate cannot be read.
    #[error("client certificate: {0}")]
    Certificate(#[from] CertificateError),
}

impl From<PresentError> for OAuthError {
    fn from(error: PresentError) -> Self {
        match error {
            PresentError::RepeatedAuthorization
            | PresentError::TwoMethods
            | PresentError::ClientIdMismatch
            | PresentError::MissingClientId
            | PresentError::IncompleteAssertion
            | PresentError::InUrl => Self::new(ErrorCode::InvalidRequest, error.to_string()),
            PresentError::None
            | PresentError::UnsupportedScheme
            | PresentError::MalformedBasic
            | PresentError::MalformedClientId
            | PresentError::UnsupportedAssertion
            | PresentError::MalformedAssertion(_)
            | PresentError::AssertionWithoutSubject
            | PresentError::UntrustedIssuer
            | PresentError::Certificate(_) => authentication_failed(),
        }
    }
}

/// Why credentials do not prove a client. For the log only: the client is told the same for all (A4).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProveError {
    /// There is no such client.
    #[error("unknown client")]
    UnknownClient,
    /// No client trusts the subject of the assertion.
    #[error("no client trusts the subject of the assertion")]
    UnknownSubject,
    /// Several clients trust the subject of the assertion, and the request does not say which one it is.
    #[error("several clients trust the subject of the assertion; client_id is needed")]
    AmbiguousSubject,
    /// The client registered another method.
    #[error("not the registered method")]
    WrongMethod,
    /// The secret is not one of the client's.
    #[error("wrong secret")]
    WrongSecret,
    /// The secret is one of the client's, but has expired.
    #[error("expired secret")]
    ExpiredSecret,
    /// The client is disabled.
    #[error("disabled client")]
    Disabled,
    /// The keys at the client's `jwks_uri` cannot be fetched, or are invalid.
    #[error("the client's keys: {0}")]
    Keys(String),
    /// The document at the client's identifier cannot be fetched, or describes no client.
    #[error("the client's metadata document: {0}")]
    Document(String),
    /// The client has no keys of its own: it authenticates by its federated credentials alone.
    #[error("the client has registered no keys")]
    NoKeys,
    /// The assertion is invalid.
    #[error("client assertion: {0}")]
    Assertion(#[from] AssertionError),
    /// The assertion of a trusted issuer is invalid, or not this client's.
    #[error("federated assertion: {0}")]
    Federated(#[from] FederationError),
    /// The certificate is expired or not yet valid.
    #[error("client certificate: expired or not yet valid")]
    CertificateTime,
    /// The certificate is another client's.
    #[error("client certificate: not the registered name")]
    WrongName,
    /// The certificate's key is of a kind that no client can register.
    #[error("client certificate: unsupported kind of key")]
    UnknownKey,
    /// The certificate's key is not one of the client's.
    #[error("client certificate: not a registered key")]
    WrongKey,
    /// The certificate is that of a certificate authority.
    #[error("client certificate: it may sign others (basicConstraints CA:TRUE)")]
    Authority,
    /// The certificate's key is shorter than the security profile allows, or of an unknown kind.
    #[error(
        "client certificate: the security profile requires an RSA key of at least 2048 bits or a P-256, P-384 or \
             Ed25519 key"
    )]
    ShortKey,
    /// This deployment does not offer the method that the client registered.
    #[error("this server does not offer the registered method")]
    MethodNotOffered,
}

/// Why an assertion is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    /// None of the client's keys has signed it.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The client registered another algorithm.
    #[error("not the registered algorithm")]
    Algorithm,
    /// `iss` and `sub` are not both the client (RFC 7523 §3).
    #[error("iss and sub are not both the client")]
    Issuer,
    /// Its audience is not this server, or not this server alone.
    #[error("aud is not this server alone")]
    Audience,
    /// Its audience is this server, but in an array, which the security profile does not allow.
    #[error("aud is an array; the security profile requires a string")]
    AudienceList,
    /// A required claim is missing, or a claim has the wrong type.
    #[error("{0} is missing or malformed")]
    Claim(&'static str),
    /// It has expired.
    #[error("expired")]
    Expired,
    /// It is valid for longer from now than
    /// [`assertion_max_lifetime`](super::ProofContext::assertion_max_lifetime).
    #[error("exp is too far ahead")]
    TooLong,
    /// It is not yet valid.
    #[error("not yet good")]
    NotYet,
    /// It was used before.
    #[error("used before")]
    Replayed,
}

impl ProveError {
    /// Whether another key might have proven more: that of a client which has a new one.
    pub const fn is_about_the_key(&self) -> bool {
        matches!(
            self,
            Self::WrongKey
                | Self::Assertion(AssertionError::Token(TokenError::NoKey | TokenError::Signature))
                | Self::Federated(FederationError::Token(TokenError::NoKey | TokenError::Signature))
        )
    }
}

impl From<ProveError> for OAuthError {
    fn from(_: ProveError) -> Self {
        authentication_failed()
    }
}

/// Why the assertion that is a grant (RFC 7523 §2.1) is invalid. For the log only: the client is told the same for all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssertionGrantError {
    /// The assertion cannot be read, or nobody vouches for it.
    #[error("grant: {0}")]
    Present(#[from] PresentError),
    /// The assertion proves no client.
    #[error("grant: {0}")]
    Prove(#[from] ProveError),
    /// The assertion is of another client than the one that the request names or authenticates.
    #[error("grant: the assertion is of another client")]
    OtherClient,
    /// The assertion has expired since it was verified.
    #[error("grant: expired")]
    Expired,
}

impl From<AssertionGrantError> for OAuthError {
    fn from(_: AssertionGrantError) -> Self {
        Self::new(ErrorCode::InvalidGrant, "the assertion is invalid")
    }
}

/// The one answer to every failed authentication (A4, RFC 6749 §5.2).
pub(super) fn authentication_failed() -> OAuthError {
    OAuthError::new(ErrorCode::InvalidClient, "client authentication failed")
}
