//! The access token and the answer that carries it: RFC 9068 §2, RFC 6749 §5.1.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use crate::EpochSeconds;
use crate::client::ClientId;
use crate::grant::Granted;
use crate::issuer::Issuer;
use crate::jwk::{KeyId, SigningAlgorithm};
use crate::resource::Audience;
use crate::token_policy::StaticClaims;

/// `typ` of an access token (RFC 9068 §2.1).
pub const TYPE: &str = "at+jwt";

/// The claims of an access token (RFC 9068 §2.2).
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Claims<'a> {
    /// Who issued it.
    pub iss: &'a str,
    /// The client: it acts for itself (RFC 9068 §2.2).
    pub sub: &'a str,
    /// The client.
    pub client_id: &'a str,
    /// The resource it is for (RFC 9068 §3).
    pub aud: &'a Audience,
    /// The first second at which it is no longer good.
    pub exp: EpochSeconds,
    /// When it was issued.
    pub iat: EpochSeconds,
    /// Its identifier, a UUID.
    pub jti: &'a str,
    /// What it allows (RFC 9068 §2.2.3); left out when empty.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub scope: &'a str,
    /// What its bearer must show; left out for a plain bearer token (RFC 7800 §3.1).
    #[serde(skip_serializing_if = "Confirmation::is_empty")]
    pub cnf: Confirmation<'a>,
    /// Further claims of the client (P1). [`signing_input`] adds them.
    #[serde(skip)]
    pub more: Option<&'a StaticClaims>,
}

/// The keys that a token is bound to (RFC 7800 §3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Confirmation<'a> {
    /// The thumbprint of a `DPoP` key (RFC 9449 §6.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jkt: Option<&'a str>,
    /// The SHA-256 of a client certificate (RFC 8705 §3.1).
    #[serde(rename = "x5t#S256", skip_serializing_if = "Option::is_none")]
    pub x5t_s256: Option<&'a str>,
}

impl Confirmation<'_> {
    const fn is_empty(&self) -> bool {
        self.jkt.is_none() && self.x5t_s256.is_none()
    }
}

impl<'a> Claims<'a> {
    /// The claims of a token for `client`, issued at `now`, good for `ttl` seconds.
    pub fn new(
        issuer: &'a Issuer,
        client: &'a ClientId,
        granted: &'a Granted,
        jti: &'a str,
        now: EpochSeconds,
        ttl: u32,
    ) -> Self {
        Self {
            iss: issuer.as_str(),
            sub: client.as_str(),
            client_id: client.as_str(),
            aud: &granted.audience,
            exp: now + EpochSeconds::from(ttl),
            iat: now,
            jti,
            scope: granted.scope.as_str(),
            cnf: Confirmation::default(),
            more: None,
        }
    }
}

/// The JOSE header of a key, encoded once and used for every token it signs.
#[derive(Clone, Debug)]
pub struct EncodedHeader(String);

impl EncodedHeader {
    /// `typ`, `alg` and `kid` (RFC 9068 §2.1).
    pub fn new(algorithm: SigningAlgorithm, kid: &KeyId) -> Self {
        #[derive(Serialize)]
        struct Header<'a> {
            typ: &'a str,
            alg: &'a str,
            kid: &'a str,
        }
        let header = Header { typ: TYPE, alg: algorithm.as_str(), kid: kid.as_str() };
        Self(URL_SAFE_NO_PAD.encode(to_json(&header)))
    }
}

/// The JWS signing input: both halves that a signature covers (RFC 7515 §5.1).
pub fn signing_input(header: &EncodedHeader, claims: &Claims<'_>) -> String {
    /// A signature of RSA 4096 in base64url, so that adding it does not move the string.
    const SIGNATURE: usize = 683;
    let more = claims.more.map_or("", StaticClaims::as_json_members);
    let mut claims = to_json(claims);
    if !more.is_empty() {
        // Within the object, whose other members are never absent.
        claims.pop();
        claims.push(b',');
        claims.extend_from_slice(more.as_bytes());
        claims.push(b'}');
    }
    let mut input = String::with_capacity(header.0.len() + claims.len() * 4 / 3 + SIGNATURE + 6);
    input.push_str(&header.0);
    input.push('.');
    URL_SAFE_NO_PAD.encode_string(claims, &mut input);
    input
}

/// The token: the signing input with its signature in JOSE form.
pub fn with_signature(mut signing_input: String, signature: &[u8]) -> String {
    signing_input.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut signing_input);
    signing_input
}

