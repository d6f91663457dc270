//! Revocation by introspection: RFC 7662, RFC 7009.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde_json::json;
use tokenmint_tests::{Credentials, events};

use super::api::{Api, Call, Outcome, WAYS};
use super::host::Host;
use crate::dpop::ProofKey;

/// An API that introspects as a client of the issuer.
async fn introspecting() -> (Api, Credentials) {
    let mut api = Api::start(&[]).await;
    let own = api.world.client_with_initial_access_token("introspect", json!({"scope": "introspect"})).await;
    let client = api.client(json!({})).await;
    api.restart(&[("INTROSPECTION_CLIENT_ID", &own.id), ("INTROSPECTION_CLIENT_SECRET", &own.secret)]);
    (api, client)
}

async fn revoke(api: &Api, client: &Credentials, token: &str) {
    let event = events::form("/revoke", &format!("token={token}"));
    let answer = api.world.token(&events::with_header(event, "authorization", client.basic())).await;
    assert_eq!(answer.status, 200);
}

/// V7: a revoked token is refused where introspection is on; without it the token works until it expires.
#[tokio::test]
async fn v7_revoked_tokens() {
    let (mut api, client) = introspecting().await;
    let call = Call::read(format!("Bearer {}", api.token(&client, "").await));
    let revoked = api.token(&client, "").await;
    let revoked_call = Call::read(format!("Bearer {revoked}"));
    for way in WAYS {
        assert_eq!(api.call(way, &revoked_call).await, Outcome::Allowed, "{way:?}");
    }
    revoke(&api, &client, &revoked).await;
    api.expect_everywhere(&revoked_call, "invalid_token", "revoked").await;
    assert_eq!(api.call(WAYS[0], &call).await, Outcome::Allowed, "another token of the client");
    // A client that is disabled has no active token.
    api.world.disable(&client).await;
    api.expect_everywhere(&call, "invalid_token", "the client is disabled").await;
    let asked = api.issuer.asked("/introspect");
    assert_eq!(asked, 10, "one request each");
    api.restart(&[]);
    for call in [&call, &revoked_call] {
        assert_eq!(api.call(WAYS[0], call).await, Outcome::Allowed, "introspection is off");
    }
    assert_eq!(api.issuer.asked("/introspect"), asked);
}

/// V5, V7: a proof that was used before causes no introspection. A token that proves to be revoked uses its proof up.
#[tokio::test]
async fn v5_v7_a_replay_is_not_introspected() {
    let (api, client) = introspecting().await;
    let key = ProofKey::new();
    let token = api.bound_token(&client, &key).await;
    let call = || Call::read(format!("DPoP {token}")).with_proof(key.prove(&api.proof(&token)));
    let replayed = call();
    assert_eq!(api.call(WAYS[0], &replayed).await, Outcome::Allowed);
    api.expect_everywhere(&replayed, "invalid_dpop_proof", "used before").await;
    assert_eq!(api.issuer.asked("/introspect"), 1);
    revoke(&api, &client, &token).await;
    let revoked = call();
    let outcomes = [api.call(WAYS[0], &revoked).await, api.call(WAYS[0], &revoked).await];
    assert_eq!(
        outcomes,
        ["invalid_token", "invalid_dpop_proof"].map(|code| Outcome::Unauthorized(Some(code.to_owned())))
    );
    assert_eq!(api.issuer.asked("/introspect"), 2);
}

/// V7: a token that the issuer does not vouch for is never accepted.
#[tokio::test]
async fn v7_introspection_fails() {
    let (mut api, client) = introspecting().await;
    let token = api.token(&client, "").await;
    let call = Call::read(format!("Bearer {token}"));
    assert_eq!(api.call(WAYS[0], &call).await, Outcome::Allowed);
    // The keys are cached, and the issuer is gone.
    api.issuer.stop().await;
    for way in WAYS {
        assert_eq!(api.call(way, &call).await, Outcome::Unavailable, "{way:?}");
    }
    api.issuer.restart().await;
    assert_eq!(api.call(WAYS[0], &call).await, Outcome::Allowed);
    // Wrong credentials of the resource server are its own mistake, not the client's.
    api.restart(&[("INTROSPECTION_CLIENT_ID", &client.id), ("INTROSPECTION_CLIENT_SECRET", "wrong")]);
    assert_eq!(api.call(WAYS[0], &call).await, Outcome::Unavailable);
    // Answers that do not say whether the token is active.
    let metadata = api.world.token(&events::get("/.well-known/oauth-authorization-server")).await.json().to_string();
    let keys = api.world.token(&events::get("/.well-known/jwks.json")).await.json().to_string();
    let routes = || {
        let (metadata, keys) = (metadata.clone(), keys.clone());
        Router::new()
            .route("/.well-known/oauth-authorization-server", get(async move || metadata.clone()))
            .route("/.well-known/jwks.json", get(async move || keys.clone()))
    };
    for answer in ["{}", "[]", "null", "x", r#"{"active":"true"}"#, r#"{"active":1}"#] {
        api.issuer.set(routes().route("/introspect", post(async move || answer)));
        assert_eq!(api.call(WAYS[0], &call).await, Outcome::Unavailable, "{answer}");
    }
    // A redirect, to which the credentials of the resource server would go.
    let elsewhere = Host::start().await;
    elsewhere.set(Router::new().fallback(async || r#"{"active":true}"#));
    for status in [301, 302, 303, 307, 308] {
        let status = StatusCode::from_u16(status).expect("a status");
        let location = format!("{}/introspect", elsewhere.url);
        let redirect = post(async move || (status, [("location", location.clone())]));
        api.issuer.set(routes().route("/introspect", redirect));
        assert_eq!(api.call(WAYS[0], &call).await, Outcome::Unavailable, "{status}");
    }
    assert_eq!(elsewhere.asked("/introspect"), 0, "nothing is sent on");
}
