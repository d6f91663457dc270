//! `client_secret_basic` and `client_secret_post` at `POST /token`, `/introspect` and `/revoke`: the methods that a
//! client may use.

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tokenmint_tests::{Answer, Credentials, World, events};

use crate::client_key::{self, ClientKey, claims, parameters};

/// The endpoints with client authentication, each with a valid form.
const ENDPOINTS: [(&str, &str); 3] =
    [("/token", "grant_type=client_credentials"), ("/introspect", "token=x"), ("/revoke", "token=x")];

async fn by_basic(world: &World, client: &Credentials, (path, form): (&str, &str)) -> Answer {
    world.token(&events::with_header(events::form(path, form), "authorization", client.basic())).await
}

async fn by_post(world: &World, client: &Credentials, (path, form): (&str, &str)) -> Answer {
    let secret = format!("&client_id={}&client_secret={}", client.id, client.secret);
    world.token(&events::form(path, &format!("{form}{secret}"))).await
}

/// Asserts whether the client may use Basic and the body, at every endpoint. A method that it may not use gets the
/// same error as a wrong secret.
async fn expect_methods(world: &World, client: &Credentials, basic: bool, post: bool) {
    let wrong = Credentials { secret: "x".repeat(32), ..client.clone() };
    for at in ENDPOINTS {
        let reference = by_basic(world, &wrong, at).await;
        reference.expect_error(401, "invalid_client");
        for (answer, accepted) in [(by_basic(world, client, at).await, basic), (by_post(world, client, at).await, post)]
        {
            if accepted {
                assert_eq!(answer.status, 200, "{at:?}: {}", answer.json());
            } else {
                answer.expect_error(401, "invalid_client");
                assert_eq!((&answer.body, &answer.headers), (&reference.body, &reference.headers), "{at:?}");
            }
        }
        let in_body = by_post(world, &wrong, at).await;
        assert_eq!((&in_body.body, &in_body.headers), (&reference.body, &reference.headers), "{at:?}");
    }
}

/// Updates a client's registration; returns the new credentials and the response.
async fn update(world: &World, client: &Credentials, mut metadata: Value) -> (Credentials, Value) {
    metadata["client_id"] = client.id.clone().into();
    let event = events::configure("PUT", &client.id, Some(&format!("Bearer {}", client.token)), Some(&metadata));
    let answer = world.register(&event).await;
    let body = answer.json();
    assert_eq!(answer.status, 200, "{body}");
    let token = body["registration_access_token"].as_str().expect("a token").to_owned();
    (Credentials { token, ..client.clone() }, body)
}

/// A3, A4: a client that named its method is bound to it, also if it is the default.
#[tokio::test]
async fn a3_a4_a_client_is_bound_to_the_method_it_named() {
    let world = World::new().await;
    let basic = world.client(json!({"token_endpoint_auth_method": "client_secret_basic"})).await;
    expect_methods(&world, &basic, true, false).await;
    let post = world.client(json!({"token_endpoint_auth_method": "client_secret_post"})).await;
    expect_methods(&world, &post, false, true).await;
}

/// A3, R3: a client that named no method is told the default, and may use either secret method.
#[tokio::test]
async fn a3_r3_a_client_that_named_none_may_use_either_secret_method() {
    let world = World::new().await;
    for metadata in [json!({}), json!({"token_endpoint_auth_method": ""}), json!({"token_endpoint_auth_method": null})]
    {
        let body = world.register(&events::register(&metadata)).await.json();
        assert_eq!(body["token_endpoint_auth_method"], "client_secret_basic", "{metadata}");
        assert_eq!(body.get("method_choice"), None);
        let text = |name: &str| body[name].as_str().expect("text").to_owned();
        let client = Credentials {
            id: text("client_id"),
            secret: text("client_secret"),
            token: text("registration_access_token"),
        };
        expect_methods(&world, &client, true, true).await;
    }
}

/// A3, A4: a client that named no method may use only secrets, not its own key or a certificate.
#[tokio::test]
async fn a3_a4_a_client_that_named_none_may_use_no_other_method() {
    let world = World::new().await;
    let key = ClientKey::new(Algorithm::ES256);
    let client = world.client(json!({"jwks": key.jwks(), "tls_client_auth_subject_dn": "CN=client"})).await;
    let reference = world.token(&events::load("token-wrong-secret")).await;
    for (jti, (path, form)) in ["1", "2", "3"].into_iter().zip(ENDPOINTS) {
        let assertion = parameters(&key.sign(&claims(&world, &client.id, jti)));
        let answer = world.token(&events::form(path, &format!("{form}{assertion}"))).await;
        assert_eq!((answer.status.as_u16(), &answer.body), (401, &reference.body), "{path}");
    }
    let mut over_tls = events::load("token-mutual-tls");
    let named = events::token(&format!("grant_type=client_credentials&client_id={}", client.id));
    over_tls["body"] = named["body"].clone();
    over_tls["isBase64Encoded"] = named["isBase64Encoded"].clone();
    let answer = world.token(&over_tls).await;
    assert_eq!((answer.status.as_u16(), &answer.body), (401, &reference.body));
    // The key belongs to the client: if it had named the method, the key would be accepted.
    let (client, _) =
        update(&world, &client, json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": key.jwks()})).await;
    assert_eq!(client_key::ask(&world, &key.sign(&claims(&world, &client.id, "4"))).await.status, 200);
    expect_methods(&world, &client, false, false).await;
}

/// A3, M4: each update determines anew whether the client named its method.
#[tokio::test]
async fn a3_m4_an_update_decides_anew() {
    let world = World::new().await;
    let client = world.client(json!({})).await;
    let (client, body) = update(&world, &client, json!({"client_name": "still none"})).await;
    assert_eq!(body["token_endpoint_auth_method"], "client_secret_basic");
    expect_methods(&world, &client, true, true).await;
    let (client, body) = update(&world, &client, json!({"token_endpoint_auth_method": "client_secret_basic"})).await;
    assert_eq!(body["token_endpoint_auth_method"], "client_secret_basic");
    expect_methods(&world, &client, true, false).await;
    let (client, _) = update(&world, &client, json!({"token_endpoint_auth_method": "client_secret_post"})).await;
    expect_methods(&world, &client, false, true).await;
    let (client, body) = update(&world, &client, json!({})).await;
    assert_eq!(body["token_endpoint_auth_method"], "client_secret_basic");
    expect_methods(&world, &client, true, true).await;
}

/// A3: a client stored before this attribute existed counts as one that named its method.
#[tokio::test]
async fn a3_a_client_stored_before_is_bound() {
    let mut world = World::new().await;
    let client = world.client(json!({})).await;
    let key = json!({"client_id": {"S": client.id}});
    let proxy = world.behind_proxy().await;
    let item = proxy.dynamodb("GetItem", &json!({"TableName": world.table(), "Key": key})).await;
    assert_eq!(item["Item"]["method_not_named"], json!({"BOOL": true}));
    let remove = json!({"TableName": world.table(), "Key": key, "UpdateExpression": "REMOVE method_not_named"});
    proxy.dynamodb("UpdateItem", &remove).await;
    expect_methods(&world, &client, true, false).await;
}
