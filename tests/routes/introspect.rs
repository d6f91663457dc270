//! `POST /introspect` and `POST /revoke`.

use serde_json::{Value, json};
use tokenmint_aws::provision::KeySpec;
use tokenmint_tests::{Answer, Credentials, Log, World, events};

async fn post(world: &World, path: &str, client: &Credentials, form: &str) -> Answer {
    world.token(&events::with_header(events::form(path, form), "authorization", client.basic())).await
}

async fn introspect(world: &World, client: &Credentials, token: &str) -> Value {
    let answer = post(world, "/introspect", client, &format!("token={token}")).await;
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    answer.expect_not_cacheable();
    answer.json()
}

async fn token(world: &World, client: &Credentials) -> String {
    world.ask(client, "").await.json()["access_token"].as_str().expect("a token").to_owned()
}

fn inactive() -> Value {
    json!({"active": false})
}

/// D3: the response for a valid token: its claims, member by member.
#[tokio::test]
async fn d3_active() {
    let world = World::new().await;
    let client = world.client(json!({"scope": "read"})).await;
    let token = token(&world, &client).await;
    let mut expected = world.verify(&token).await.claims;
    expected["active"] = true.into();
    expected["token_type"] = "Bearer".into();
    assert_eq!(introspect(&world, &client, &token).await, expected);
}

/// D3: a client may introspect its own tokens, and a client with the introspection scope all.
#[tokio::test]
async fn d3_who_may_see() {
    let mut world = World::new().await;
    world.set("REGISTRATION", "protected").await;
    let one = world.client_with_initial_access_token("read", json!({})).await;
    let two = world.client_with_initial_access_token("introspect read", json!({"scope": "introspect read"})).await;
    let token = token(&world, &one).await;
    assert_eq!(introspect(&world, &two, &token).await, inactive());
    world.set("INTROSPECTION_SCOPE", "introspect").await;
    assert_eq!(introspect(&world, &two, &token).await["active"], true);
    let of_two = self::token(&world, &two).await;
    assert_eq!(introspect(&world, &one, &of_two).await, inactive());
    for anybody in [None, Some("Basic Zm9vOmJhcg==")] {
        let event = events::form("/introspect", &format!("token={token}"));
        let event =
            anybody.into_iter().fold(event, |event, header| events::with_header(event, "authorization", header));
        world.token(&event).await.expect_error(401, "invalid_client");
    }
}

