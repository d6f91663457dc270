//! DPoP within the profile: FAPI 2.0 §5.3.2.1 items 5, 10 and 13, §5.4.1; RFC 9449 §4.3.

use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};
use tokenmint_tests::{Log, events};

use super::{GRANT, ask, assertion, changed, client, proof_claims, prove, world};
use crate::client_key::{ClientKey, parameters, unsigned};

/// S6, J5: `iat` ten seconds off either way, `nbf` and `exp` around now, further members, and a URL that differs only in
/// its form, its query and its fragment.
#[tokio::test]
async fn s6_j5_good_proofs() {
    let world = world().await;
    let (key, id) = client(&world).await;
    let (proof_key, now) = (ClientKey::new(Algorithm::ES256), world.now());
    for (round, changes) in [
        json!({"iat": now - 10}),
        json!({"iat": now + 10}),
        json!({"nbf": now, "exp": now + 300}),
        json!({"iat": now + 10, "nbf": now + 10, "exp": now + 310}),
        json!({"exp": now - 59}),
        json!({"nbf": now + 60, "iat": now + 60}),
        json!({"htu": "HTTPS://AS.example:443/token?a=b#c"}),
        json!({"extra": {"a": [1]}, "ath": "x"}),
    ]
    .into_iter()
    .enumerate()
    {
        let proof = prove(&proof_key, &changed(proof_claims(&world, &round.to_string()), &changes));
        let answer = ask(&world, &assertion(&world, &key, &id, &round.to_string()), &proof).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["token_type"]), (200, &json!("DPoP")), "{changes}");
    }
    let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": proof_key.jwk, "kid": "x", "extra": 1});
    let proof = proof_key.sign_with(&header, &proof_claims(&world, "header"));
    assert_eq!(ask(&world, &assertion(&world, &key, &id, "header"), &proof).await.status, 200);
}

