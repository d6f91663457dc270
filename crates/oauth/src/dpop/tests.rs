use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use proptest::prelude::*;

use super::*;

/// RFC 9449 §4.1, the example proof for the token endpoint.
const EXAMPLE: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
const IAT: EpochSeconds = 1_562_262_616;
const URL: &str = "https://server.example.com/token";

fn expected_at(profile: SecurityProfile) -> Expected<'static> {
    Expected { profile, ..expected(IAT) }
}

fn expected(now: EpochSeconds) -> Expected<'static> {
    Expected { method: "POST", urls: &[URL], now, nonce: None, profile: SecurityProfile::None }
}

/// J5: RFC 9449 §4.1 and the thumbprint of its key in §6.1.
#[test]
fn j5_rfc9449_example() {
    let proof = verify(&[EXAMPLE.as_bytes()], expected(IAT)).expect("good").expect("a proof");
    assert_eq!(proof.jkt, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    assert_eq!((proof.expires_at, proof.checked_at), (IAT + MAX_AGE + 1, IAT));
    assert_eq!(verify(&[], expected(IAT)), Ok(None));
}

/// J5: the edges of time, and another method or URL.
#[test]
fn j5_time_and_request() {
    let at = |now| verify(&[EXAMPLE.as_bytes()], expected(now)).map(drop);
    assert_eq!(at(IAT + MAX_AGE), Ok(()));
    assert_eq!(at(IAT + MAX_AGE + 1), Err(ProofError::Time));
    assert_eq!(at(IAT - MAX_SKEW), Ok(()));
    assert_eq!(at(IAT - MAX_SKEW - 1), Err(ProofError::Time));
    let other =
        |method, url| verify(&[EXAMPLE.as_bytes()], Expected { method, urls: &[url], ..expected(IAT) }).map(drop);
    assert_eq!(other("GET", URL), Err(ProofError::OtherRequest));
    assert_eq!(other("POST", "https://server.example.com/other"), Err(ProofError::OtherRequest));
    assert_eq!(other("POST", "http://server.example.com/token"), Err(ProofError::OtherRequest));
    for same in ["HTTPS://Server.Example.com:443/a/../token?x#y", "https://server.example.com/token#", URL] {
        assert!(is_same_url(same, URL), "{same}");
    }
    for other in ["", "token", "https://server.example.com/token/", "https://server.example.com:444/token"] {
        assert!(!is_same_url(other, URL), "{other}");
    }
    let urls = &["https://other.example/token", URL];
    assert!(verify(&[EXAMPLE.as_bytes()], Expected { urls, ..expected(IAT) }).is_ok());
}

/// A proof with these further claims, signed by a new key.
fn with_claims(more: &Value) -> String {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
    let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
    let header = json!({"typ": TYPE, "alg": "ES256", "jwk": {"kty": "EC", "crv": "P-256", "x": x, "y": y}});
    let mut claims = json!({"jti": "1", "htm": "POST", "htu": URL, "iat": IAT});
    claims.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let message = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
    let signature = pair.sign(&SystemRandom::new(), message.as_bytes()).expect("signs");
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// S6, J5: `exp` and `nbf` are optional, and count where they are sent, with the allowed difference between clocks.
#[test]
fn s6_j5_exp_and_nbf() {
    for (more, expected) in [
        (json!({"exp": IAT + 300, "nbf": IAT}), Ok(())),
        (json!({"exp": IAT - 59}), Ok(())),
        (json!({"exp": IAT - 60}), Err(ProofError::Time)),
        (json!({"exp": 0}), Err(ProofError::Time)),
        (json!({"nbf": IAT + 60}), Ok(())),
        (json!({"nbf": IAT + 61}), Err(ProofError::Time)),
        (json!({"nbf": 0}), Ok(())),
        (json!({"nbf": 0, "iat": IAT + 61}), Err(ProofError::Time)),
        (json!({"exp": "soon"}), Err(ProofError::Missing("exp"))),
        (json!({"exp": null}), Err(ProofError::Missing("exp"))),
        (json!({"nbf": {}}), Err(ProofError::Missing("nbf"))),
    ] {
        let proof = with_claims(&more);
        assert_eq!(verify(&[proof.as_bytes()], expected_at(SecurityProfile::Fapi2)).map(drop), expected, "{more}");
    }
}

/// J5: one proof, of a bounded size.
#[test]
fn j5_one_header() {
    let proof = EXAMPLE.as_bytes();
    assert_eq!(verify(&[proof, proof], expected(IAT)), Err(ProofError::Header));
    assert_eq!(verify(&[&[b'a'; 4097]], expected(IAT)), Err(ProofError::Header));
    assert_eq!(verify(&[&[b'a'; 4096]], expected(IAT)), Err(ProofError::Token(TokenError::Malformed)));
    let joined = [proof, b", ", proof].concat();
    verify(&[&joined], expected(IAT)).expect_err("two in one");
}

/// J5: a nonce is good for its lifetime, and only if it is one of this key.
#[test]
fn j5_nonce() {
    let key = NonceKey::new(&[7; 32]);
    let nonce = key.make(1000);
    assert_eq!(key.check(&nonce, 1000, 60), Ok(()));
    assert_eq!(key.check(&nonce, 1059, 60), Ok(()));
    assert_eq!(key.check(&nonce, 1060, 60), Err(()));
    assert_eq!(key.check(&nonce, 1000 - 60, 60), Ok(()));
    assert_eq!(key.check(&nonce, 1000 - 61, 60), Err(()));
    assert_eq!(NonceKey::new(&[8; 32]).check(&nonce, 1000, 60), Err(()));
    for bad in ["", "x", "AAAAAAAAAAA", &nonce[1..]] {
        assert_eq!(key.check(bad, 1000, 60), Err(()), "{bad}");
    }
    let nonce = Some((&key, 60));
    assert_eq!(verify(&[EXAMPLE.as_bytes()], Expected { nonce, ..expected(IAT) }), Err(ProofError::Nonce));
}

/// A proof of a key of its own, with these members of the header and the claims changed.
fn proof(header: &Value, claims: &Value) -> String {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    let (x, y) = key.public_key().as_ref()[1..].split_at(32);
    let [x, y] = [x, y].map(|part| URL_SAFE_NO_PAD.encode(part));
    let jwk = json!({"kty": "EC", "crv": "P-256", "x": x, "y": y});
    let changed = |mut all: Value, changes: &Value| {
        let members = all.as_object_mut().expect("an object");
        members.extend(changes.as_object().expect("an object").clone());
        members.retain(|_, value| !value.is_null());
        URL_SAFE_NO_PAD.encode(all.to_string())
    };
    let header = changed(json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk}), header);
    let claims = changed(json!({"jti": "1", "htm": "POST", "htu": URL, "iat": IAT}), claims);
    let message = format!("{header}.{claims}");
    let signature = key.sign(&SystemRandom::new(), message.as_bytes()).expect("signs");
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// J5: what a proof must say, and that its own key has signed it.
#[test]
fn j5_members_of_a_proof() {
    let check = |header: &Value, claims: &Value| {
        verify(&[proof(header, claims).as_bytes()], expected(IAT)).map(|proof| proof.map(|proof| proof.id))
    };
    // base64url of the SHA-256 of "1".
    let id = "a4ayc_80_OGda4BO_1o_V0etpOqiLx1JwB5S3beHW0s".to_owned();
    assert_eq!(check(&json!({}), &json!({})), Ok(Some(id.clone())));
    assert_eq!(check(&json!({"kid": "another"}), &json!({})), Ok(Some(id)));
    let other = json!({
        "kty": "EC", "crv": "P-256",
        "x": "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY", "y": "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
    });
    let nothing = json!({});
    for (header, claims, error) in [
        (json!({"typ": "JWT"}), &nothing, ProofError::Type),
        (json!({"typ": null}), &nothing, ProofError::Type),
        (json!({"jwk": null}), &nothing, ProofError::Key(KeysError::NoUsableKey)),
        (json!({"jwk": {"kty": "oct", "k": "AA"}}), &nothing, ProofError::Key(KeysError::NotPublic)),
        (json!({"jwk": other}), &nothing, ProofError::Token(TokenError::Signature)),
        (nothing.clone(), &json!({"jti": null}), ProofError::Missing("jti")),
        (nothing.clone(), &json!({"htm": null}), ProofError::Missing("htm")),
        (nothing.clone(), &json!({"htu": 1}), ProofError::Missing("htu")),
        (nothing.clone(), &json!({"iat": "1562262616"}), ProofError::Missing("iat")),
        (nothing.clone(), &json!({"htm": "GET"}), ProofError::OtherRequest),
        (nothing.clone(), &json!({"htu": "https://other.example/token"}), ProofError::OtherRequest),
    ] {
        assert_eq!(check(&header, claims), Err(error), "{header} {claims}");
    }
}

/// J5: where a nonce is needed, it is one of this server's, and not too old.
#[test]
fn j5_proofs_with_a_nonce() {
    let key = NonceKey::new(&[7; 32]);
    for (nonce, is_good) in [
        (json!(key.make(IAT)), true),
        (json!(key.make(IAT - 59)), true),
        (json!(key.make(IAT - 60)), false),
        (json!(NonceKey::new(&[8; 32]).make(IAT)), false),
        (json!(1), false),
        (json!(null), false),
    ] {
        let proof = proof(&json!({}), &json!({"nonce": nonce}));
        let outcome = verify(&[proof.as_bytes()], Expected { nonce: Some((&key, 60)), ..expected(IAT) });
        assert_eq!(outcome.map(|proof| proof.is_some()), is_good.then_some(true).ok_or(ProofError::Nonce), "{nonce}");
    }
}

/// J5: the code that goes with each error.
#[test]
fn j5_codes() {
    for (error, code) in [
        (ProofError::Nonce, ErrorCode::UseDpopNonce),
        (ProofError::NeedsProof, ErrorCode::InvalidRequest),
        (ProofError::Replayed, ErrorCode::InvalidDpopProof),
        (ProofError::Header, ErrorCode::InvalidDpopProof),
    ] {
        assert_eq!(OAuthError::from(error).code, code, "{error}");
    }
}

proptest! {
    /// Any bytes: no panic, a registered error code.
    #[test]
    fn any_proof(bytes: Vec<u8>) {
        if let Err(error) = verify(&[&bytes], expected(IAT)) {
            prop_assert_eq!(OAuthError::from(error).code, ErrorCode::InvalidDpopProof);
        }
    }

    /// Any nonce: no panic, never good.
    #[test]
    fn any_nonce(nonce: String) {
        prop_assert!(NonceKey::new(&[7; 32]).check(&nonce, 1000, 60).is_err());
    }
}
