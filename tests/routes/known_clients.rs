//! Clients that an instance of the token function keeps: `CLIENT_CACHE_TTL`, here its default of 30 seconds.

mod flights;

use jsonwebtoken::Algorithm;
use serde_json::json;
use tokenmint_aws::clients::{Author, NewClient};
use tokenmint_oauth::client::ClientId;
use tokenmint_tests::{Answer, Credentials, Fault, Proxy, World, events};

use crate::client_key::{self, ClientKey, claims};
use crate::configure::{configure, update};

/// A world behind a proxy that counts its calls, with a client that has a token.
async fn world_with_known_client() -> (World, Proxy, Credentials) {
    let mut world = World::new().await;
    let proxy = world.behind_proxy().await;
    let client = world.client(json!({"scope": "read"})).await;
    assert_eq!(world.ask(&client, "").await.status, 200);
    proxy.forget();
    (world, proxy, client)
}

fn wrong(client: &Credentials) -> Credentials {
    Credentials { secret: "wrong".to_owned(), ..client.clone() }
}

/// How many reads the calls of this future make.
async fn reads<T>(proxy: &Proxy, calls: impl Future<Output = T>) -> (usize, T) {
    let before = proxy.count("GetItem");
    let outcome = calls.await;
    (proxy.count("GetItem") - before, outcome)
}

/// A token request's reads and status.
async fn ask(world: &World, proxy: &Proxy, client: &Credentials) -> (usize, u16) {
    let (reads, answer) = reads(proxy, world.ask(client, "")).await;
    (reads, answer.status.as_u16())
}

/// O2: a known client is not read, until its time has passed.
#[tokio::test]
async fn o2_a_known_client_is_not_read() {
    let (mut world, proxy, client) = world_with_known_client().await;
    for _ in 0..20 {
        assert_eq!(ask(&world, &proxy, &client).await, (0, 200));
        world.ask(&client, "&scope=read").await;
    }
    assert_eq!((proxy.count("Sign"), proxy.total()), (40, 40));
    world.pass(29);
    assert_eq!(ask(&world, &proxy, &client).await, (0, 200));
    world.pass(1);
    assert_eq!(ask(&world, &proxy, &client).await, (1, 200));
    assert_eq!(ask(&world, &proxy, &client).await, (0, 200));
    // Each instance keeps its own.
    world.set("CLIENT_CACHE_TTL", "300").await;
    assert_eq!(ask(&world, &proxy, &client).await, (1, 200));
    world.pass(299);
    assert_eq!(ask(&world, &proxy, &client).await, (0, 200));
    world.pass(1);
    assert_eq!(ask(&world, &proxy, &client).await, (1, 200));
}

/// O2, A4: a wrong secret is compared with a fresh read before it is refused. However many there are, they cause ten
/// reads at once and one per second.
#[tokio::test]
async fn o2_a4_wrong_secrets_do_not_cause_reads_without_end() {
    let (world, proxy, client) = world_with_known_client().await;
    let refused = world.ask(&wrong(&client), "").await;
    refused.expect_error(401, "invalid_client");
    assert_eq!(proxy.total(), 1);
    proxy.forget();
    for (seconds, expected) in [(0, 9), (1, 1), (1, 1), (5, 5), (3600, 10)] {
        world.pass(seconds);
        // Past its time, the client is read as any other first.
        let expired = usize::from(seconds > 30);
        let (reads, ()) = reads(&proxy, async {
            for _ in 0..100 {
                let answer = world.ask(&wrong(&client), "").await;
                assert_eq!((answer.status, &answer.body), (refused.status, &refused.body));
            }
        })
        .await;
        assert_eq!(reads, expected + expired, "after {seconds} seconds");
        assert_eq!(ask(&world, &proxy, &client).await, (0, 200));
    }
}

