//! Which keys are taken, and what each may verify: RFC 7517 §4, RFC 8725 §3.1.

use super::*;

fn set(keys: &[Value]) -> Value {
    json!({"keys": keys})
}

fn ec(curve: &str, size: usize) -> Value {
    let coordinate = URL_SAFE_NO_PAD.encode(vec![4; size]);
    json!({"kty": "EC", "crv": curve, "x": coordinate, "y": coordinate})
}

fn rsa(bytes: usize) -> Value {
    json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode(vec![0xff; bytes]), "e": "AQAB"})
}

fn with(mut key: Value, member: &str, value: impl Into<Value>) -> Value {
    key[member] = value.into();
    key
}

/// The names of the algorithms that the key may verify.
fn verifies(key: Value) -> Vec<&'static str> {
    let keys = PublicKeys::parse(&set(&[key]));
    let Ok(keys) = keys.inspect_err(|error| assert_eq!(*error, KeysError::NoUsableKey)) else { return Vec::new() };
    ALGORITHMS.iter().filter(|(_, algorithm)| keys.can_verify(*algorithm)).map(|(name, _)| *name).collect()
}

/// R8, A6: a key verifies by its kind, its size, and what it says of itself.
#[test]
fn r8_a6_what_a_key_may_verify() {
    let all_rsa = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
    let ed25519 = json!({"kty": "OKP", "crv": "Ed25519", "x": X});
    let short = |member: &str| with(ec("P-256", 32), member, URL_SAFE_NO_PAD.encode([4; 31]));
    let short_384 = |member: &str| with(ec("P-384", 48), member, URL_SAFE_NO_PAD.encode([4; 47]));
    for (key, expected) in [
        (rsa(256), &all_rsa[..]),
        (rsa(512), &all_rsa),
        (rsa(255), &[]),
        (with(rsa(256), "alg", "PS384"), &["PS384"]),
        (with(rsa(256), "alg", "RSA-OAEP"), &[]),
        (ec("P-256", 32), &["ES256"]),
        (ec("P-384", 48), &["ES384"]),
        (short("x"), &[]),
        (short("y"), &[]),
        (short_384("x"), &[]),
        (short_384("y"), &[]),
        (ec("P-256", 48), &[]),
        (ec("P-384", 32), &[]),
        (ec("P-521", 66), &[]),
        (ed25519.clone(), &["EdDSA", "Ed25519"]),
        (with(ed25519.clone(), "x", URL_SAFE_NO_PAD.encode([0; 32])), &[]),
        (with(ed25519.clone(), "crv", "P-256"), &[]),
        (with(ed25519, "crv", "Ed448"), &[]),
        (with(ec("P-256", 32), "use", "sig"), &["ES256"]),
        (with(ec("P-256", 32), "use", "enc"), &[]),
        (with(ec("P-256", 32), "key_ops", json!(["verify"])), &["ES256"]),
        (with(ec("P-256", 32), "key_ops", json!(["encrypt", "verify"])), &["ES256"]),
        (with(ec("P-256", 32), "key_ops", json!(["sign"])), &[]),
        (with(ec("P-256", 32), "key_ops", json!([])), &[]),
        (with(with(ec("P-256", 32), "use", "enc"), "key_ops", json!(["verify"])), &[]),
        (with(ec("P-256", 32), "alg", "ES256"), &["ES256"]),
        (with(ec("P-256", 32), "alg", "ES384"), &[]),
        (json!({"kty": "AKP", "alg": "ML-DSA-44"}), &[]),
    ] {
        assert_eq!(verifies(key.clone()), expected, "{key}");
    }
}

