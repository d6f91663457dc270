//! `private_key_jwt` within the profile: FAPI 2.0 §5.3.2.1 items 6, 8 and 13, §5.4.1.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};
use tokenmint_tests::{Log, World, events};

use super::{any_proof, ask, ask_with, assertion, changed, client, metadata, proof_claims, prove, token, world};
use crate::client_key::{ClientKey, claims, parameters, register, unsigned};

/// S2, S3, S4: the flow with `private_key_jwt` and DPoP, with every algorithm of the profile. `token_type` is `DPoP`, in
/// exactly these letters.
#[tokio::test]
async fn s2_s3_s4_private_key_jwt_and_dpop() {
    let world = world().await;
    for algorithm in [Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA] {
        let (key, proof_key) = (ClientKey::new(algorithm), ClientKey::new(algorithm));
        let id = register(&world, &metadata(&key)).await;
        let proof = prove(&proof_key, &proof_claims(&world, "1"));
        let answer = ask(&world, &assertion(&world, &key, &id, "1"), &proof).await;
        let body = answer.json();
        assert_eq!(body["token_type"], "DPoP", "{algorithm:?}: {body}");
        assert_eq!((&body["scope"], body.get("refresh_token")), (&json!("read"), None));
        answer.expect_not_cacheable();
        let claims = token(&world, &answer).await;
        let jwk: Jwk = serde_json::from_value(proof_key.jwk.clone()).expect("a key");
        let thumbprint = jwk.thumbprint(ThumbprintHash::SHA256).expect("a thumbprint");
        assert_eq!(claims["cnf"], json!({"jkt": thumbprint}));
        assert_eq!((&claims["sub"], &claims["client_id"]), (&json!(id), &json!(id)));
        let header = jsonwebtoken::decode_header(body["access_token"].as_str().expect("a token")).expect("a header");
        assert_eq!(header.alg, Algorithm::ES256);
    }
    // Ed25519 under the name of RFC 9864.
    let key = ClientKey::new(Algorithm::EdDSA);
    let id = register(&world, &metadata(&key)).await;
    let named = key.sign_with(&json!({"alg": "Ed25519"}), &claims(&world, &id, "1"));
    assert_eq!(ask(&world, &named, &any_proof(&world)).await.status, 200);
}

/// S3, A4: an assertion of any other algorithm is refused, RS256 first of all, though the key would verify it.
#[tokio::test]
async fn s3_a4_other_algorithms() {
    let mut world = World::new().await;
    let algorithms =
        [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS384, Algorithm::PS512, Algorithm::ES384];
    let mut clients = Vec::new();
    for algorithm in algorithms {
        let mut key = ClientKey::new(algorithm);
        let alg = key.jwk.as_object_mut().expect("a key").remove("alg").expect("alg");
        clients.push((alg, register(&world, &metadata(&key)).await, key));
    }
    for profile in ["none", "fapi2"] {
        world.set("SECURITY_PROFILE", profile).await;
        let log = Log::capture();
        let reference = world.token(&events::load("token-wrong-secret")).await;
        for (alg, id, key) in &clients {
            let assertion = key.sign_with(&json!({"alg": alg, "kid": "1"}), &claims(&world, id, profile));
            let answer = ask(&world, &assertion, &any_proof(&world)).await;
            if profile == "none" {
                assert_eq!(answer.status, 200, "{alg}");
                continue;
            }
            answer.expect_error(401, "invalid_client");
            assert_eq!((&answer.body, &answer.headers), (&reference.body, &reference.headers), "{alg}");
            let line = log.requests().pop().expect("a line");
            assert_eq!(line["cause"], "client assertion: algorithm not allowed", "{alg}");
        }
    }
}

/// S3: of several keys with one `kid`, those of the assertion's algorithm are tried (§5.4.3).
#[tokio::test]
async fn s3_keys_with_the_same_kid() {
    let world = world().await;
    let keys = [Algorithm::EdDSA, Algorithm::ES256, Algorithm::PS256, Algorithm::ES256].map(ClientKey::new);
    let jwks: Vec<_> = keys.iter().map(|key| key.jwk.clone()).collect();
    assert!(jwks.iter().all(|jwk| jwk["kid"] == "1"));
    let jwks = json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": jwks}});
    let id = register(&world, &jwks).await;
    for (round, key) in keys.iter().enumerate() {
        let answer = ask(&world, &assertion(&world, key, &id, &round.to_string()), &any_proof(&world)).await;
        assert_eq!(answer.status, 200, "{}", key.jwk);
    }
    let stranger = ClientKey::new(Algorithm::ES256);
    ask(&world, &assertion(&world, &stranger, &id, "x"), &any_proof(&world)).await.expect_error(401, "invalid_client");
}

