//! Tokens that are bound to a key or a certificate: RFC 9449 §7, RFC 8705 §3.

use serde_json::{Value, json};
use tokenmint_tests::events;

use super::api::{API, Api, Call, Outcome, WAYS};
use crate::dpop::ProofKey;
use crate::mutual_tls::shown::{GRANT, Shown, over_at};

/// V4: a bound token works with a proof of its key, and with nothing else.
#[tokio::test]
async fn v4_bound_tokens_need_their_proof() {
    let api = Api::start(&[]).await;
    let client = api.client(json!({})).await;
    let (key, other) = (ProofKey::new(), ProofKey::new());
    let (token, another) = (api.bound_token(&client, &key).await, api.bound_token(&client, &key).await);
    let call = || Call::read(format!("DPoP {token}"));
    for way in WAYS {
        let proof = key.prove(&api.proof(&token));
        assert_eq!(api.call(way, &call().with_proof(proof)).await, Outcome::Allowed, "{way:?}");
    }
    let with = |name: &str, value: Value| {
        let mut claims = api.proof(&token);
        claims[name] = value;
        key.prove(&claims)
    };
    for (proof, code, why) in [
        (with("htm", "POST".into()), "invalid_dpop_proof", "another method"),
        (with("htu", format!("{API}/items").into()), "invalid_dpop_proof", "another path"),
        (with("htu", "https://other.example/items/1".into()), "invalid_dpop_proof", "another server"),
        (with("htu", format!("{}/token", api.issuer.url).into()), "invalid_dpop_proof", "the token endpoint"),
        (with("iat", (api.world.now() - 61).into()), "invalid_dpop_proof", "too old"),
        (with("iat", (api.world.now() + 61).into()), "invalid_dpop_proof", "from the future"),
        (key.prove(&api.proof(&another)), "invalid_dpop_proof", "ath of another token"),
        (with("ath", Value::Null), "invalid_dpop_proof", "no ath"),
        (other.prove(&api.proof(&token)), "invalid_token", "another key"),
        ("x".to_owned(), "invalid_dpop_proof", "no JWT"),
    ] {
        api.expect_everywhere(&call().with_proof(proof), code, why).await;
    }
    api.expect_everywhere(&call(), "invalid_dpop_proof", "no proof").await;
    let two = call().with_proof(key.prove(&api.proof(&token))).with_proof(key.prove(&api.proof(&token)));
    api.expect_everywhere(&two, "invalid_dpop_proof", "two proofs").await;
    // As a bearer token it is refused, with a proof or without (RFC 9449 §7.2).
    let bearer = Call::read(format!("Bearer {token}"));
    api.expect_everywhere(&bearer, "invalid_token", "as a bearer token").await;
    let proof = key.prove(&api.proof(&token));
    api.expect_everywhere(&bearer.with_proof(proof), "invalid_token", "as a bearer token, with a proof").await;
}

/// V4: a token that is not bound has no use for the `DPoP` scheme; as a bearer token it works, whatever proof is there.
#[tokio::test]
async fn v4_unbound_tokens() {
    let mut api = Api::start(&[]).await;
    let client = api.client(json!({})).await;
    let (key, token) = (ProofKey::new(), api.token(&client, "").await);
    let proof = || key.prove(&api.proof(&token));
    let as_dpop = Call::read(format!("DPoP {token}")).with_proof(proof());
    api.expect_everywhere(&as_dpop, "invalid_token", "not bound").await;
    let as_bearer = Call::read(format!("Bearer {token}")).with_proof(proof());
    for way in WAYS {
        assert_eq!(api.call(way, &as_bearer).await, Outcome::Allowed, "{way:?}");
    }
    api.restart(&[("REQUIRE_BOUND", "on")]);
    api.expect_everywhere(&as_bearer, "invalid_token", "bound tokens only").await;
    let bound = api.bound_token(&client, &key).await;
    let call = Call::read(format!("DPoP {bound}")).with_proof(key.prove(&api.proof(&bound)));
    assert_eq!(api.call(WAYS[0], &call).await, Outcome::Allowed);
}

