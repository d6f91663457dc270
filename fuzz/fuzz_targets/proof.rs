//! A `DPoP` proof (RFC 9449 §4.2): as raw bytes, and as a header and claims that its own key signs.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use tokenmint_fuzz::{halves, jwk, signed};
use tokenmint_oauth::dpop::{Expected, MAX_AGE, MAX_BYTES, NonceKey, verify};
use tokenmint_oauth::error::{ErrorCode, OAuthError};
use tokenmint_oauth::jose::MAX_SKEW;
use tokenmint_oauth::security_profile::SecurityProfile;

const URL: &str = "https://as.example/token";
const NOW: u64 = 1_700_000_000;

fn check(proof: &[u8]) -> bool {
    let key = NonceKey::new(&[7; 32]);
    let expected = |nonce| Expected { method: "POST", urls: &[URL], now: NOW, nonce, profile: SecurityProfile::None };
    match verify(&[proof], expected(None)) {
        Ok(proof) => {
            let proof = proof.expect("a header is a proof");
            assert!(proof.checked_at == NOW && proof.expires_at > NOW);
            assert!(proof.expires_at <= NOW + MAX_SKEW + MAX_AGE + 1);
        }
        Err(error) => {
            assert_eq!(OAuthError::from(error).code, ErrorCode::InvalidDpopProof);
            return false;
        }
    }
    // A nonce of this server cannot be guessed.
    let error = verify(&[proof], expected(Some((&key, 60)))).expect_err("no nonce");
    assert_eq!(OAuthError::from(error).code, ErrorCode::UseDpopNonce);
    assert!(proof.len() <= MAX_BYTES);
    true
}

fuzz_target!(|bytes: &[u8]| {
    assert!(!check(bytes), "a proof of a key that the fuzzer does not have");
    let (header, claims) = halves(bytes);
    // The key of this process is in the header, whatever else the header has.
    let Ok(Value::Object(mut header)) = serde_json::from_slice(header) else { return };
    header.insert("jwk".to_owned(), jwk());
    if check(signed(Value::from(header.clone()).to_string().as_bytes(), claims).as_bytes()) {
        assert_eq!((&header["typ"], &header["alg"]), (&json!("dpop+jwt"), &json!("ES256")));
        let claims: Value = serde_json::from_slice(claims).expect("claims that are accepted are JSON");
        assert_eq!(claims["htm"], "POST");
        assert!(claims["jti"].is_string() && claims["htu"].is_string());
        let iat = claims["iat"].as_u64().expect("a number");
        assert!(iat + MAX_AGE >= NOW && iat <= NOW + MAX_SKEW, "{iat}");
    }
});