/// M5, O2: a new secret works at once, and the old one, if it has no overlap, is refused from then on.
#[tokio::test]
async fn m5_o2_a_new_secret_works_at_once() {
    let (mut world, proxy, _) = world_with_known_client().await;
    world.set("CLIENT_SECRET_OVERLAP", "0").await;
    let old = world.client(json!({})).await;
    assert_eq!(world.ask(&old, "").await.status, 200);
    let (_, new) = update(&world, &old, json!({"rotate_client_secret": true})).await;
    // It is still known as it was.
    assert_eq!(ask(&world, &proxy, &old).await, (0, 200));
    assert_eq!(ask(&world, &proxy, &new).await, (1, 200));
    assert_eq!(ask(&world, &proxy, &new).await, (0, 200));
    assert_eq!(ask(&world, &proxy, &old).await, (1, 401));
}

/// M5, O2: an attacker who sends wrong secrets delays a new secret by about a second, whoever comes first.
#[tokio::test]
async fn m5_o2_a_new_secret_works_while_wrong_ones_are_sent() {
    for attacker_is_first in [false, true] {
        let (world, proxy, old) = world_with_known_client().await;
        for _ in 0..50 {
            world.ask(&wrong(&old), "").await.expect_error(401, "invalid_client");
        }
        let (_, new) = update(&world, &old, json!({"rotate_client_secret": true})).await;
        assert_eq!(ask(&world, &proxy, &new).await, (0, 401));
        world.pass(1);
        if attacker_is_first {
            assert_eq!(ask(&world, &proxy, &wrong(&old)).await, (1, 401));
            assert_eq!(ask(&world, &proxy, &wrong(&old)).await, (0, 401));
            assert_eq!(ask(&world, &proxy, &new).await, (0, 200));
        } else {
            assert_eq!(ask(&world, &proxy, &new).await, (1, 200));
        }
    }
}

/// A5, M6: a disabled or deleted client gets no more tokens after `CLIENT_CACHE_TTL` seconds.
#[tokio::test]
async fn a5_m6_a_client_that_is_gone_is_refused_in_time() {
    let (world, proxy, deleted) = world_with_known_client().await;
    let disabled = world.client(json!({})).await;
    assert_eq!(world.ask(&disabled, "").await.status, 200);
    world.disable(&disabled).await;
    assert_eq!(configure(&world, "DELETE", &deleted.id, &deleted.token, None).await.status, 204);
    world.pass(29);
    for client in [&deleted, &disabled] {
        assert_eq!(ask(&world, &proxy, client).await, (0, 200));
    }
    world.pass(1);
    for client in [&deleted, &disabled] {
        world.ask(client, "").await.expect_error(401, "invalid_client");
    }
    // A client that is enabled again works at once.
    let id = ClientId::parse(&disabled.id).expect("an identifier");
    world.clients().set_disabled(&id, false, &Author::operator("test")).await.expect("an update");
    assert_eq!(ask(&world, &proxy, &disabled).await, (1, 200));
}

/// D3, D4, A5: introspection and revocation read clients each time: the token of a client that was disabled a moment
/// ago is inactive, and such a client may neither introspect nor revoke.
#[tokio::test]
async fn d3_d4_a5_introspection_and_revocation_know_nothing() {
    let (world, proxy, client) = world_with_known_client().await;
    let token = world.ask(&client, "").await.json()["access_token"].as_str().expect("a token").to_owned();
    let about = |path| {
        let event = events::form(path, &format!("token={token}"));
        events::with_header(event, "authorization", client.basic())
    };
    let (introspect, revoke) = (about("/introspect"), about("/revoke"));
    let (reads_of_clients, answer) = reads(&proxy, world.token(&introspect)).await;
    // The caller, the token's client, and the revocation.
    assert_eq!((reads_of_clients, &answer.json()["active"]), (3, &json!(true)));
    assert_eq!(reads(&proxy, world.token(&revoke)).await.0, 1);
    let reader = world.client(json!({})).await;
    world.disable(&client).await;
    assert_eq!(world.ask(&client, "").await.status, 200, "it is known");
    for event in [&introspect, &revoke] {
        world.token(event).await.expect_error(401, "invalid_client");
    }
    let event = events::with_header(introspect, "authorization", reader.basic());
    assert_eq!(world.token(&event).await.json(), json!({"active": false}));
}

