//! Who may set `federated_credentials`, and what a `PUT` may do with them.

use serde_json::{Value, json};
use tokenmint_tests::{World, events};

use super::{GITHUB, REPO, StandIn, ask, client, expect_token_of, github_claims, register, world};
use crate::configure::configure;

fn metadata(credentials: &Value) -> Value {
    json!({"token_endpoint_auth_method": "private_key_jwt", "federated_credentials": credentials})
}

/// F4: open registration sets none, and neither does an initial access token that does not allow it; nothing is stored,
/// counted or used up.
#[tokio::test]
async fn f4_who_may_set_them() {
    let own = json!([{"issuer": GITHUB, "sub": REPO}]);
    let mut open = World::new().await;
    open.set("REGISTRATION_RATE_TOTAL", "10").await;
    let keys = crate::client_key::ClientKey::new(jsonwebtoken::Algorithm::ES256).jwks();
    for metadata in [metadata(&own), json!({"federated_credentials": own}), {
        let mut with_keys = metadata(&own);
        with_keys["jwks"] = keys;
        with_keys
    }] {
        let answer = open.register(&events::register(&metadata)).await;
        answer.expect_error(400, "invalid_client_metadata");
        let said = answer.json()["error_description"].as_str().expect("a description").to_owned();
        assert!(said.starts_with("federated_credentials may be set only by an operator"), "{said}");
    }
    assert_eq!(open.counted_registrations().await, 0);
    assert_eq!(open.register(&events::register(&json!({"federated_credentials": []}))).await.status, 201);
    let protected = world(&[]).await;
    register(&protected, false, &metadata(&own)).await.expect_error(400, "invalid_client_metadata");
    assert_eq!(register(&protected, true, &metadata(&own)).await.status, 201);
}

/// F4, R1, A3: malformed credentials are refused by name, and only `private_key_jwt` goes with them.
#[tokio::test]
async fn f4_r1_a3_what_cannot_be_registered() {
    let world = world(&[]).await;
    let own = json!([{"issuer": GITHUB, "sub": REPO}]);
    for bad in [
        json!("x"),
        json!({}),
        json!([{}]),
        json!([{"issuer": GITHUB}]),
        json!([{"issuer": GITHUB, "sub": REPO, "pattern": "*"}]),
        json!([{"issuer": GITHUB, "sub": REPO, "claims": {"a": ["x"]}}]),
        json!(vec![own[0].clone(); 11]),
    ] {
        let answer = register(&world, true, &metadata(&bad)).await;
        answer.expect_error(400, "invalid_client_metadata");
        let said = answer.json()["error_description"].as_str().expect("a description").to_owned();
        assert!(said.starts_with("federated_credentials "), "{bad}: {said}");
    }
    for method in ["client_secret_basic", "client_secret_post", "self_signed_tls_client_auth"] {
        let other = json!({"token_endpoint_auth_method": method, "federated_credentials": own});
        register(&world, true, &other).await.expect_error(400, "invalid_client_metadata");
    }
    register(&world, true, &json!({"federated_credentials": own})).await.expect_error(400, "invalid_client_metadata");
    let bare = json!({"token_endpoint_auth_method": "private_key_jwt"});
    register(&world, true, &bare).await.expect_error(400, "invalid_client_metadata");
    let counted: Vec<_> = (0..10).map(|n| json!({"issuer": GITHUB, "sub": format!("{REPO}{n}")})).collect();
    assert_eq!(register(&world, true, &metadata(&json!(counted))).await.status, 201);
}

/// F4, M4: a `PUT` repeats the federated credentials or leaves them out; they stay. Anything else is refused, and changes
/// nothing.
#[tokio::test]
async fn f4_m4_a_put_never_widens_whom_a_client_trusts() {
    let github = StandIn::github().await;
    let world = world(&[github.entry(&json!({}))]).await;
    let own = json!([{"issuer": GITHUB, "sub": REPO, "claims": {"repository_id": "74"}}]);
    let (id, mut token) = client(&world, &own).await;
    let other = json!({"issuer": GITHUB, "sub": "repo:octo-org/other"});
    for credentials in [
        json!([own[0], other]),
        json!([other]),
        json!([{"issuer": GITHUB, "sub": REPO}]),
        json!([{"issuer": GITHUB, "sub": REPO, "claims": {"repository_id": 74}}]),
        json!([own[0], own[0]]),
    ] {
        let mut body = metadata(&credentials);
        body["client_id"] = id.clone().into();
        let answer = configure(&world, "PUT", &id, &token, Some(&body)).await;
        answer.expect_error(400, "invalid_client_metadata");
    }
    // Another method does not go with them, so they cannot be dropped that way.
    let basic = json!({"client_id": id});
    configure(&world, "PUT", &id, &token, Some(&basic)).await.expect_error(400, "invalid_client_metadata");
    for mut body in [
        metadata(&own),
        json!({"token_endpoint_auth_method": "private_key_jwt"}),
        json!({"token_endpoint_auth_method": "private_key_jwt", "federated_credentials": null}),
        metadata(&json!([])),
    ] {
        body["client_id"] = id.clone().into();
        let answer = configure(&world, "PUT", &id, &token, Some(&body)).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["federated_credentials"]), (200, &own), "{body}");
        token = answer.json()["registration_access_token"].as_str().expect("a token").to_owned();
    }
    let read = configure(&world, "GET", &id, &token, None).await.json();
    assert_eq!(read["federated_credentials"], own);
    expect_token_of(&id, &ask(&world, &github.key.sign(&github_claims(&world, "1")), "").await);
    // A client without any gives itself none.
    let (answer, keys) = {
        let keys = crate::client_key::ClientKey::new(jsonwebtoken::Algorithm::ES256).jwks();
        let metadata = json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": keys});
        (register(&world, true, &metadata).await.json(), keys)
    };
    let (id, token) = (answer["client_id"].as_str().expect("id"), answer["registration_access_token"].as_str());
    let mut body = metadata(&own);
    body["client_id"] = id.into();
    body["jwks"] = keys;
    let answer = configure(&world, "PUT", id, token.expect("a token"), Some(&body)).await;
    answer.expect_error(400, "invalid_client_metadata");
}
