//! Software statements: RFC 7591 §2.3 and §3.1.1 (R17).

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::EpochSeconds;
use crate::error::{ErrorCode, OAuthError};
use crate::issuer::Issuer;
use crate::jose::{KeysError, PublicKeys, TokenError, UnverifiedToken};
use crate::metadata::names;
use crate::security_profile::SecurityProfile;

/// Claims of the JWT itself, which say nothing about the client (RFC 7519 §4.1).
const JWT_CLAIMS: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

/// The media type of a JWT without its `application/` (RFC 7519 §5.1).
const TYPE: &str = "jwt";

/// An issuer of software statements that this server's operator trusts.
#[derive(Clone, Debug, PartialEq)]
pub struct TrustedIssuer {
    /// Its `iss`.
    pub issuer: String,
    /// Its keys.
    pub keys: PublicKeys,
}

impl TrustedIssuer {
    /// Reads a list of issuers: a JSON array of objects with `issuer` and `jwks`.
    ///
    /// # Errors
    /// A text that says what is wrong.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, String> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Entry {
            issuer: String,
            jwks: Value,
        }
        let entries: Vec<Entry> = serde_json::from_str(text)
            .map_err(|_| "must be a JSON array of objects with `issuer` and `jwks`".to_owned())?;
        let parse = |entry: Entry| {
            let keys = PublicKeys::parse(&entry.jwks)
                .map_err(|error: KeysError| format!("the jwks of {:?} {error}", entry.issuer))?;
            Ok(Self { issuer: entry.issuer, keys })
        };
        entries.into_iter().map(parse).collect()
    }
}

/// Why a software statement is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// Its issuer is not one that is trusted.
    #[error("the issuer of the software statement is not trusted")]
    Unapproved,
    /// It has no `iss` (RFC 7591 §2.3).
    #[error("the software statement names no issuer")]
    NoIssuer,
    /// Its signature or its form is not good.
    #[error("the software statement cannot be verified: {0}")]
    Token(#[from] TokenError),
    /// It is a JWT of another kind, an access token for example (RFC 8725 §3.11).
    #[error("the typ of the software statement must be JWT or left out")]
    Type,
    /// It is for somebody else (RFC 7519 §4.1.3).
    #[error("the aud of the software statement must be or contain the issuer of this server, or be left out")]
    Audience,
    /// It is not valid at this time.
    #[error("the software statement is expired or not yet valid")]
    Expired,
}

impl From<StatementError> for OAuthError {
    fn from(error: StatementError) -> Self {
        let code = match error {
            StatementError::Unapproved => ErrorCode::UnapprovedSoftwareStatement,
            StatementError::NoIssuer
            | StatementError::Token(_)
            | StatementError::Type
            | StatementError::Audience
            | StatementError::Expired => ErrorCode::InvalidSoftwareStatement,
        };
        Self::new(code, error.to_string())
    }
}

/// The client metadata that a software statement vouches for, if it is one for `own`, the issuer of this server.
///
/// A trusted issuer may sign other JWTs with the same keys. Its access tokens and whatever else names its kind or
/// another audience are refused (RFC 8725 §3.9, §3.11).
///
/// # Errors
/// [`StatementError`].
pub fn verify(
    statement: &str,
    trusted: &[TrustedIssuer],
    own: &Issuer,
    now: EpochSeconds,
    profile: SecurityProfile,
) -> Result<Map<String, Value>, StatementError> {
    let token = UnverifiedToken::parse(statement)?;
    if !profile.allows(token.algorithm()) {
        return Err(TokenError::Algorithm.into());
    }
    if token.header_value("typ").is_some_and(|kind| !is_jwt(kind)) {
        return Err(StatementError::Type);
    }
    let claims = token.unverified_claims()?;
    let issuer = claims.text("iss").ok_or(StatementError::NoIssuer)?;
    let issuer = trusted.iter().find(|known| known.issuer == issuer).ok_or(StatementError::Unapproved)?;
    let claims = token.verify(&issuer.keys)?;
    if claims.get("aud").is_some_and(|audience| !names(audience, own)) {
        return Err(StatementError::Audience);
    }
    let time = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or(StatementError::Token(TokenError::Malformed)),
    };
    // The claim is a number with or without a fraction (RFC 7519 §2); so far from zero both are exact.
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are far below 2^53")]
    let now = now as f64;
    if time("exp")?.is_some_and(|end| end <= now) || time("nbf")?.is_some_and(|start| start > now) {
        return Err(StatementError::Expired);
    }
    let mut members = claims.into_members();
    // The statement itself comes back as it was sent (RFC 7591 §3.2.1), whatever it says of itself.
    members.retain(|name, _| {
        let name = name.as_str();
        !JWT_CLAIMS.contains(&name) && name != names::SOFTWARE_STATEMENT && !names::NOT_METADATA.contains(&name)
    });
    Ok(members)
}

/// Whether a `typ` says no more than that this is a JWT: in any case, and with or without `application/`
/// (RFC 7515 §4.1.9).
fn is_jwt(kind: &Value) -> bool {
    const PREFIX: &str = "application/";
    kind.as_str().is_some_and(|kind| {
        let kind = kind.to_ascii_lowercase();
        kind.strip_prefix(PREFIX).unwrap_or(&kind) == TYPE
    })
}

/// Whether an `aud` is or contains the issuer (RFC 7519 §4.1.3).
fn names(audience: &Value, own: &Issuer) -> bool {
    let is_own = |value: &Value| value.as_str() == Some(own.as_str());
    audience.as_array().map_or_else(|| is_own(audience), |audiences| audiences.iter().any(is_own))
}

#[cfg(test)]
mod tests;