/// T4, J5, J6, A3: what a client registers anew, scope, method or no binding any more, works at once.
#[tokio::test]
async fn t4_j5_j6_a3_what_is_registered_anew_works_at_once() {
    let (world, proxy, client) = world_with_known_client().await;
    let (reads_before, answer) = reads(&proxy, world.ask(&client, "&scope=read+write")).await;
    answer.expect_error(400, "invalid_scope");
    assert_eq!(reads_before, 1);
    let (_, client) = update(&world, &client, json!({"scope": "read write"})).await;
    assert_eq!(reads(&proxy, world.ask(&client, "&scope=read+write")).await.1.json()["scope"], "read write");
    assert_eq!(ask(&world, &proxy, &client).await, (0, 200));

    for member in ["dpop_bound_access_tokens", "tls_client_certificate_bound_access_tokens"] {
        let bound = world.client(json!({member: true})).await;
        let first = world.ask(&bound, "").await;
        assert!(first.status.is_client_error(), "{member}");
        let (_, bound) = update(&world, &bound, json!({})).await;
        assert_eq!(ask(&world, &proxy, &bound).await, (1, 200), "{member}");
    }

    let basic = world.client(json!({"token_endpoint_auth_method": "client_secret_basic"})).await;
    assert_eq!(world.ask(&basic, "").await.status, 200);
    let (_, post) = update(&world, &basic, json!({"token_endpoint_auth_method": "client_secret_post"})).await;
    let form = format!("grant_type=client_credentials&client_id={}&client_secret={}", post.id, post.secret);
    let (reads_of_client, answer) = reads(&proxy, world.token(&events::token(&form))).await;
    assert_eq!((reads_of_client, answer.status.as_u16()), (1, 200));
    assert_eq!(ask(&world, &proxy, &post).await, (1, 401));
}

/// R5, J3: a grant that was registered anew works at once. What does not depend on the client is refused without a
/// read: an unknown resource, a bad proof.
#[tokio::test]
async fn r5_j3_a_grant_that_is_registered_anew_works_at_once() {
    let (mut world, proxy, _) = world_with_known_client().await;
    let code_only = json!({"grant_types": ["authorization_code"], "response_types": ["code"]});
    let client = world.client(code_only).await;
    world.set("GRANT_POLICY", "registered").await;
    world.ask(&client, "").await.expect_error(400, "unauthorized_client");
    assert_eq!(ask(&world, &proxy, &client).await, (1, 400));
    let (_, client) = update(&world, &client, json!({})).await;
    assert_eq!(ask(&world, &proxy, &client).await, (1, 200));

    let (reads_of_client, answer) = reads(&proxy, world.ask(&client, "&resource=https%3A%2F%2Fx.example")).await;
    answer.expect_error(400, "invalid_target");
    let event = events::with_header(events::token("grant_type=client_credentials"), "authorization", client.basic());
    let (more, answer) = reads(&proxy, world.token(&events::with_header(event, "dpop", "x"))).await;
    answer.expect_error(400, "invalid_dpop_proof");
    assert_eq!((reads_of_client, more), (0, 0));
}

