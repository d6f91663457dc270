//! Why an assertion of another issuer is invalid.

use crate::jose::TokenError;

/// Why an assertion is invalid. For the log and the operator only: the client is told the same for all (A4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FederationError {
    /// It is not by the issuer that it was checked for.
    #[error("iss is not the trusted issuer")]
    Issuer,
    /// It is a JWT of another kind, an access token for example (RFC 8725 §3.11).
    #[error("typ is neither absent, nor JWT, nor JOSE")]
    Type,
    /// The operator does not allow the algorithm for this issuer.
    #[error("the issuer may not use this algorithm")]
    Algorithm,
    /// Its audience is not this server, or not this server alone.
    #[error("aud is not this server alone")]
    Audience,
    /// A required claim is missing, or a claim has the wrong type.
    #[error("{0} is missing or malformed")]
    Claim(&'static str),
    /// It has expired.
    #[error("expired")]
    Expired,
    /// It is not yet valid.
    #[error("not yet valid")]
    NotYet,
    /// It is valid for longer than the issuer's `max_lifetime`.
    #[error("the lifetime exceeds max_lifetime")]
    TooLong,
    /// None of the client's federated credentials has this issuer and this subject.
    #[error("no federated credential of the client has this iss and sub")]
    Subject,
    /// There are federated credentials with this issuer and this subject, but their other claims differ.
    #[error("the claims are not those of the client's federated credential")]
    Claims,
    /// None of the issuer's keys has signed it.
    #[error(transparent)]
    Token(#[from] TokenError),
}
