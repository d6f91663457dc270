//! A client's key, and its signatures.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};
use tokenmint_tests::{Answer, World, events};

/// `client_assertion_type` of RFC 7523 §2.2, form-encoded.
const TYPE: &str = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";

/// A client's key.
pub(crate) struct ClientKey {
    algorithm: Algorithm,
    key: EncodingKey,
    /// Its public key, with `kid`.
    pub(crate) jwk: Value,
}

impl ClientKey {
    /// A key for this algorithm.
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        let random = SystemRandom::new();
        let key = match algorithm {
            Algorithm::ES256 => {
                let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
                EncodingKey::from_ec_der(pkcs8.expect("a key").as_ref())
            }
            Algorithm::ES384 => {
                let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &random);
                EncodingKey::from_ec_der(pkcs8.expect("a key").as_ref())
            }
            Algorithm::EdDSA => {
                EncodingKey::from_ed_der(Ed25519KeyPair::generate_pkcs8v1(&random).expect("a key").as_ref())
            }
            _ => {
                let pair = KeyPair::generate(KeySize::Rsa2048).expect("a key");
                let pkcs8: Pkcs8V1Der<'_> = pair.as_der().expect("DER");
                // The PKCS #8 encoding of such a key is a 26-byte header followed by PKCS #1.
                EncodingKey::from_rsa_der(&pkcs8.as_ref()[26..])
            }
        };
        let jwk = Jwk::from_encoding_key(&key, algorithm).expect("a JWK");
        let mut jwk = serde_json::to_value(jwk).expect("JSON");
        jwk["kid"] = "1".into();
        Self { algorithm, key, jwk }
    }

    /// The same key, for another algorithm of its kind.
    pub(crate) fn with_algorithm(&self, algorithm: Algorithm) -> Self {
        Self { algorithm, key: self.key.clone(), jwk: self.jwk.clone() }
    }

    pub(crate) fn jwks(&self) -> Value {
        json!({"keys": [self.jwk]})
    }

    /// An assertion with these claims and this key's header.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_with(&json!({"alg": self.jwk["alg"], "kid": self.jwk["kid"]}), claims)
    }

    /// A JWT with this header.
    pub(crate) fn sign_with(&self, header: &Value, claims: &Value) -> String {
        let message = unsigned(header, claims);
        let signature = crypto::sign(message.as_bytes(), &self.key, self.algorithm).expect("a signature");
        format!("{message}.{signature}")
    }
}

/// Header and claims.
pub(crate) fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

/// Registers a client without a secret and returns its identifier.
pub(crate) async fn register(world: &World, metadata: &Value) -> String {
    let answer = world.register(&events::register(metadata)).await;
    let body = answer.json();
    assert_eq!(answer.status, 201, "{body}");
    assert_eq!((body.get("client_secret"), body.get("client_secret_expires_at")), (None, None), "R11");
    body["client_id"].as_str().expect("an identifier").to_owned()
}

/// The claims of a valid assertion.
pub(crate) fn claims(world: &World, client: &str, jti: &str) -> Value {
    let issuer = world.environment.value("ISSUER").expect("set");
    json!({"iss": client, "sub": client, "aud": issuer, "jti": jti, "iat": world.now(), "exp": world.now() + 60})
}

/// The parameters of an assertion.
pub(crate) fn parameters(assertion: &str) -> String {
    format!("&client_assertion_type={TYPE}&client_assertion={assertion}")
}

/// Requests a token with an assertion.
pub(crate) async fn ask(world: &World, assertion: &str) -> Answer {
    world.token(&events::token(&format!("grant_type=client_credentials{}", parameters(assertion)))).await
}