/// A6, T4: an assertion is used once, also by a request that is decided twice because of a newer client; keys that a
/// client registers anew work at once.
#[tokio::test]
async fn a6_t4_an_assertion_that_is_decided_twice_is_used_once() {
    let (world, proxy, _) = world_with_known_client().await;
    let (first, second) = (ClientKey::new(Algorithm::ES256), ClientKey::new(Algorithm::ES256));
    let metadata = |key: &ClientKey, scope: &str| json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": key.jwks(), "scope": scope});
    let registered = world.register(&events::register(&metadata(&first, "read"))).await.json();
    let text = |name: &str| registered[name].as_str().expect("a text").to_owned();
    let client = Credentials { id: text("client_id"), secret: String::new(), token: text("registration_access_token") };
    let sign = |key: &ClientKey, jti: &str| key.sign(&claims(&world, &client.id, jti));
    assert_eq!(client_key::ask(&world, &sign(&first, "1")).await.status, 200);
    let (_, client) = update(&world, &client, metadata(&first, "read write")).await;

    proxy.forget();
    let assertion = sign(&first, "2");
    let form = format!("grant_type=client_credentials&scope=write{}", client_key::parameters(&assertion));
    assert_eq!(world.token(&events::token(&form)).await.json()["scope"], "write");
    assert_eq!((proxy.count("GetItem"), proxy.count("PutItem"), proxy.total()), (1, 1, 3));
    world.token(&events::token(&form)).await.expect_error(401, "invalid_client");

    let (_, client) = update(&world, &client, metadata(&second, "read write")).await;
    assert_eq!(client_key::ask(&world, &sign(&second, "3")).await.status, 200);
    client_key::ask(&world, &sign(&first, "4")).await.expect_error(401, "invalid_client");
    drop(client);
}

/// A5: a secret expires by the clock, also that of a known client; a read confirms it first.
#[tokio::test]
async fn a5_o2_an_expired_secret_of_a_known_client() {
    let (mut world, proxy, _) = world_with_known_client().await;
    world.set("CLIENT_SECRET_TTL", "10").await;
    let client = world.client(json!({})).await;
    assert_eq!(world.ask(&client, "").await.status, 200);
    world.pass(9);
    assert_eq!(ask(&world, &proxy, &client).await, (0, 200));
    world.pass(1);
    assert_eq!(ask(&world, &proxy, &client).await, (1, 401));
    let (_, client) = update(&world, &client, json!({"rotate_client_secret": true})).await;
    assert_eq!(ask(&world, &proxy, &client).await, (1, 200));
}

/// O2: a client that does not exist is read twice each time and never kept as such: it works as soon as it is there.
#[tokio::test]
async fn o2_an_unknown_client_is_not_remembered() {
    let (world, proxy, client) = world_with_known_client().await;
    let id = ClientId::parse(&client.id).expect("an identifier");
    let consistent = tokenmint_aws::clients::Consistency::Strong;
    let stored = world.clients().find(&id, consistent).await.expect("a read").expect("the client");
    world.clients().remove(&id, &Author::operator("test")).await.expect("removed");
    world.pass(30);
    for _ in 0..20 {
        assert_eq!(ask(&world, &proxy, &client).await, (2, 401));
    }
    world.clients().insert(NewClient::new(&stored, &Author::operator("test")).expect("an item")).await.expect("stored");
    assert_eq!(ask(&world, &proxy, &client).await, (1, 200));
    assert_eq!(ask(&world, &proxy, &client).await, (0, 200));
}

fn unavailable(answer: &Answer) {
    answer.expect_error(503, "temporarily_unavailable");
}

/// O6, T7: while DynamoDB fails, known clients get tokens until their time has passed. Nothing that would need a read is
/// decided without it, and no failure is remembered.
#[tokio::test]
async fn o6_t7_known_clients_while_dynamodb_fails() {
    let (world, proxy, client) = world_with_known_client().await;
    proxy.break_down("GetItem", Fault::Fail);
    assert_eq!(ask(&world, &proxy, &client).await, (0, 200));
    for _ in 0..15 {
        unavailable(&world.ask(&wrong(&client), "").await);
    }
    world.pass(29);
    assert_eq!(ask(&world, &proxy, &client).await, (0, 200));
    world.pass(1);
    unavailable(&world.ask(&client, "").await);
    proxy.repair();
    assert_eq!(ask(&world, &proxy, &client).await, (1, 200));
    world.ask(&wrong(&client), "").await.expect_error(401, "invalid_client");
}
