//! The decision about tokens of our making, and of anybody's.

mod any;
mod binding;
mod tokens;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};
use tokenmint_oauth::issuer::Issuer;
use tokenmint_oauth::security_profile::SecurityProfile;

use super::*;
use crate::scheme::Scheme;

const NOW: EpochSeconds = 1_700_000_000;
const URL: &str = "https://api.example/items";

/// RFC 8705 Appendix A: the example certificate and its thumbprint.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----
MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAx
ODEyMzcwOVoXDTIyMDUwMjEyMzcwOVowDzENMAsGA1UEAwwEbXRsczBZMBMGByqG
SM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ
/Au08/coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0tH6IxLm8wCgYIKoZIzj0EAwID
SQAwRgIhAP0RC1E+vwJD/D1AGHGzuri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOV
bUlJSGQgjwD5vaUaKlLR50Q2DmFfQj1L+SY=
-----END CERTIFICATE-----";
const THUMBPRINT: &str = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0";

/// A key of P-256.
struct Key {
    key: EncodingKey,
    jwk: Value,
}

impl Key {
    fn new() -> Self {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        let key = EncodingKey::from_ec_der(pkcs8.expect("a key").as_ref());
        let jwk = serde_json::to_value(Jwk::from_encoding_key(&key, Algorithm::ES256).expect("a JWK")).expect("JSON");
        Self { key, jwk }
    }

    fn keys(&self) -> PublicKeys {
        let mut jwk = self.jwk.clone();
        jwk["kid"] = "1".into();
        PublicKeys::parse(&json!({"keys": [jwk]})).expect("a key")
    }

    fn thumbprint(&self) -> String {
        self.keys().thumbprint().expect("a thumbprint")
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = crypto::sign(message.as_bytes(), &self.key, Algorithm::ES256).expect("a signature");
        format!("{message}.{signature}")
    }

    /// An access token with these members of the claims changed, or left out where they are `null`.
    fn token(&self, changes: &Value) -> String {
        self.sign(&json!({"typ": "at+jwt", "alg": "ES256", "kid": "1"}), &changed(&claims(), changes))
    }

    /// A proof for a token, with these members of the claims changed.
    fn proof(&self, token: &str, changes: &Value) -> String {
        let ath =
            BASE64_URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes()));
        let claims = json!({"jti": "1", "htm": "GET", "htu": URL, "iat": NOW, "ath": ath});
        self.sign(&json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk}), &changed(&claims, changes))
    }
}

fn claims() -> Value {
    json!({
        "iss": "https://as.example", "sub": "client", "client_id": "client", "aud": "https://api.example",
        "exp": NOW + 60, "iat": NOW, "jti": "1", "scope": "read write",
    })
}

fn changed(members: &Value, changes: &Value) -> Value {
    let mut members = members.as_object().expect("an object").clone();
    members.extend(changes.as_object().expect("an object").clone());
    members.retain(|_, value| !value.is_null());
    members.into()
}

fn verifier(change: impl FnOnce(&mut Settings)) -> Verifier {
    let mut settings = Settings::new(Issuer::parse("https://as.example").expect("an issuer"), "https://api.example");
    change(&mut settings);
    Verifier::new(settings).expect("settings")
}

/// Decides about a request with these headers, at a time.
struct Decision<'a> {
    verifier: &'a Verifier,
    keys: PublicKeys,
    replays: Replays,
    certificate: Option<&'a str>,
    /// What the request needs.
    scope: Scope,
}

impl<'a> Decision<'a> {
    fn new(verifier: &'a Verifier, key: &Key) -> Self {
        Self { verifier, keys: key.keys(), replays: Replays::default(), certificate: None, scope: Scope::default() }
    }

    fn at(&self, now: EpochSeconds, authorization: &[u8], dpop: &[&[u8]]) -> Result<AccessToken, Refusal> {
        let request = Request {
            method: "GET",
            urls: &[URL],
            authorization: &[authorization],
            dpop,
            certificate: self.certificate,
        };
        let presented = self.verifier.present(request, now)?;
        self.verifier.verify(&presented, &self.keys, &self.scope, &self.replays, now)
    }

    fn bearer(&self, token: &str) -> Result<AccessToken, Refusal> {
        self.at(NOW, format!("Bearer {token}").as_bytes(), &[])
    }

    fn dpop(&self, token: &str, proofs: &[&str]) -> Result<AccessToken, Refusal> {
        let proofs: Vec<_> = proofs.iter().map(|proof| proof.as_bytes()).collect();
        self.at(NOW, format!("dpop {token}").as_bytes(), &proofs)
    }
}

const fn bearer(refusal: TokenRefusal) -> Refusal {
    Refusal::Token(Scheme::Bearer, refusal)
}