/// The successful answer (RFC 6749 §5.1); no refresh token (§4.4.3).
#[derive(Serialize)]
pub struct TokenResponse<'a> {
    /// The token.
    pub access_token: &'a str,
    /// How to use it.
    pub token_type: &'static str,
    /// Its lifetime in seconds.
    pub expires_in: u32,
    /// What it allows; left out when empty.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub scope: &'a str,
}

fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("strings and numbers always serialise")
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
    use serde_json::{Value, json};

    use super::*;
    use crate::jwk::PublicKey;
    use crate::scope::Scope;

    /// J1, J2: the two halves of a token, byte for byte, then its signature.
    #[test]
    fn j1_j2_the_form_of_a_token() {
        let issuer = Issuer::parse("https://as.example").expect("an issuer");
        let client = ClientId::from_random([7; 16]);
        let audience = Audience::One("https://api.example".to_owned());
        let granted = Granted { scope: Scope::parse("read write").expect("a scope"), audience, ttl: 60 };
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        let spki = key.public_key().as_der().expect("DER");
        let kid = PublicKey::from_spki(spki.as_ref(), SigningAlgorithm::Es256).expect("a public key").kid;
        let header = EncodedHeader::new(SigningAlgorithm::Es256, &kid);
        let plain = Claims::new(&issuer, &client, &granted, "1", 1000, 60);
        let id = client.as_str();
        let expected = json!({
            "iss": "https://as.example", "sub": id, "client_id": id, "aud": "https://api.example", "exp": 1060,
            "iat": 1000, "jti": "1", "scope": "read write",
        });
        for (cnf, member) in [
            (Confirmation::default(), None),
            (Confirmation { jkt: Some("a"), x5t_s256: None }, Some(json!({"jkt": "a"}))),
            (Confirmation { jkt: None, x5t_s256: Some("b") }, Some(json!({"x5t#S256": "b"}))),
        ] {
            let token = with_signature(signing_input(&header, &Claims { cnf, ..plain }), b"signature");
            let mut parts = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).expect("base64url"));
            let mut json = || -> Value { serde_json::from_slice(&parts.next().expect("a part")).expect("JSON") };
            let mut expected = expected.clone();
            expected.as_object_mut().expect("an object").extend(member.map(|cnf| ("cnf".to_owned(), cnf)));
            let header = json();
            assert_eq!((&header["typ"], &header["alg"]), (&json!("at+jwt"), &json!("ES256")));
            assert_eq!(header["kid"], kid.as_str());
            assert_eq!(json(), expected);
            assert_eq!((parts.next(), parts.next()), (Some(b"signature".to_vec()), None));
        }
    }

    /// P1, J2: further claims are members of the same object, after its own. Here they are in alphabetical order, so
    /// that a map of `serde_json` with its feature `preserve_order` and one without it have the same order.
    #[test]
    fn p1_j2_further_claims() {
        let issuer = Issuer::parse("https://as.example").expect("an issuer");
        let client = ClientId::from_random([7; 16]);
        let audience = Audience::One("https://api.example".to_owned());
        let granted = Granted { scope: Scope::default(), audience, ttl: 60 };
        let plain = Claims::new(&issuer, &client, &granted, "1", 1000, 60);
        let header = EncodedHeader(String::new());
        let claims = |claims: &Claims<'_>| {
            let input = signing_input(&header, claims);
            let claims = URL_SAFE_NO_PAD.decode(input.strip_prefix('.').expect("no header")).expect("base64url");
            String::from_utf8(claims).expect("text")
        };
        let without = claims(&plain);
        let own = StaticClaims::parse(&json!({"n": 1, "tenant": "a}"})).expect("claims");
        let with = claims(&Claims { more: Some(&own), ..plain });
        assert_eq!(
            Some(with.as_str()),
            without.strip_suffix('}').map(|own| format!(r#"{own},"n":1,"tenant":"a}}"}}"#)).as_deref()
        );
        let parsed: Value = serde_json::from_str(&with).expect("JSON");
        assert_eq!((&parsed["tenant"], &parsed["n"], &parsed["jti"]), (&json!("a}"), &json!(1), &json!("1")));
    }

    /// J2: what is empty is left out.
    #[test]
    fn j2_no_scope() {
        let issuer = Issuer::parse("https://as.example").expect("an issuer");
        let client = ClientId::from_random([7; 16]);
        let audience = Audience::One("https://api.example".to_owned());
        let granted = Granted { scope: Scope::default(), audience, ttl: 60 };
        let claims = serde_json::to_value(Claims::new(&issuer, &client, &granted, "1", 1000, 60)).expect("JSON");
        assert_eq!((claims.get("scope"), claims.get("cnf")), (None, None));
    }
}
