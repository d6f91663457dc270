//! Introspection and revocation: RFC 7662 §2, RFC 7009 §2.
//!
//! Tokens are not stored. What a token says of itself is proven by its signature; whether it was revoked and
//! whether its client is still there is asked of DynamoDB.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::EpochSeconds;
use crate::access_token::TYPE;
use crate::client::{Client, ClientId};
use crate::issuer::Issuer;
use crate::jose::{PublicKeys, TokenError, UnverifiedToken};

/// A valid access token of this server: its signature is right, and it has not expired.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnToken {
    /// The client it was issued to.
    pub client_id: ClientId,
    /// Its identifier.
    pub jti: String,
    /// The first second at which it is expired.
    pub exp: EpochSeconds,
    claims: Map<String, Value>,
}

/// Why a text is not a valid token of this server. For the log only: the client learns nothing of it (RFC 7662 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotOurs {
    /// Not a JWT signed by one of our keys.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A JWT for something else.
    #[error("not an access token of this issuer")]
    Other,
    /// It has expired.
    #[error("expired token")]
    Expired,
}

impl OwnToken {
    /// Checks a token's form, signature, issuer and lifetime.
    ///
    /// # Errors
    /// [`NotOurs`].
    pub fn verify(token: &str, keys: &PublicKeys, issuer: &Issuer, now: EpochSeconds) -> Result<Self, NotOurs> {
        let token = UnverifiedToken::parse(token)?;
        if token.header("typ") != Some(TYPE) || token.header("kid").is_none() {
            return Err(NotOurs::Other);
        }
        let claims = token.verify(keys)?;
        let text = |name| claims.text(name).ok_or(NotOurs::Other);
        if text("iss")? != issuer.as_str() {
            return Err(NotOurs::Other);
        }
        let client_id = ClientId::parse(text("client_id")?).map_err(|_| NotOurs::Other)?;
        let jti = text("jti")?.to_owned();
        let exp = claims.get("exp").and_then(Value::as_u64).ok_or(NotOurs::Other)?;
        if exp <= now {
            return Err(NotOurs::Expired);
        }
        Ok(Self { client_id, jti, exp, claims: claims.into_members() })
    }

    /// Whether a client may see the token: it is its own, or the client holds the scope for all (D3).
    pub fn is_visible_to(&self, caller: &Client, scope_for_all: Option<&str>) -> bool {
        caller.client_id == self.client_id || scope_for_all.is_some_and(|scope| caller.metadata.scope.contains(scope))
    }
}

/// The answer of introspection (RFC 7662 §2.2).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Introspection {
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    #[serde(flatten)]
    claims: Map<String, Value>,
}

impl Introspection {
    /// The response for a token that is invalid, or that the caller may not see.
    pub fn inactive() -> Self {
        Self { active: false, token_type: None, claims: Map::new() }
    }

    /// The response for a valid token: its claims, and how it is used.
    pub fn active(token: OwnToken) -> Self {
        let is_dpop = token.claims.get("cnf").is_some_and(|cnf| cnf.get("jkt").is_some());
        Self { active: true, token_type: Some(if is_dpop { "DPoP" } else { "Bearer" }), claims: token.claims }
    }
}
