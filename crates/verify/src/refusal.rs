//! Why a request is refused: RFC 6750 §3.1, RFC 9449 §7.1.

use tokenmint_fetch::FetchError;
use tokenmint_oauth::dpop::ProofError;
use tokenmint_oauth::jose::TokenError;
use tokenmint_oauth::scope::Scope;

use crate::scheme::Scheme;

/// Why a request is refused. The text is for the developer of the client, and holds nothing that the client sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No access token: the challenge has no error code (RFC 6750 §3.1).
    #[error("send an access token in the Authorization header")]
    NoToken,
    /// More than one `Authorization` header, also joined into one with a comma.
    #[error("send exactly one access token, in one Authorization header")]
    Repeated,
    /// The token is not valid, or not in this request.
    #[error("{1}")]
    Token(Scheme, TokenRefusal),
    /// The `DPoP` proof is not valid (RFC 9449 §4.3).
    #[error("{0}")]
    Proof(ProofRefusal),
    /// The token does not allow the request, which needs this scope.
    #[error("the access token lacks the scope of this request; ask for a token with it")]
    Scope(Scheme, Scope),
    /// The issuer's keys, or its answer about the token, are out of reach. A retry may succeed.
    #[error("the access token cannot be verified at the moment; try again later")]
    Unavailable(Unavailable),
}

/// What is out of reach. For the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The issuer's metadata.
    #[error("the metadata of the issuer: {0}")]
    Metadata(FetchError),
    /// The metadata is for another issuer, or lacks a URL.
    #[error("the metadata of the issuer is not that of this issuer, or lacks a URL")]
    OtherMetadata,
    /// The issuer's keys.
    #[error("the keys of the issuer: {0}")]
    Keys(FetchError),
    /// The issuer's answer about the token.
    #[error("introspection: {0}")]
    Introspection(FetchError),
    /// Too many proofs are remembered.
    #[error("too many DPoP proofs are remembered")]
    Proofs,
}

/// Why a token is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    /// Not a JWT in compact form.
    #[error("the access token is malformed")]
    Malformed,
    /// `typ` is not `at+jwt` (RFC 9068 §4).
    #[error("typ of the access token is not at+jwt")]
    Type,
    /// The algorithm is not one of those allowed.
    #[error("the access token is signed with an algorithm that is not allowed")]
    Algorithm,
    /// An extension that must be understood (RFC 7515 §4.1.11).
    #[error("the access token has a critical header that is not understood")]
    Critical,
    /// The issuer has no key of this `kid` and algorithm.
    #[error("the access token is signed with an unknown key")]
    UnknownKey,
    /// Another key signed it.
    #[error("the signature of the access token is invalid")]
    Signature,
    /// `iss` is another one.
    #[error("the access token is of another issuer")]
    Issuer,
    /// `aud` has none of this server's.
    #[error("the access token is for another resource; ask for one for this resource")]
    Audience,
    /// `exp` is over.
    #[error("the access token is expired; ask for a new one")]
    Expired,
    /// `iat` or `nbf` is in the future.
    #[error("the access token is not valid yet")]
    NotYet,
    /// A claim that RFC 9068 §2.2 requires is missing, or has a wrong type.
    #[error("the access token has no valid claim {0}")]
    Claim(&'static str),
    /// The token is bound to a key, and was sent as a bearer token (RFC 9449 §7.2).
    #[error("the access token is bound to a key; send it with the DPoP scheme and a proof")]
    Downgraded,
    /// The token was sent with the `DPoP` scheme, and is not bound to a key.
    #[error("the access token is not bound to a key; send it with the Bearer scheme")]
    NotBoundToKey,
    /// The proof is of another key than the token.
    #[error("the access token is bound to another key than the one of the DPoP proof")]
    OtherKey,
    /// The token is bound to a certificate, and the connection has none (RFC 8705 §3).
    #[error("the access token is bound to a certificate; use mutual TLS with it")]
    NoCertificate,
    /// The token is bound to another certificate.
    #[error("the access token is bound to another certificate than the one of the connection")]
    OtherCertificate,
    /// The token is bound by a method that this server cannot check (RFC 7800 §3.1).
    #[error("the access token is bound by a method that is not supported")]
    Confirmation,
    /// This server takes only tokens that are bound.
    #[error("the access token must be bound to a key or a certificate")]
    Unbound,
    /// The issuer says that the token is not active (RFC 7662 §2.2).
    #[error("the access token was revoked")]
    Revoked,
}

/// Why a proof is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofRefusal {
    /// There is none.
    #[error("send a DPoP proof in the DPoP header")]
    Missing,
    /// It fails a check that needs no token.
    #[error("{0}")]
    Invalid(ProofError),
    /// It is older than this server allows.
    #[error("iat of the proof is too far from now")]
    Old,
    /// `ath` is not the hash of the token.
    #[error("ath of the proof is not the hash of the access token")]
    OtherToken,
    /// It was used before.
    #[error("the proof was used before; make a new one for each request")]
    Replayed,
}

impl From<TokenError> for TokenRefusal {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Malformed => Self::Malformed,
            TokenError::Algorithm => Self::Algorithm,
            TokenError::Critical => Self::Critical,
            TokenError::NoKey => Self::UnknownKey,
            TokenError::Signature => Self::Signature,
        }
    }
}

impl Refusal {
    /// The registered code (RFC 6750 §3.1, RFC 9449 §7.1, RFC 6749 §4.1.2.1). A request without a token gets none.
    pub const fn code(&self) -> Option<&'static str> {
        match self {
            Self::NoToken => None,
            Self::Repeated => Some("invalid_request"),
            Self::Token(..) => Some("invalid_token"),
            Self::Proof(_) => Some("invalid_dpop_proof"),
            Self::Scope(..) => Some("insufficient_scope"),
            Self::Unavailable(_) => Some("temporarily_unavailable"),
        }
    }

    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Repeated => 400,
            Self::NoToken | Self::Token(..) | Self::Proof(_) => 401,
            Self::Scope(..) => 403,
            Self::Unavailable(_) => 503,
        }
    }

    /// Whether newer keys of the issuer could change the decision.
    pub const fn is_about_the_keys(&self) -> bool {
        matches!(self, Self::Token(_, TokenRefusal::UnknownKey))
    }
}