/// S2, S5, S6: an assertion that is invalid in one way gets `invalid_client`, or `invalid_request` where it is incomplete,
/// whatever proof comes with it. None of them uses up the assertion's identifier or the proof.
#[tokio::test]
async fn s2_s5_s6_invalid_assertions() {
    let world = world().await;
    let (key, id) = client(&world).await;
    let (stranger, other) = client(&world).await;
    let (now, good) = (world.now(), claims(&world, &id, "never-used"));
    let with = |changes: Value| key.sign(&changed(good.clone(), &changes));
    let parts: Vec<_> = key.sign(&good).split('.').map(str::to_owned).collect();
    let hs256 = {
        let message = unsigned(&json!({"alg": "HS256", "kid": "1"}), &good);
        let secret = EncodingKey::from_secret(key.jwk.to_string().as_bytes());
        format!("{message}.{}", crypto::sign(message.as_bytes(), &secret, Algorithm::HS256).expect("an HMAC"))
    };
    let mut signature = BASE64_URL_SAFE_NO_PAD.decode(&parts[2]).expect("base64url");
    signature[9] ^= 1;
    let signature = BASE64_URL_SAFE_NO_PAD.encode(signature);
    let proof = any_proof(&world);
    let log = Log::capture();
    for (assertion, cause) in [
        (with(json!({"sub": null})), "sub is missing"),
        (with(json!({"sub": other})), "iss and sub are not both the client"),
        (with(json!({"iss": null})), "iss and sub are not both the client"),
        (with(json!({"iss": other})), "iss and sub are not both the client"),
        (with(json!({"iss": "https://as.example"})), "iss and sub are not both the client"),
        (with(json!({"aud": null})), "aud is not this server alone"),
        (with(json!({"aud": "https://other.example"})), "aud is not this server alone"),
        (with(json!({"aud": "https://as.example/"})), "aud is not this server alone"),
        (with(json!({"aud": "https://as.example/token"})), "aud is not this server alone"),
        (with(json!({"aud": ["https://as.example", "https://as.example/token"]})), "aud is not this server alone"),
        (with(json!({"aud": ["https://as.example", "https://other.example"]})), "aud is not this server alone"),
        (with(json!({"aud": ["https://as.example"]})), "aud is an array; the security profile requires a string"),
        (with(json!({"exp": null})), "exp is missing or malformed"),
        (with(json!({"exp": now - 300})), "expired"),
        (with(json!({"exp": now + 3661})), "exp is too far ahead"),
        (with(json!({"iat": now + 61, "exp": now + 120})), "not yet good"),
        (with(json!({"nbf": now + 61, "exp": now + 120})), "not yet good"),
        (with(json!({"jti": null})), "jti is missing or malformed"),
        (format!("{}.", unsigned(&json!({"alg": "none"}), &good)), "algorithm not allowed"),
        (hs256, "algorithm not allowed"),
        (format!("{}.{}.{signature}", parts[0], parts[1]), "wrong signature"),
        (stranger.sign(&good), "wrong signature"),
    ] {
        ask(&world, &assertion, &proof).await.expect_error(401, "invalid_client");
        let line = log.requests().pop().expect("a line");
        assert!(line["cause"].as_str().is_some_and(|logged| logged.ends_with(cause)), "{line}: {cause}");
    }
    let sent = parameters(&key.sign(&good));
    let (kind, alone) = sent.split_at(sent.find("&client_assertion=").expect("an assertion"));
    for (form, code) in [
        (alone.to_owned(), "invalid_request"),
        (kind.to_owned(), "invalid_request"),
        (sent.replace("jwt-bearer", "saml2-bearer"), "invalid_client"),
        (format!("{sent}&client_secret=x&client_id={id}"), "invalid_request"),
    ] {
        let status = if code == "invalid_client" { 401 } else { 400 };
        ask_with(&world, &form, Some(&proof)).await.expect_error(status, code);
    }
    assert_eq!(world.stored_tokens().await, 0);
    assert_eq!(ask(&world, &key.sign(&good), &proof).await.status, 200);
}

/// S6: `iat` and `nbf` may be ten seconds in the future, and up to sixty, but not more.
#[tokio::test]
async fn s6_clocks_that_differ() {
    let world = world().await;
    let (key, id) = client(&world).await;
    for ahead in [0, 8, 10, 60, 61] {
        let start = world.now() + ahead;
        let claims = claims(&world, &id, &ahead.to_string());
        let assertion = key.sign(&changed(claims, &json!({"iat": start, "nbf": start, "exp": start + 60})));
        let answer = ask(&world, &assertion, &any_proof(&world)).await;
        if ahead > 60 {
            answer.expect_error(401, "invalid_client");
        } else {
            assert_eq!(answer.status, 200, "{ahead}: {:?}", answer.json());
        }
    }
}

/// S2, A6: an assertion is accepted once, also with another proof.
#[tokio::test]
async fn s2_a6_reused_assertion() {
    let world = world().await;
    let (key, id) = client(&world).await;
    let assertion = assertion(&world, &key, &id, "once");
    assert_eq!(ask(&world, &assertion, &any_proof(&world)).await.status, 200);
    ask(&world, &assertion, &any_proof(&world)).await.expect_error(401, "invalid_client");
    // Another assertion with the same identifier is the same use.
    let again = key.sign(&changed(claims(&world, &id, "once"), &json!({"exp": world.now() + 30})));
    ask(&world, &again, &any_proof(&world)).await.expect_error(401, "invalid_client");
}

/// S2, A2: the identifier of another client: beside the assertion, in it, or both.
#[tokio::test]
async fn s2_a2_client_id_of_another_client() {
    let world = world().await;
    let (key, id) = client(&world).await;
    let (_, other) = client(&world).await;
    let proof = any_proof(&world);
    let own = parameters(&assertion(&world, &key, &id, "1"));
    let forged = parameters(&assertion(&world, &key, &other, "1"));
    ask_with(&world, &format!("{own}&client_id={other}"), Some(&proof)).await.expect_error(400, "invalid_request");
    ask_with(&world, &format!("{forged}&client_id={other}"), Some(&proof)).await.expect_error(401, "invalid_client");
    ask_with(&world, &forged, Some(&proof)).await.expect_error(401, "invalid_client");
    ask_with(&world, &format!("&client_id={other}"), Some(&proof)).await.expect_error(401, "invalid_client");
    assert_eq!(ask_with(&world, &format!("{own}&client_id={id}"), Some(&proof)).await.status, 200);
}
