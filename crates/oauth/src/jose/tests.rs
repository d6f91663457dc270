mod keys;

use aws_lc_rs::signature::Ed25519KeyPair;
use serde_json::json;

use super::*;
use crate::jwk::SigningAlgorithm;

/// The key of RFC 8037 Appendix A.1 and A.2.
const D: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

/// The JWS of RFC 8037 Appendix A.4.
const JWS: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.\
                   hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

fn keys(alg: Option<&str>) -> Result<PublicKeys, KeysError> {
    let mut key = json!({"kty": "OKP", "crv": "Ed25519", "x": X});
    if let Some(alg) = alg {
        key["alg"] = alg.into();
    }
    PublicKeys::parse(&json!({"keys": [key]}))
}

/// A JWT of that key, with this `alg`.
fn signed(alg: &str) -> String {
    signed_with(&json!({"alg": alg}))
}

/// The same with this header.
fn signed_with(header: &Value) -> String {
    let seed = URL_SAFE_NO_PAD.decode(D).expect("base64url");
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("a key");
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(&json!({"sub": "x"})));
    let signature = URL_SAFE_NO_PAD.encode(pair.sign(message.as_bytes()));
    format!("{message}.{signature}")
}

/// A6: `EdDSA` (RFC 8037) and `Ed25519` (RFC 9864 §2.2) name one algorithm, in the token and in the key.
#[test]
fn a6_both_names_of_ed25519() {
    let names = [None, Some("EdDSA"), Some("Ed25519")];
    let example = UnverifiedToken::parse(JWS).expect("a JWS");
    for alg in names {
        let keys = keys(alg).expect("a key");
        assert!(keys.can_verify(Algorithm::EdDSA), "{alg:?}");
        assert!(example.is_signed_by(&keys.0[0]), "RFC 8037 Appendix A.4: {alg:?}");
        for name in ["EdDSA", "Ed25519"] {
            let token = signed(name);
            let token = UnverifiedToken::parse(&token).expect("a JWT");
            assert_eq!(token.verify(&keys).expect(name).text("sub"), Some("x"));
        }
    }
    // Names that RFC 9864 registers beside it, and other spellings.
    for other in ["Ed448", "ed25519", "EDDSA", "ESP256", "ES256"] {
        assert_eq!(keys(Some(other)), Err(KeysError::NoUsableKey), "{other}");
        let refused =
            UnverifiedToken::parse(&signed(other)).and_then(|token| token.verify(&keys(None).expect("a key")));
        assert!(matches!(refused, Err(TokenError::Algorithm | TokenError::NoKey)), "{other}");
    }
}

/// R8: the error for a key with an `alg` that is not supported says what is wrong with a key of the right kind.
#[test]
fn r8_the_text_for_an_alg_that_is_not_supported() {
    let text = keys(Some("Ed448")).expect_err("refused").to_string();
    assert_eq!(
        text,
        "holds no key for signatures: it needs an RSA key of at least 2048 bits or a P-256, P-384 or Ed25519 key, whose \
         use, key_ops and alg, if present, allow an algorithm that this server supports"
    );
}

/// D3: a token of our own key verifies under both names, whichever of them is configured; another algorithm of the
/// same kind of key does not.
#[test]
fn d3_j4_own_keys() {
    // `SubjectPublicKeyInfo` of an Ed25519 key (RFC 8410 §4).
    let prefix = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    let spki = [&prefix[..], &URL_SAFE_NO_PAD.decode(X).expect("base64url")].concat();
    for algorithm in [SigningAlgorithm::EdDsa, SigningAlgorithm::Ed25519] {
        let own = PublicKeys::own([&PublicKey::from_spki(&spki, algorithm).expect("a key")]);
        for name in ["EdDSA", "Ed25519"] {
            let token = signed(name);
            UnverifiedToken::parse(&token).and_then(|token| token.verify(&own)).expect(name);
        }
        assert!(!own.can_verify(Algorithm::ES256));
    }
}

/// A6: the form of a token, and what its header may say (RFC 7515 §7.1, §4.1.11).
#[test]
fn a6_form_of_a_token() {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let (header, claims) = (part(r#"{"alg":"ES256","typ":"JWT","n":1}"#), part(r#"{"sub":"x"}"#));
    let token = format!("{header}.{claims}.AA");
    let token = UnverifiedToken::parse(&token).expect("a JWT");
    assert_eq!(token.algorithm(), Algorithm::ES256);
    assert_eq!((token.header("typ"), token.header("n"), token.header("x")), (Some("JWT"), None, None));
    assert_eq!((token.header_value("n"), token.header_value("x")), (Some(&json!(1)), None));
    let claims_read = token.unverified_claims().expect("claims");
    assert_eq!((claims_read.text("sub"), claims_read.get("sub")), (Some("x"), Some(&json!("x"))));
    for (header, claims, error) in [
        (part(r#"{"typ":"JWT"}"#), &claims, TokenError::Malformed),
        (part(r#"{"alg":1}"#), &claims, TokenError::Malformed),
        (part("[]"), &claims, TokenError::Malformed),
        (part("{"), &claims, TokenError::Malformed),
        (format!("{header}="), &claims, TokenError::Malformed),
        (String::new(), &claims, TokenError::Malformed),
        (part(r#"{"alg":"none"}"#), &claims, TokenError::Algorithm),
        (part(r#"{"alg":"HS256"}"#), &claims, TokenError::Algorithm),
        (part(r#"{"alg":"ES512"}"#), &claims, TokenError::Algorithm),
        (part(r#"{"alg":"ES256","crit":["b64"]}"#), &claims, TokenError::Critical),
    ] {
        let token = format!("{header}.{claims}.AA");
        assert_eq!(UnverifiedToken::parse(&token).expect_err("refused"), error, "{header}");
    }
    for text in ["", "x", "x.y"] {
        assert_eq!(UnverifiedToken::parse(text).expect_err("refused"), TokenError::Malformed, "{text}");
    }
    for claims in [part("[]"), part("1"), "!".to_owned(), String::new(), format!("{claims}.{claims}")] {
        let token = format!("{header}.{claims}.AA");
        let outcome = UnverifiedToken::parse(&token).and_then(|token| token.unverified_claims().map(drop));
        assert_eq!(outcome, Err(TokenError::Malformed), "{claims}");
    }
}

/// A6: each name is that of one algorithm, and no other name is any.
#[test]
fn a6_names_of_algorithms() {
    for (name, expected) in [
        ("RS256", Some(Algorithm::RS256)),
        ("PS512", Some(Algorithm::PS512)),
        ("ES384", Some(Algorithm::ES384)),
        ("Ed25519", Some(Algorithm::EdDSA)),
        ("es256", None),
        ("HS256", None),
        ("none", None),
        ("", None),
    ] {
        assert_eq!(algorithm(name), expected, "{name}");
    }
}