/// V5: a proof works once, in whatever way it comes again, until it is too old.
#[tokio::test]
async fn v5_a_proof_works_once() {
    let api = Api::start(&[]).await;
    let client = api.client(json!({})).await;
    let key = ProofKey::new();
    let token = api.bound_token(&client, &key).await;
    let call = Call::read(format!("DPoP {token}")).with_proof(key.prove(&api.proof(&token)));
    assert_eq!(api.call(WAYS[1], &call).await, Outcome::Allowed);
    for passed in [0, 60, 1] {
        api.world.pass(passed);
        api.expect_everywhere(&call, "invalid_dpop_proof", "used before").await;
    }
}

/// V5: a request that the token does not allow uses no proof up, so no token fills the memory without the scope.
#[tokio::test]
async fn v5_a_proof_without_the_scope_is_not_used_up() {
    let mut api = Api::start(&[]).await;
    let client = api.client(json!({})).await;
    let key = ProofKey::new();
    let token = api.bound_token(&client, &key).await;
    let call = Call::read(format!("DPoP {token}")).with_proof(key.prove(&api.proof(&token)));
    api.restart(&[("ROUTES", r#"{"GET /items/{id}": "read admin"}"#)]);
    for way in WAYS {
        let forbidden = Outcome::Forbidden("insufficient_scope".to_owned());
        assert_eq!(api.call(way, &call).await, forbidden, "{way:?}");
    }
    api.restart(&[]);
    assert_eq!(api.call(WAYS[1], &call).await, Outcome::Allowed);
}

/// V5: of many requests with one proof at the same time, one works.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn v5_a_proof_works_once_at_the_same_time() {
    let api = std::sync::Arc::new(Api::start(&[]).await);
    let client = api.client(json!({})).await;
    let key = ProofKey::new();
    let token = api.bound_token(&client, &key).await;
    let call = Call::read(format!("DPoP {token}")).with_proof(key.prove(&api.proof(&token)));
    let mut calls = tokio::task::JoinSet::new();
    for at in 0..32 {
        let (api, call) = (api.clone(), call.clone());
        calls.spawn(async move { api.call(WAYS[at % 3], &call).await });
    }
    let outcomes = calls.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Outcome::Allowed).count(), 1, "{outcomes:?}");
}

/// V6: a token that is bound to a certificate works over a connection with it only.
#[tokio::test]
async fn v6_certificates_of_bound_tokens() {
    let api = Api::start(&[("REQUIRE_BOUND", "on")]).await;
    let client = api.client(json!({"tls_client_certificate_bound_access_tokens": true})).await;
    let (shown, other) = (Shown::self_signed("client"), Shown::self_signed("client"));
    let ask = events::token(&format!("{GRANT}&resource={API}"));
    let ask = events::with_header(ask, "authorization", client.basic());
    let answer = api.world.token(&over_at("127.0.0.1", ask, &shown.pem)).await.json();
    let token = answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}"));
    let call = Call::read(format!("Bearer {token}"));
    for way in &WAYS[1..] {
        assert_eq!(api.call(*way, &call.clone().over(&shown.pem)).await, Outcome::Allowed, "{way:?}");
        for wrong in [&other.pem, "CERT_CONTENT", "", &format!("{}{}", shown.pem, other.pem)] {
            let outcome = api.call(*way, &call.clone().over(wrong)).await;
            assert_eq!(outcome, Outcome::Unauthorized(None), "{way:?} {wrong}");
        }
    }
    // Plain HTTP has no certificate; a header is none.
    api.expect_everywhere(&call, "invalid_token", "no certificate").await;
    let mut event = call.http_api();
    event["headers"]["x-amzn-mtls-clientcert"] = shown.pem.as_str().into();
    assert!(api.authorizer(&event).await.is_err());
}