/// Proofs by this key that are invalid at any endpoint, and why: each has these claims but for one mistake.
pub(super) fn hostile(key: &ClientKey, good: &Value) -> Vec<(String, &'static str)> {
    let now = good["iat"].as_u64().expect("a time");
    let (other, rsa, p384) = (Algorithm::ES256, Algorithm::RS256, Algorithm::ES384);
    let [other, rsa, p384] = [other, rsa, p384].map(ClientKey::new);
    let mut any_rsa = rsa.jwk.clone();
    any_rsa.as_object_mut().expect("a key").remove("alg");
    let with = |changes: Value| prove(key, &changed(good.clone(), &changes));
    let header = |changes: Value| {
        let header = changed(json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": key.jwk}), &changes);
        key.sign_with(&header, good)
    };
    let parts: Vec<_> = prove(key, good).split('.').map(str::to_owned).collect();
    let mut private = key.jwk.clone();
    private["d"] = "AAAA".into();
    let secret = json!({"kty": "oct", "k": "c2VjcmV0"});
    let hs256 = |jwk: &Value| {
        let message = unsigned(&json!({"typ": "dpop+jwt", "alg": "HS256", "jwk": jwk}), good);
        let key = EncodingKey::from_secret(b"secret");
        format!("{message}.{}", crypto::sign(message.as_bytes(), &key, Algorithm::HS256).expect("an HMAC"))
    };
    vec![
        (with(json!({"jti": null})), "jti of the proof is missing or of a wrong type"),
        (with(json!({"htm": null})), "htm of the proof is missing or of a wrong type"),
        (with(json!({"htu": null})), "htu of the proof is missing or of a wrong type"),
        (with(json!({"iat": null})), "iat of the proof is missing or of a wrong type"),
        (with(json!({"htm": "PUT"})), "the proof is for another request"),
        (with(json!({"iat": now + 3600})), "too old, expired, or not yet valid"),
        (with(json!({"iat": now - 3600})), "too old, expired, or not yet valid"),
        (with(json!({"iat": now + 61})), "too old, expired, or not yet valid"),
        (with(json!({"nbf": now + 61})), "too old, expired, or not yet valid"),
        (with(json!({"exp": now - 60})), "too old, expired, or not yet valid"),
        (with(json!({"exp": "later"})), "exp of the proof is missing or of a wrong type"),
        (with(json!({"nbf": []})), "nbf of the proof is missing or of a wrong type"),
        (header(json!({"typ": null})), "typ of the proof"),
        (header(json!({"typ": "JWT"})), "typ of the proof"),
        (header(json!({"alg": null})), "malformed JWT"),
        (header(json!({"alg": "none"})), "algorithm not allowed"),
        (header(json!({"jwk": null})), "jwk of the proof"),
        (header(json!({"jwk": private})), "jwk of the proof holds a key that is not public"),
        (header(json!({"jwk": other.jwk})), "wrong signature"),
        (header(json!({"crit": ["x"]})), "critical header"),
        (format!("{}.", unsigned(&json!({"typ": "dpop+jwt", "alg": "none", "jwk": key.jwk}), good)), "not allowed"),
        (format!("{}.{}.AAAA", parts[0], parts[1]), "wrong signature"),
        (format!("{}.{}", parts[0], parts[1]), "malformed JWT"),
        (hs256(&key.jwk), "algorithm not allowed"),
        (hs256(&secret), "algorithm not allowed"),
        (prove(&rsa, good), "algorithm not allowed"),
        (rsa.sign_with(&json!({"typ": "dpop+jwt", "alg": "RS256", "jwk": any_rsa}), good), "algorithm not allowed"),
        (prove(&p384, good), "algorithm not allowed"),
        (format!("{0}, {0}", prove(key, good)), "wrong signature"),
    ]
}

/// S3, S4, S6: every other proof gets `invalid_dpop_proof`, and uses up no identifier of a proof.
#[tokio::test]
async fn s3_s4_s6_hostile_proofs() {
    let world = world().await;
    let (key, id) = client(&world).await;
    let proof_key = ClientKey::new(Algorithm::ES256);
    let good = proof_claims(&world, "never-used");
    let elsewhere = ["https://as.example/introspect", "https://mtls.as.example/token"].map(|url| {
        (prove(&proof_key, &changed(good.clone(), &json!({"htu": url}))), "the proof is for another request")
    });
    let log = Log::capture();
    for (round, (proof, why)) in hostile(&proof_key, &good).into_iter().chain(elsewhere).enumerate() {
        let answer = ask(&world, &assertion(&world, &key, &id, &round.to_string()), &proof).await;
        answer.expect_error(400, "invalid_dpop_proof");
        let line = log.requests().pop().expect("a line");
        assert!(line["cause"].as_str().is_some_and(|cause| cause.contains(why)), "{line}: {why}");
    }
    assert_eq!(ask(&world, &assertion(&world, &key, &id, "good"), &prove(&proof_key, &good)).await.status, 200);
}

/// S4, J5: a proof is accepted once, whichever client sends it again.
#[tokio::test]
async fn s4_j5_reused_proof() {
    let world = world().await;
    let ((key, id), (other_key, other)) = (client(&world).await, client(&world).await);
    let proof = prove(&ClientKey::new(Algorithm::ES256), &proof_claims(&world, "once"));
    assert_eq!(ask(&world, &assertion(&world, &key, &id, "1"), &proof).await.status, 200);
    for (key, id) in [(&key, &id), (&other_key, &other)] {
        let answer = ask(&world, &assertion(&world, key, id, "2"), &proof).await;
        answer.expect_error(400, "invalid_dpop_proof");
    }
}

/// S4, J5: nonces are optional, and work within the profile.
#[tokio::test]
async fn s4_j5_nonces() {
    let mut world = world().await;
    world.set("DPOP_NONCE_TTL", "60").await;
    let (key, id) = client(&world).await;
    let proof_key = ClientKey::new(Algorithm::ES256);
    let proof = prove(&proof_key, &proof_claims(&world, "1"));
    let answer = ask(&world, &assertion(&world, &key, &id, "1"), &proof).await;
    answer.expect_error(400, "use_dpop_nonce");
    let nonce = answer.header("dpop-nonce").expect("a nonce").to_owned();
    let proof = prove(&proof_key, &changed(proof_claims(&world, "2"), &json!({"nonce": nonce})));
    let event = events::token(&format!("{GRANT}{}", parameters(&assertion(&world, &key, &id, "2"))));
    assert_eq!(world.token(&events::with_header(event, "dpop", proof)).await.status, 200);
}
