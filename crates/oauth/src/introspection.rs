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

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer;
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
    use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
    use serde_json::json;

    use super::*;
    use crate::jwk::{PublicKey, SigningAlgorithm};
    use crate::metadata::{ClientMetadata, StoredMetadata};
    use crate::scope::Scope;

    const ID: &str = "07070707-0707-4707-8707-070707070707";
    const NOW: EpochSeconds = 1000;

    /// What is read of a token with these members of the header and the claims changed.
    fn read(header: &Value, claims: &Value) -> Result<OwnToken, NotOurs> {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        let spki = key.public_key().as_der().expect("DER");
        let public = PublicKey::from_spki(spki.as_ref(), SigningAlgorithm::Es256).expect("a public key");
        let changed = |mut all: Value, changes: &Value| {
            let members = all.as_object_mut().expect("an object");
            members.extend(changes.as_object().expect("an object").clone());
            members.retain(|_, value| !value.is_null());
            BASE64_URL_SAFE_NO_PAD.encode(all.to_string())
        };
        let header = changed(json!({"typ": "at+jwt", "alg": "ES256", "kid": public.kid.as_str()}), header);
        let all = json!({"iss": "https://as.example", "client_id": ID, "jti": "1", "exp": NOW + 1, "scope": "read"});
        let input = format!("{header}.{}", changed(all, claims));
        let signature = key.sign(&SystemRandom::new(), input.as_bytes()).expect("a signature");
        let token = format!("{input}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature));
        let issuer = Issuer::parse("https://as.example").expect("an issuer");
        OwnToken::verify(&token, &PublicKeys::own([&public]), &issuer, NOW)
    }

    fn client(id: &str, scope: &str) -> Client {
        let scope = Scope::parse(scope).expect("a scope");
        Client {
            client_id: ClientId::parse(id).expect("an identifier"),
            client_id_issued_at: 1,
            client_secrets: Vec::new(),
            registration_access_token: None,
            scope_ceiling: None,
            disabled: false,
            expires_at: None,
            metadata: ClientMetadata::from_stored(StoredMetadata { scope, ..StoredMetadata::default() })
                .expect("metadata"),
        }
    }

    /// D3: what makes a JWT of this server's key an access token of this issuer.
    #[test]
    fn d3_own_tokens() {
        let token = read(&json!({}), &json!({})).expect("an access token");
        assert_eq!((token.client_id.as_str(), token.jti.as_str(), token.exp), (ID, "1", NOW + 1));
        for (header, claims, error) in [
            (json!({"typ": "JWT"}), json!({}), NotOurs::Other),
            (json!({"typ": null}), json!({}), NotOurs::Other),
            (json!({"kid": null}), json!({}), NotOurs::Other),
            (json!({"kid": "other"}), json!({}), NotOurs::Token(TokenError::NoKey)),
            (json!({}), json!({"iss": "https://other.example"}), NotOurs::Other),
            (json!({}), json!({"iss": null}), NotOurs::Other),
            (json!({}), json!({"client_id": null}), NotOurs::Other),
            (json!({}), json!({"client_id": ""}), NotOurs::Other),
            (json!({}), json!({"jti": null}), NotOurs::Other),
            (json!({}), json!({"exp": "1001"}), NotOurs::Other),
            (json!({}), json!({"exp": NOW}), NotOurs::Expired),
            (json!({}), json!({"exp": NOW - 1}), NotOurs::Expired),
        ] {
            assert_eq!(read(&header, &claims), Err(error), "{header} {claims}");
        }
    }

    /// D3: a client sees its own tokens; with the scope for it, those of all.
    #[test]
    fn d3_visible_tokens() {
        let token = read(&json!({}), &json!({})).expect("an access token");
        let other = "17070707-0707-4707-8707-070707070707";
        assert!(token.is_visible_to(&client(ID, "read"), None));
        assert!(!token.is_visible_to(&client(other, "read all"), None));
        assert!(token.is_visible_to(&client(other, "read all"), Some("all")));
        assert!(!token.is_visible_to(&client(other, "read"), Some("all")));
    }

    /// D3, J5: the response, by how the token is used.
    #[test]
    fn d3_j5_response() {
        let response = |claims: Value| {
            let token = read(&json!({}), &claims).expect("an access token");
            serde_json::to_value(Introspection::active(token)).expect("JSON")
        };
        let plain = response(json!({}));
        assert_eq!(
            (&plain["active"], &plain["token_type"], &plain["scope"]),
            (&json!(true), &json!("Bearer"), &json!("read"))
        );
        assert_eq!(response(json!({"cnf": {"jkt": "a"}}))["token_type"], "DPoP");
        assert_eq!(response(json!({"cnf": {"x5t#S256": "a"}}))["token_type"], "Bearer");
        assert_eq!(serde_json::to_value(Introspection::inactive()).expect("JSON"), json!({"active": false}));
    }
}