/// R8: the bounds of a set, and what none may hold. A key that cannot be used is left out where there is another one.
#[test]
fn r8_sets_of_keys() {
    let good = ec("P-256", 32);
    assert_eq!(PublicKeys::parse(&set(&vec![good.clone(); 16])).map(|keys| keys.0.len()), Ok(16));
    assert_eq!(PublicKeys::parse(&set(&vec![good.clone(); 17])), Err(KeysError::TooLarge));
    let of_bytes = |bytes: usize| {
        let empty = set(&[with(good.clone(), "kid", "")]).to_string().len();
        set(&[with(good.clone(), "kid", "x".repeat(bytes - empty))])
    };
    assert!(PublicKeys::parse(&of_bytes(16 * 1024)).is_ok());
    assert_eq!(PublicKeys::parse(&of_bytes(16 * 1024 + 1)), Err(KeysError::TooLarge));
    assert!(PublicKeys::parse_within(&of_bytes(200), 200).is_ok());
    assert_eq!(PublicKeys::parse_within(&of_bytes(200), 199), Err(KeysError::TooLarge));
    for private in [json!({"kty": "oct"}), json!({"kty": "oct", "k": "AA"}), with(good.clone(), "d", "AA")] {
        assert_eq!(PublicKeys::parse(&set(&[good.clone(), private])), Err(KeysError::NotPublic));
    }
    let mixed = set(&[rsa(128), good.clone(), json!({"kty": "AKP"})]);
    let keys = PublicKeys::parse(&mixed).expect("one key");
    let alone = PublicKeys::parse(&set(&[good])).expect("the same");
    assert_eq!(keys, alone);
    assert_eq!(keys.thumbprint(), alone.thumbprints().next());
}

/// R8, J1: the first thumbprint is that of the first key (RFC 8037 Appendix A.3).
#[test]
fn r8_j1_thumbprints() {
    let ed25519 = json!({"kty": "OKP", "crv": "Ed25519", "x": X});
    let keys = PublicKeys::parse(&set(&[ed25519, ec("P-256", 32)])).expect("two keys");
    assert_eq!(keys.thumbprint().as_deref(), Some("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
    assert_eq!(keys.thumbprints().count(), 2);
}

/// A token of the key of RFC 8037, with this `kid`.
fn of_kid(kid: Option<&str>) -> String {
    let mut header = json!({"alg": "EdDSA"});
    if let Some(kid) = kid {
        header["kid"] = kid.into();
    }
    signed_with(&header)
}

/// A6: the key that `kid` names has signed, or where the token names none, any. A DPoP proof may be signed by any in
/// any case. The error says whether there was a key to try.
#[test]
fn a6_the_key_that_has_signed() {
    let own = |kid: &str| json!({"kty": "OKP", "crv": "Ed25519", "x": X, "kid": kid});
    // The key of RFC 8032 §7.1, test 2.
    let other = |kid: &str| json!({"kty": "OKP", "crv": "Ed25519", "x": "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw", "kid": kid});
    let good = Ok("x".to_owned());
    for (keys, kid, by_kid, by_any) in [
        (vec![own("1")], Some("1"), good.clone(), good.clone()),
        (vec![own("1")], None, good.clone(), good.clone()),
        (vec![other("2"), own("1")], None, good.clone(), good.clone()),
        (vec![other("1"), own("1")], Some("1"), good.clone(), good.clone()),
        (vec![own("1")], Some("2"), Err(TokenError::NoKey), good.clone()),
        (vec![own("1"), other("2")], Some("2"), Err(TokenError::Signature), good),
        (vec![other("1")], Some("1"), Err(TokenError::Signature), Err(TokenError::Signature)),
        (vec![other("1")], None, Err(TokenError::Signature), Err(TokenError::Signature)),
        (vec![ec("P-256", 32)], None, Err(TokenError::NoKey), Err(TokenError::NoKey)),
    ] {
        let keys = PublicKeys::parse(&set(&keys)).expect("keys");
        let token = of_kid(kid);
        let token = UnverifiedToken::parse(&token).expect("a JWT");
        let sub = |claims: Claims<Verified>| claims.text("sub").map(str::to_owned).unwrap_or_default();
        assert_eq!(token.verify(&keys).map(sub), by_kid, "{kid:?}");
        assert_eq!(token.verify_with_any(&keys).map(sub), by_any, "{kid:?}");
    }
}