/// D3: any other token is inactive, and the response has no other members.
#[tokio::test]
async fn d3_not_a_good_token() {
    let world = World::new().await;
    let client = world.client(json!({})).await;
    let good = token(&world, &client).await;
    let other_world = World::new().await;
    let other = token(&other_world, &other_world.client(json!({})).await).await;
    let [header, claims, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    let (reversed, none) = (signature.chars().rev().collect::<String>(), "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJub25lIn0");
    for bad in [
        other,
        format!("{header}.{claims}.{reversed}"),
        format!("{header}.{claims}."),
        format!("{header}.{claims}"),
        format!("{none}.{claims}."),
        format!("{header}.e30.{signature}"),
        "opaque".to_owned(),
        "a.b.c".to_owned(),
        "%C3%A9".to_owned(),
    ] {
        assert_eq!(introspect(&world, &client, &bad).await, inactive(), "{bad}");
    }
    world.pass(18_000 - 1);
    assert_eq!(introspect(&world, &client, &good).await["active"], true);
    world.pass(1);
    assert_eq!(introspect(&world, &client, &good).await, inactive());
}

/// D3, M6: the tokens of a deleted or disabled client are inactive immediately.
#[tokio::test]
async fn d3_m6_tokens_of_a_client_that_is_gone() {
    let mut world = World::new().await;
    world.set("REGISTRATION", "protected").await;
    let reader = world.client_with_initial_access_token("introspect", json!({"scope": "introspect"})).await;
    world.environment = std::mem::take(&mut world.environment).with("INTROSPECTION_SCOPE", "introspect");
    world.set("REGISTRATION", "open").await;
    let (deleted, disabled) = (world.client(json!({})).await, world.client(json!({})).await);
    let tokens = [token(&world, &deleted).await, token(&world, &disabled).await];
    for token in &tokens {
        assert_eq!(introspect(&world, &reader, token).await["active"], true);
    }
    let authorization = format!("Bearer {}", deleted.token);
    let delete = events::configure("DELETE", &deleted.id, Some(&authorization), None);
    assert_eq!(world.register(&delete).await.status, 204);
    world.disable(&disabled).await;
    for token in &tokens {
        assert_eq!(introspect(&world, &reader, token).await, inactive());
    }
}

/// D4: a revoked token is inactive immediately, also at other instances; other tokens stay active.
#[tokio::test]
async fn d4_revoke() {
    let mut world = World::new().await;
    let client = world.client(json!({})).await;
    let (revoked, kept) = (token(&world, &client).await, token(&world, &client).await);
    for _ in 0..2 {
        let answer = post(&world, "/revoke", &client, &format!("token={revoked}&token_type_hint=refresh_token")).await;
        assert_eq!(answer.status, 200);
        answer.expect_not_cacheable();
    }
    world.restart().await;
    assert_eq!(introspect(&world, &client, &revoked).await, inactive());
    assert_eq!(introspect(&world, &client, &kept).await["active"], true);
    assert_eq!(world.stored_tokens().await, 1);
}

/// D4: an invalid token counts as revoked: 200, and nothing is stored. Another client's token is refused.
#[tokio::test]
async fn d4_not_revoked() {
    let world = World::new().await;
    let (one, two) = (world.client(json!({})).await, world.client(json!({})).await);
    let token = token(&world, &one).await;
    post(&world, "/revoke", &two, &format!("token={token}")).await.expect_error(400, "unauthorized_client");
    assert_eq!(introspect(&world, &one, &token).await["active"], true);
    world.pass(18_000);
    for bad in ["opaque", &token] {
        assert_eq!(post(&world, "/revoke", &one, &format!("token={bad}")).await.status, 200);
    }
    assert_eq!(world.stored_tokens().await, 0);
}

/// The forms of both requests follow the rules of the token endpoint.
#[tokio::test]
async fn d3_d4_malformed_requests() {
    let world = World::new().await;
    let client = world.client(json!({})).await;
    for path in ["/introspect", "/revoke"] {
        for form in ["", "token=", "token=a&token=b", "token=%ff"] {
            post(&world, path, &client, form).await.expect_error(400, "invalid_request");
        }
        let event = events::with_method(events::form(path, "token=a"), "GET");
        assert_eq!(world.token(&event).await.expect_error(405, "invalid_request").header("allow"), Some("POST"));
        let event = events::with_query(events::form(path, "token=a"), "client_secret=x");
        world.token(&event).await.expect_error(400, "invalid_request");
    }
    for name in ["token-introspect", "token-revoke"] {
        world.token(&events::load(name)).await.expect_error(401, "invalid_client");
    }
}

/// D3: tokens of a key that no longer signs but is still published stay active.
#[tokio::test]
async fn d3_k3_tokens_of_the_previous_key() {
    let mut world = World::new().await;
    let client = world.client(json!({})).await;
    let old = token(&world, &client).await;
    let first = world.environment.value("SIGNING_KEYS").expect("set").to_owned();
    let second = world.another_key("alias/second", KeySpec::EccNistP384).await;
    world.set("SIGNING_KEYS", &format!("{second},{first}")).await;
    assert_eq!(introspect(&world, &client, &old).await["active"], true);
    world.set("SIGNING_KEYS", &second).await;
    assert_eq!(introspect(&world, &client, &old).await, inactive());
}

/// O3: neither the token nor a secret is logged.
#[tokio::test]
async fn o3_no_token_is_logged() {
    let world = World::new().await;
    let client = world.client(json!({})).await;
    let token = token(&world, &client).await;
    let log = Log::capture();
    introspect(&world, &client, &token).await;
    post(&world, "/revoke", &client, &format!("token={token}")).await;
    let text = log.text();
    assert!(token.split('.').skip(1).all(|part| !text.contains(part)) && !text.contains(&client.secret), "{text}");
    assert_eq!(log.requests().len(), 2);
}

/// D3, R10: the introspection scope must be requested explicitly, also if an initial access token allows it. Open
/// registration never grants it.
#[tokio::test]
async fn d3_r10_the_introspection_scope_is_never_a_default() {
    let mut world = World::new().await;
    world.environment = std::mem::take(&mut world.environment)
        .with("SCOPES", "read introspect")
        .with("INTROSPECTION_SCOPE", "introspect");
    world.set("REGISTRATION", "protected").await;
    let event = async |metadata: Value| {
        let client = world.client_with_initial_access_token("read introspect", metadata).await;
        world.ask(&client, "").await.json()["scope"].clone()
    };
    assert_eq!(event(json!({})).await, "read");
    assert_eq!(event(json!({"scope": "introspect"})).await, "introspect");
    world.environment = std::mem::take(&mut world.environment).with("SCOPES", "read");
    world.set("REGISTRATION", "open").await;
    let client = world.client(json!({"scope": "read introspect"})).await;
    assert_eq!(world.ask(&client, "").await.json()["scope"], "read");
    world
        .register(&events::register(&json!({"scope": "introspect"})))
        .await
        .expect_error(400, "invalid_client_metadata");
}
