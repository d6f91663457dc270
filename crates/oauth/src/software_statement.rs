//! Software statements: RFC 7591 §2.3 and §3.1.1 (R17).

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::EpochSeconds;
use crate::error::{ErrorCode, OAuthError};
use crate::jose::{KeysError, PublicKeys, TokenError, UnverifiedToken};

/// The longest software statement, in bytes.
pub const MAX_BYTES: usize = 16 * 1024;

/// Claims of the JWT itself, which say nothing about the client (RFC 7519 §4.1).
const JWT_CLAIMS: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

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
    /// It is not good at this time.
    #[error("the software statement is expired or not yet good")]
    Expired,
}

impl From<StatementError> for OAuthError {
    fn from(error: StatementError) -> Self {
        let code = match error {
            StatementError::Unapproved => ErrorCode::UnapprovedSoftwareStatement,
            StatementError::NoIssuer | StatementError::Token(_) | StatementError::Expired => {
                ErrorCode::InvalidSoftwareStatement
            }
        };
        Self::new(code, error.to_string())
    }
}

/// The client metadata that a software statement vouches for.
///
/// # Errors
/// [`StatementError`].
pub fn verify(
    statement: &str,
    trusted: &[TrustedIssuer],
    now: EpochSeconds,
) -> Result<Map<String, Value>, StatementError> {
    let token = UnverifiedToken::parse(statement)?;
    let claims = token.unverified_claims()?;
    let issuer = claims.text("iss").ok_or(StatementError::NoIssuer)?;
    let issuer = trusted.iter().find(|known| known.issuer == issuer).ok_or(StatementError::Unapproved)?;
    let claims = token.verify(&issuer.keys)?;
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
    members.retain(|name, _| !JWT_CLAIMS.contains(&name.as_str()));
    Ok(members)
}
