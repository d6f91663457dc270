use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::json;

use super::*;

const NOW: EpochSeconds = 1_700_000_000;
const VENDOR: &str = "https://vendor.example";

/// An issuer with its key.
struct Vendor {
    key: EcdsaKeyPair,
    trusted: Vec<TrustedIssuer>,
}

impl Vendor {
    fn new() -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        let (x, y) = key.public_key().as_ref()[1..].split_at(32);
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let jwks = json!({"keys": [{"kty": "EC", "crv": "P-256", "x": x, "y": y}]});
        let list = json!([{"issuer": VENDOR, "jwks": jwks}]).to_string();
        Self { key, trusted: TrustedIssuer::parse_list(&list).expect("a list") }
    }

    /// What becomes of a statement with this header and these claims.
    fn verify(&self, header: Value, claims: Value) -> Result<Map<String, Value>, StatementError> {
        self.verify_within(SecurityProfile::None, header, claims)
    }

    fn verify_within(
        &self,
        profile: SecurityProfile,
        header: Value,
        mut claims: Value,
    ) -> Result<Map<String, Value>, StatementError> {
        claims["iss"] = VENDOR.into();
        let own = Issuer::parse("https://as.example").expect("an issuer");
        verify(&self.sign(header, claims), &self.trusted, &own, NOW, profile)
    }

    fn sign(&self, mut header: Value, claims: Value) -> String {
        header["alg"] = "ES256".into();
        let message = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
        let signature = self.key.sign(&SystemRandom::new(), message.as_bytes()).expect("signs");
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// S3, R17: with FAPI 2.0 the algorithm of a statement is one of the profile's, before anything else of it counts.
#[test]
fn s3_r17_algorithms_of_statements() {
    let vendor = Vendor::new();
    vendor.verify_within(SecurityProfile::Fapi2, json!({}), json!({})).expect("ES256");
    let own = Issuer::parse("https://as.example").expect("an issuer");
    for alg in ["RS256", "PS384", "ES384"] {
        let parts = [json!({"alg": alg}), json!({"iss": VENDOR})].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let statement = format!("{}.AA", parts.join("."));
        let verify = |profile| verify(&statement, &vendor.trusted, &own, NOW, profile).expect_err(alg);
        assert_eq!(verify(SecurityProfile::None), StatementError::Token(TokenError::NoKey), "{alg}");
        assert_eq!(verify(SecurityProfile::Fapi2), StatementError::Token(TokenError::Algorithm), "{alg}");
    }
}

/// R17: a JWT that says to be something else is no statement, though a trusted issuer signed it.
#[test]
fn r17_typ() {
    let vendor = Vendor::new();
    vendor.verify(json!({}), json!({})).expect("no typ");
    for good in ["JWT", "jwt", "Jwt", "application/jwt", "Application/JWT"] {
        vendor.verify(json!({"typ": good}), json!({})).expect(good);
    }
    for bad in [
        json!("at+jwt"),
        json!("application/at+jwt"),
        json!("dpop+jwt"),
        json!("secevent+jwt"),
        json!("jwt "),
        json!("application/application/jwt"),
        json!("text/jwt"),
        json!("application/"),
        json!(""),
        json!(null),
        json!(1),
        json!(["JWT"]),
    ] {
        let outcome = vendor.verify(json!({"typ": bad}), json!({}));
        assert_eq!(outcome, Err(StatementError::Type), "{bad}");
    }
    assert_eq!(OAuthError::from(StatementError::Type).code, ErrorCode::InvalidSoftwareStatement);
}

/// R17: where `aud` is there, it is or contains this server.
#[test]
fn r17_aud() {
    let vendor = Vendor::new();
    for good in [json!("https://as.example"), json!(["https://other.example", "https://as.example"])] {
        vendor.verify(json!({}), json!({"aud": good})).expect("for this server");
    }
    for bad in [
        json!("https://other.example"),
        json!("https://as.example/"),
        json!("HTTPS://AS.EXAMPLE"),
        json!("https://as.example https://other.example"),
        json!(""),
        json!([]),
        json!(["https://other.example"]),
        json!([["https://as.example"]]),
        json!({"0": "https://as.example"}),
        json!(null),
        json!(true),
    ] {
        let outcome = vendor.verify(json!({}), json!({"aud": bad}));
        assert_eq!(outcome, Err(StatementError::Audience), "{bad}");
    }
    assert_eq!(OAuthError::from(StatementError::Audience).code, ErrorCode::InvalidSoftwareStatement);
}

/// R17: `exp` is the first second at which it is expired, `nbf` the first at which it is valid; a fraction counts.
#[test]
fn r17_time() {
    let vendor = Vendor::new();
    let now = 1_700_000_000.0;
    for good in [
        json!({"exp": NOW + 1, "nbf": NOW}),
        json!({"exp": now + 0.5}),
        json!({"exp": NOW + 1}),
        json!({"nbf": NOW}),
        json!({"nbf": now - 0.5}),
        json!({"iat": NOW + 1000}),
    ] {
        assert_eq!(vendor.verify(json!({}), good.clone()), Ok(Map::new()), "{good}");
    }
    for bad in [
        json!({"exp": NOW}),
        json!({"exp": NOW - 1}),
        json!({"exp": -1}),
        json!({"nbf": NOW + 1}),
        json!({"nbf": now + 0.5}),
        json!({"exp": NOW + 1, "nbf": NOW + 1}),
        json!({"exp": NOW, "nbf": NOW}),
    ] {
        assert_eq!(vendor.verify(json!({}), bad.clone()), Err(StatementError::Expired), "{bad}");
    }
    for name in ["exp", "nbf"] {
        for bad in [json!("1700000000"), json!(null), json!([NOW])] {
            let outcome = vendor.verify(json!({}), json!({name: bad}));
            assert_eq!(outcome, Err(StatementError::Token(TokenError::Malformed)), "{name} {bad}");
        }
    }
}

/// R17: the issuer is named and trusted, and one of its own keys signed the statement.
#[test]
fn r17_whose_statement() {
    let (vendor, other) = (Vendor::new(), Vendor::new());
    let own = Issuer::parse("https://as.example").expect("an issuer");
    let sign = |claims: Value| vendor.sign(json!({}), claims);
    let check =
        |statement: &str, trusted: &[TrustedIssuer]| verify(statement, trusted, &own, NOW, SecurityProfile::None);
    let good = sign(json!({"iss": VENDOR, "client_name": "x"}));
    assert_eq!(check(&good, &vendor.trusted).map(Value::from), Ok(json!({"client_name": "x"})));
    assert_eq!(check(&good, &[]), Err(StatementError::Unapproved));
    assert_eq!(check(&good, &other.trusted), Err(StatementError::Token(TokenError::Signature)));
    for (claims, error) in [
        (json!({}), StatementError::NoIssuer),
        (json!({"iss": 1}), StatementError::NoIssuer),
        (json!({"iss": "https://vendor.example/"}), StatementError::Unapproved),
    ] {
        assert_eq!(check(&sign(claims.clone()), &vendor.trusted), Err(error), "{claims}");
    }
    let code = |error| OAuthError::from(error).code;
    assert_eq!(code(StatementError::Unapproved), ErrorCode::UnapprovedSoftwareStatement);
    assert_eq!(code(StatementError::NoIssuer), ErrorCode::InvalidSoftwareStatement);
}

/// R17: a statement speaks of metadata only: not of the JWT, nor of itself, nor of what the server makes.
#[test]
fn r17_only_metadata() {
    let claims = json!({
        "sub": "s", "aud": "https://as.example", "exp": NOW + 1, "nbf": NOW, "iat": NOW, "jti": "1",
        "software_statement": "x", "client_id": "x", "client_secret": "x", "rotate_client_secret": true,
        "registration_access_token": "x", "registration_client_uri": "x", "client_secret_expires_at": 1,
        "client_id_issued_at": 1, "client_name": "Vouched", "tls_client_auth_san_dns": "a.example",
    });
    let members = Vendor::new().verify(json!({"typ": "JWT"}), claims).expect("a statement");
    assert_eq!(Value::from(members), json!({"client_name": "Vouched", "tls_client_auth_san_dns": "a.example"}));
}

/// R17, O5: what is wrong with a list of issuers.
#[test]
fn r17_o5_lists_of_issuers() {
    let form = "must be a JSON array of objects with `issuer` and `jwks`";
    for (list, said) in [
        ("{}", form),
        (r#"[{"issuer":"a"}]"#, form),
        (r#"[{"issuer":"a","jwks":{"keys":[]},"jwks_uri":"b"}]"#, form),
        (r#"[{"issuer":"a","jwks":{}}]"#, "the jwks of \"a\" "),
    ] {
        let error = TrustedIssuer::parse_list(list).expect_err(list);
        assert!(error.starts_with(said), "{list}: {error}");
    }
    assert_eq!(TrustedIssuer::parse_list("[]"), Ok(Vec::new()));
    assert_eq!(Vendor::new().trusted[0].issuer, VENDOR);
}

proptest! {
    /// R17: any text is a registered error.
    #[test]
    fn r17_any_statement(statement in "\\PC{0,40}|[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,9}") {
        let own = Issuer::parse("https://as.example").expect("an issuer");
        let error = OAuthError::from(verify(&statement, &[], &own, NOW, SecurityProfile::None).expect_err("nobody is trusted"));
        prop_assert!(
            [ErrorCode::InvalidSoftwareStatement, ErrorCode::UnapprovedSoftwareStatement].contains(&error.code)
        );
    }
}
