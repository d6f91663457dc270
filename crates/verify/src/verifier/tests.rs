//! The decision about tokens of our making, and of anybody's.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokenmint_oauth::issuer::Issuer;
use tokenmint_oauth::scope::Scope;

use super::*;
use crate::presented::MAX_TOKEN_BYTES;
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
}

impl<'a> Decision<'a> {
    fn new(verifier: &'a Verifier, key: &Key) -> Self {
        Self { verifier, keys: key.keys(), replays: Replays::default(), certificate: None }
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
        self.verifier.verify(&presented, &self.keys, &self.replays, now)
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

/// V1: what an access token of this issuer for this resource is, and its scope.
#[test]
fn v1_a_token_and_its_scope() {
    let (verifier, key) = (verifier(|_| ()), Key::new());
    let decision = Decision::new(&verifier, &key);
    let token = decision.bearer(&key.token(&json!({"more": 1}))).expect("valid");
    assert_eq!((token.client_id.as_str(), token.subject.as_str(), token.jti.as_str()), ("client", "client", "1"));
    assert_eq!((token.expires_at, token.claim("more")), (NOW + 60, Some(&json!(1))));
    let scope = |text| Scope::parse(text).expect("a scope");
    assert_eq!(token.require(&scope("write")), Ok(()));
    assert_eq!(token.require(&scope("")), Ok(()));
    assert_eq!(token.require(&scope("read admin")), Err(Refusal::Scope(Scheme::Bearer, scope("read admin"))));
    let without = decision.bearer(&key.token(&json!({"scope": null}))).expect("valid");
    assert!(without.scope.is_empty() && without.require(&scope("read")).is_err());
    assert!(!format!("{token:?}").contains("scope"), "claims are not for the log");
    for aud in [json!(["https://other.example", "https://api.example"]), json!(["https://api.example"])] {
        decision.bearer(&key.token(&json!({"aud": aud}))).expect("for this resource too");
    }
}

/// V1: every other token is refused, by name.
#[test]
fn v1_hostile_tokens() {
    let (verifier, key, other) = (verifier(|_| ()), Key::new(), Key::new());
    let decision = Decision::new(&verifier, &key);
    for (changes, refusal) in [
        (json!({"iss": "https://as.exampl"}), TokenRefusal::Issuer),
        (json!({"iss": "https://as.example/"}), TokenRefusal::Issuer),
        (json!({"iss": "https://as.example.org"}), TokenRefusal::Issuer),
        (json!({"iss": ["https://as.example"]}), TokenRefusal::Issuer),
        (json!({"iss": null}), TokenRefusal::Issuer),
        (json!({"aud": "https://api.example/"}), TokenRefusal::Audience),
        (json!({"aud": "https://as.example"}), TokenRefusal::Audience),
        (json!({"aud": []}), TokenRefusal::Audience),
        (json!({"aud": [["https://api.example"]]}), TokenRefusal::Audience),
        (json!({"aud": {"https://api.example": 1}}), TokenRefusal::Audience),
        (json!({"aud": null}), TokenRefusal::Audience),
        (json!({"exp": NOW - 10}), TokenRefusal::Expired),
        (json!({"exp": null}), TokenRefusal::Claim("exp")),
        (json!({"exp": "9999999999"}), TokenRefusal::Claim("exp")),
        (json!({"iat": NOW + 11}), TokenRefusal::NotYet),
        (json!({"iat": null}), TokenRefusal::Claim("iat")),
        (json!({"nbf": NOW + 11}), TokenRefusal::NotYet),
        (json!({"nbf": "now"}), TokenRefusal::Claim("nbf")),
        (json!({"sub": null}), TokenRefusal::Claim("sub")),
        (json!({"client_id": 1}), TokenRefusal::Claim("client_id")),
        (json!({"jti": null}), TokenRefusal::Claim("jti")),
        (json!({"scope": ["read"]}), TokenRefusal::Claim("scope")),
        (json!({"scope": "read  write"}), TokenRefusal::Claim("scope")),
        (json!({"cnf": {}}), TokenRefusal::Confirmation),
        (json!({"cnf": "x"}), TokenRefusal::Confirmation),
        (json!({"cnf": {"jwk": {}}}), TokenRefusal::Confirmation),
        (json!({"cnf": {"jkt": 1}}), TokenRefusal::Confirmation),
    ] {
        assert_eq!(decision.bearer(&key.token(&changes)), Err(bearer(refusal)), "{changes}");
    }
    for good in [json!({"exp": NOW - 9}), json!({"iat": NOW + 10, "nbf": NOW + 10}), json!({"exp": 1e300})] {
        decision.bearer(&key.token(&good)).expect("within the leeway");
    }
    let sign = |header: Value| key.sign(&header, &claims());
    for (header, refusal) in [
        (json!({"typ": "JWT", "alg": "ES256", "kid": "1"}), TokenRefusal::Type),
        (json!({"typ": "jwt+at", "alg": "ES256", "kid": "1"}), TokenRefusal::Type),
        (json!({"typ": "text/at+jwt", "alg": "ES256", "kid": "1"}), TokenRefusal::Type),
        (json!({"alg": "ES256", "kid": "1"}), TokenRefusal::Type),
        (json!({"typ": "at+jwt", "alg": "none", "kid": "1"}), TokenRefusal::Algorithm),
        (json!({"typ": "at+jwt", "alg": "HS256", "kid": "1"}), TokenRefusal::Algorithm),
        (json!({"typ": "at+jwt", "alg": "RS512", "kid": "1"}), TokenRefusal::Algorithm),
        (json!({"typ": "at+jwt", "alg": "ES384", "kid": "1"}), TokenRefusal::UnknownKey),
        (json!({"typ": "at+jwt", "alg": "ES256", "kid": "2"}), TokenRefusal::UnknownKey),
        (json!({"typ": "at+jwt", "alg": "ES256"}), TokenRefusal::UnknownKey),
        (json!({"typ": "at+jwt", "alg": "ES256", "kid": "1", "crit": ["x"]}), TokenRefusal::Critical),
    ] {
        assert_eq!(decision.bearer(&sign(header.clone())), Err(bearer(refusal)), "{header}");
    }
    decision.bearer(&sign(json!({"typ": "application/AT+JWT", "alg": "ES256", "kid": "1"}))).expect("the long form");
    assert_eq!(decision.bearer(&other.token(&json!({}))), Err(bearer(TokenRefusal::Signature)));
    for malformed in ["", "x", "x.y.z", "a b", &"a".repeat(MAX_TOKEN_BYTES + 1)] {
        assert_eq!(decision.bearer(malformed), Err(bearer(TokenRefusal::Malformed)), "{malformed}");
    }
}

/// V1: the allowed algorithms and the binding are as configured.
#[test]
fn v1_settings_decide() {
    let key = Key::new();
    let rsa_only = verifier(|settings| settings.algorithms = vec![Algorithm::RS256]);
    let decided = Decision::new(&rsa_only, &key).bearer(&key.token(&json!({})));
    assert_eq!(decided, Err(bearer(TokenRefusal::Algorithm)));
    let strict = verifier(|settings| settings.require_bound = true);
    let mut decision = Decision::new(&strict, &key);
    assert_eq!(decision.bearer(&key.token(&json!({}))), Err(bearer(TokenRefusal::Unbound)));
    decision.certificate = Some(CERTIFICATE);
    decision.bearer(&key.token(&json!({"cnf": {"x5t#S256": THUMBPRINT}}))).expect("bound");
    let exact = verifier(|settings| settings.leeway = 0);
    let decision = Decision::new(&exact, &key);
    decision.bearer(&key.token(&json!({"exp": NOW + 1}))).expect("its last second");
    assert_eq!(decision.bearer(&key.token(&json!({"exp": NOW}))), Err(bearer(TokenRefusal::Expired)));
}

/// V3: exactly one `Authorization` header, of a known scheme, and what the challenges say.
#[test]
fn v3_headers_and_challenges() {
    let verifier = verifier(|settings| {
        settings.resource_metadata = Some("https://api.example/.well-known/oauth-protected-resource".to_owned());
    });
    let key = Key::new();
    let decision = Decision::new(&verifier, &key);
    let metadata = "resource_metadata=\"https://api.example/.well-known/oauth-protected-resource\"";
    let algs = "algs=\"RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 EdDSA Ed25519\"";
    let plain = [format!("Bearer {metadata}"), format!("DPoP {algs}, {metadata}")];
    for header in ["", "Basic eDp5", "Token x", "Bearerx"] {
        let refusal = decision.at(NOW, header.as_bytes(), &[]).expect_err("refused");
        assert_eq!((&refusal, refusal.status(), refusal.code()), (&Refusal::NoToken, 401, None), "{header}");
        assert_eq!(verifier.challenges(&refusal), plain, "{header}");
    }
    let token = key.token(&json!({}));
    let twice = format!("Bearer {token}, DPoP {token}");
    let refusal = decision.at(NOW, twice.as_bytes(), &[]).expect_err("refused");
    assert_eq!((&refusal, refusal.status()), (&Refusal::Repeated, 400));
    let error =
        "error=\"invalid_request\", error_description=\"send exactly one access token, in one Authorization header\"";
    let expected = [format!("Bearer {error}, {metadata}"), format!("DPoP {error}, {algs}, {metadata}")];
    assert_eq!(verifier.challenges(&refusal), expected);
    // The scheme that was used has the error (RFC 9449 §7.2).
    let refusal = decision.bearer("x").expect_err("refused");
    let error = "error=\"invalid_token\", error_description=\"the access token is malformed\"";
    assert_eq!(verifier.challenges(&refusal), [format!("Bearer {error}, {metadata}"), plain[1].clone()]);
    let refusal = decision.dpop(&token, &[]).expect_err("refused");
    let text = "the access token is not bound to a key; send it with the Bearer scheme";
    let error = format!("error=\"invalid_token\", error_description=\"{text}\"");
    assert_eq!(verifier.challenges(&refusal), [plain[0].clone(), format!("DPoP {error}, {algs}, {metadata}")]);
    let token = decision.bearer(&token).expect("valid");
    let refusal = token.require(&Scope::parse("admin read").expect("a scope")).expect_err("refused");
    let error = "error=\"insufficient_scope\", error_description=\"the access token lacks the scope of this request; ask for a token with it\"";
    assert_eq!((refusal.status(), refusal.code()), (403, Some("insufficient_scope")));
    assert_eq!(verifier.challenges(&refusal)[0], format!("Bearer {error}, scope=\"admin read\", {metadata}"));
    let refusal = Refusal::Unavailable(Unavailable::OtherMetadata);
    assert_eq!((refusal.status(), verifier.challenges(&refusal)), (503, Vec::new()));
}

/// V4: the proof in the example of RFC 9449 §7.1, with a token that is bound to its key. Its `ath` is that of the example's
/// opaque token, which is no JWT, so it counts for no other one.
#[test]
fn v4_rfc9449_example() {
    const PROOF: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";
    const AT: EpochSeconds = 1_562_262_618;
    let urls = ["https://resource.example.org/protectedresource"];
    let expected = tokenmint_oauth::dpop::Expected {
        method: "GET",
        urls: &urls,
        now: AT,
        nonce: None,
        profile: tokenmint_oauth::security_profile::SecurityProfile::None,
    };
    let proof = tokenmint_oauth::dpop::verify(&[PROOF.as_bytes()], expected).expect("valid").expect("a proof");
    assert_eq!(proof.jkt, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    assert_eq!(proof.ath.as_deref(), Some("fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"));

    let (verifier, key) = (verifier(|_| ()), Key::new());
    let cnf = json!({"cnf": {"jkt": proof.jkt}, "iat": AT, "exp": AT + 60});
    let authorization = format!("DPoP {}", key.token(&cnf));
    let request = Request {
        method: "GET",
        urls: &urls,
        authorization: &[authorization.as_bytes()],
        dpop: &[PROOF.as_bytes()],
        certificate: None,
    };
    let presented = verifier.present(request, AT).expect("an access token");
    let decided = verifier.verify(&presented, &key.keys(), &Replays::default(), AT);
    assert_eq!(decided, Err(Refusal::Proof(ProofRefusal::OtherToken)));
}

/// V4: a bound token needs a proof of its key, for this request and this token; one that is not bound has none.
#[test]
fn v4_proofs() {
    let (verifier, key, client, other) = (verifier(|_| ()), Key::new(), Key::new(), Key::new());
    let decision = Decision::new(&verifier, &key);
    let bound = key.token(&json!({"cnf": {"jkt": client.thumbprint(), "future": 1}}));
    let unbound = key.token(&json!({}));
    let dpop = |refusal| Refusal::Token(Scheme::Dpop, refusal);
    assert_eq!(decision.bearer(&bound), Err(bearer(TokenRefusal::Downgraded)));
    assert_eq!(decision.dpop(&bound, &[]), Err(Refusal::Proof(ProofRefusal::Missing)));
    let proof = client.proof(&unbound, &json!({}));
    assert_eq!(decision.dpop(&unbound, &[&proof]), Err(dpop(TokenRefusal::NotBoundToKey)));
    assert_eq!(decision.dpop(&bound, &[&proof]), Err(Refusal::Proof(ProofRefusal::OtherToken)));
    assert_eq!(decision.dpop(&bound, &[&other.proof(&bound, &json!({}))]), Err(dpop(TokenRefusal::OtherKey)));
    for changes in [
        json!({"htm": "POST"}),
        json!({"htu": "https://api.example/other"}),
        json!({"htu": "https://other.example/items"}),
        json!({"htu": "https://api.example/items/"}),
        json!({"iat": NOW + 61}),
        json!({"iat": null}),
        json!({"jti": null}),
        json!({"ath": null}),
        json!({"ath": 1}),
        json!({"iat": NOW - 61}),
    ] {
        let refusal = decision.dpop(&bound, &[&client.proof(&bound, &changes)]).expect_err("refused");
        assert!(matches!(refusal, Refusal::Proof(_)), "{changes}: {refusal:?}");
        assert_eq!((refusal.status(), refusal.code()), (401, Some("invalid_dpop_proof")), "{changes}");
    }
    let proof = client.proof(&bound, &json!({"htu": "https://API.example:443/items?x#y"}));
    let refusal = decision.dpop(&bound, &[&proof, &proof]).expect_err("two");
    assert_eq!(refusal.code(), Some("invalid_dpop_proof"));
    // None of them used the valid proof up, although they have the same identifier.
    assert_eq!(decision.dpop(&bound, &[&proof]).map(|token| token.scheme), Ok(Scheme::Dpop));
    assert_eq!(decision.dpop(&bound, &[&proof]), Err(Refusal::Proof(ProofRefusal::Replayed)));
    // An identifier is that of one key.
    let token = key.token(&json!({"cnf": {"jkt": other.thumbprint()}}));
    decision.dpop(&token, &[&other.proof(&token, &json!({}))]).expect("another key");
    let old = client.proof(&bound, &json!({"iat": NOW - 60, "jti": "old"}));
    decision.dpop(&bound, &[&old]).expect("its last second");
}

/// V5: a proof is not used up by a request that is refused for another reason, and one that cannot be remembered is not
/// accepted.
#[test]
fn v5_what_uses_a_proof_up() {
    let (verifier, key, client) = (verifier(|_| ()), Key::new(), Key::new());
    let mut decision = Decision::new(&verifier, &key);
    let cnf = json!({"cnf": {"jkt": client.thumbprint(), "x5t#S256": THUMBPRINT}});
    let token = key.token(&cnf);
    let proof = client.proof(&token, &json!({}));
    assert_eq!(decision.dpop(&token, &[&proof]), Err(Refusal::Token(Scheme::Dpop, TokenRefusal::NoCertificate)));
    decision.certificate = Some(CERTIFICATE);
    decision.dpop(&token, &[&proof]).expect("bound to both");
    decision.replays = Replays::new(0);
    let another = client.proof(&token, &json!({"jti": "2"}));
    assert_eq!(decision.dpop(&token, &[&another]), Err(Refusal::Unavailable(Unavailable::Proofs)));
}

/// V6: a token that is bound to a certificate needs a connection with it: RFC 8705 §3.1, with the certificate and the
/// thumbprint of Appendix A.
#[test]
fn v6_rfc8705_certificates() {
    let (verifier, key) = (verifier(|_| ()), Key::new());
    let mut decision = Decision::new(&verifier, &key);
    let token = key.token(&json!({"cnf": {"x5t#S256": THUMBPRINT}}));
    assert_eq!(decision.bearer(&token), Err(bearer(TokenRefusal::NoCertificate)));
    let (changed, two) = (CERTIFICATE.replace("ODEy", "ODEz"), format!("{CERTIFICATE}\n{CERTIFICATE}"));
    for other in ["", "x", "CERT_CONTENT", &changed, &two] {
        decision.certificate = Some(other);
        assert_eq!(decision.bearer(&token), Err(bearer(TokenRefusal::OtherCertificate)), "{other}");
    }
    decision.certificate = Some(CERTIFICATE);
    decision.bearer(&token).expect("bound to this certificate");
    decision.bearer(&key.token(&json!({}))).expect("bound to none");
    let upper = key.token(&json!({"cnf": {"x5t#S256": THUMBPRINT.to_uppercase()}}));
    assert_eq!(decision.bearer(&upper), Err(bearer(TokenRefusal::OtherCertificate)));
}

/// The registered codes, in the form of RFC 6750 §3: every text can be quoted.
fn expect_registered(verifier: &Verifier, refusal: &Refusal) {
    let registered = [None, Some("invalid_request"), Some("invalid_token"), Some("invalid_dpop_proof")];
    assert!(registered.contains(&refusal.code()), "{refusal:?}");
    assert!(matches!(refusal.status(), 400 | 401), "{refusal:?}");
    let is_description = |byte: u8| matches!(byte, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E);
    assert!(refusal.to_string().bytes().all(is_description), "{refusal}");
    assert_eq!(verifier.challenges(refusal).len(), 2);
}

proptest! {
    /// Any bytes for the headers and the certificate: no panic, a registered error.
    #[test]
    fn any_header(authorization: Vec<u8>, proof: Vec<u8>, certificate: String, scheme in "(Bearer|DPoP|) ?") {
        let (verifier, key) = (verifier(|_| ()), Key::new());
        let mut decision = Decision::new(&verifier, &key);
        decision.certificate = Some(&certificate);
        let header = [scheme.as_bytes(), &authorization].concat();
        let refusal = decision.at(NOW, &header, &[&proof]).expect_err("refused");
        expect_registered(&verifier, &refusal);
    }

    /// Any header and claims of a token with a valid signature, any proof and certificate: no panic, a registered error.
    #[test]
    fn any_token(
        member in "typ|alg|kid|iss|aud|exp|iat|nbf|jti|sub|client_id|scope|cnf",
        text: String,
        number: i64,
        kind in 0_u8..5,
        proof: Vec<u8>,
        certificate: String,
    ) {
        let (verifier, key) = (verifier(|_| ()), Key::new());
        let mut decision = Decision::new(&verifier, &key);
        decision.certificate = Some(&certificate);
        let value = match kind {
            0 => json!(text),
            1 => json!(number),
            2 => json!([text, number]),
            3 => json!({"jkt": text, "x5t#S256": text}),
            _ => json!({"x5t#S256": number, text: null}),
        };
        let header = changed(&json!({"typ": "at+jwt", "alg": "ES256", "kid": "1"}), &json!({member.as_str(): value}));
        let token = key.sign(&header, &changed(&claims(), &json!({member: value})));
        for scheme in ["Bearer", "DPoP"] {
            let header = format!("{scheme} {token}");
            if let Err(refusal) = decision.at(NOW, header.as_bytes(), &[&proof]) {
                expect_registered(&verifier, &refusal);
            }
        }
    }

    /// Any proof for a bound token, also one with members changed: no panic, a registered error.
    #[test]
    fn any_proof(bytes: Vec<u8>, member in "jti|htm|htu|iat|ath", text: String) {
        let (verifier, key, client) = (verifier(|_| ()), Key::new(), Key::new());
        let decision = Decision::new(&verifier, &key);
        let token = key.token(&json!({"cnf": {"jkt": client.thumbprint()}}));
        let header = format!("DPoP {token}");
        let refusal = decision.at(NOW, header.as_bytes(), &[&bytes]).expect_err("refused");
        expect_registered(&verifier, &refusal);
        if let Err(refusal) = decision.dpop(&token, &[&client.proof(&token, &json!({member: text}))]) {
            expect_registered(&verifier, &refusal);
        }
    }
}
