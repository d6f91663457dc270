//! Who may set a policy, and what a client can do about it.

use serde_json::{Value, json};
use tokenmint_aws::clients::{Author, Consistency, WriteError};
use tokenmint_oauth::client::{Client, ClientId};
use tokenmint_oauth::token_policy::TokenPolicy;
use tokenmint_tests::{Credentials, World, events};

use super::{client, register, set};
use crate::configure::configure;

fn own() -> Value {
    json!({
        "claims": {"tenant": "acme"}, "access_token_ttl": 600, "resources": ["https://as.example"],
        "default_resource": "https://as.example", "tokens_per_hour": 10,
    })
}

/// Policies that are not that of [`own`]: wider, narrower, or another one.
fn others() -> Vec<Value> {
    let mut all = Vec::new();
    for (name, values) in [
        ("claims", vec![json!({"tenant": "other"}), json!({"tenant": "acme", "admin": true}), json!({}), json!(null)]),
        ("access_token_ttl", vec![json!(601), json!(599), json!(604_800), json!(null)]),
        ("resources", vec![json!(["https://as.example", "https://b.example"]), json!(null)]),
        ("default_resource", vec![json!("https://as.example/"), json!(null)]),
        ("tokens_per_hour", vec![json!(11), json!(1), json!(null)]),
    ] {
        all.extend(values.into_iter().map(|value| crate::federation::with(own(), &json!({name: value}))));
    }
    all
}

/// P6: open registration sets none, and neither does an initial access token without one; a token that carries one gives it
/// to each of its clients, who may repeat it, and nothing else.
#[tokio::test]
async fn p6_who_may_set_it() {
    let mut world = World::new().await;
    world.set("REGISTRATION_RATE_TOTAL", "10").await;
    for policy in [own(), json!({"access_token_ttl": 60}), json!({"claims": {"sub": "x"}}), json!([]), json!("x")] {
        let answer = world.register(&events::register(&json!({"token_policy": policy}))).await;
        answer.expect_error(400, "invalid_client_metadata");
        let said = answer.json()["error_description"].as_str().expect("a description").to_owned();
        assert!(said.starts_with("token_policy "), "{said}");
    }
    assert_eq!(world.counted_registrations().await, 0);
    for nothing in [json!(null), json!({}), json!({"claims": {}})] {
        let answer = world.register(&events::register(&json!({"token_policy": nothing}))).await;
        assert_eq!((answer.status.as_u16(), answer.json().get("token_policy")), (201, None));
    }
    world.set("REGISTRATION", "protected").await;
    let without = register(&world, "a-token-without-a-policy", None, &json!({"token_policy": own()})).await;
    without.expect_error(400, "invalid_client_metadata");
    for (at, other) in others().into_iter().enumerate() {
        let answer = register(&world, &format!("token-{at}"), Some(&own()), &json!({"token_policy": other})).await;
        answer.expect_error(400, "invalid_client_metadata");
    }
    for (at, metadata) in [json!({}), json!({"token_policy": own()}), json!({"token_policy": {}})].iter().enumerate() {
        let answer = register(&world, &format!("another-token-{at}"), Some(&own()), metadata).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["token_policy"]), (201, &own()));
        let text = |name: &str| answer.json()[name].as_str().expect("text").to_owned();
        let client = Credentials { id: text("client_id"), secret: text("client_secret"), token: String::new() };
        assert_eq!(world.ask(&client, "").await.json()["expires_in"], 600);
    }
}

/// P6: an initial access token whose item holds a policy that no operator could set registers nobody.
#[tokio::test]
async fn p6_a_token_that_was_changed_by_hand() {
    let mut world = World::new().await;
    world.set("REGISTRATION", "protected").await;
    register(&world, "the-token", Some(&own()), &json!({"token_policy": {"claims": {"a": "b"}}})).await;
    let proxy = world.behind_proxy().await;
    let hash = tokenmint_oauth::secret::SecretHash::of("the-token");
    let key = format!("token#{}", tokenmint_aws::registrations::RegistrationsTable::token_id(&hash));
    let policy = json!({"M": {"claims": {"M": {"sub": {"S": "admin"}}}}});
    let update = json!({
        "TableName": world.registrations_table(), "Key": {"id": {"S": key}},
        "UpdateExpression": "SET token_policy = :policy", "ExpressionAttributeValues": {":policy": policy},
    });
    proxy.dynamodb("UpdateItem", &update).await;
    let event = events::with_header(events::register(&json!({})), "authorization", "Bearer the-token");
    world.register(&event).await.expect_error(503, "temporarily_unavailable");
}

/// P6, M4: a `PUT` repeats the policy or leaves it out; it stays. Anything else is refused, and changes nothing.
#[tokio::test]
async fn p6_m4_a_put_never_changes_it() {
    let world = World::new().await;
    let client = client(&world, &own()).await;
    let body = |policy: &Value| json!({"client_id": client.id, "scope": "read", "token_policy": policy});
    for other in others().into_iter().chain([json!({"claims": {"sub": "x"}}), json!([]), json!("x"), json!(1)]) {
        let answer = configure(&world, "PUT", &client.id, &client.token, Some(&body(&other))).await;
        answer.expect_error(400, "invalid_client_metadata");
    }
    let mut token = client.token.clone();
    for same in [own(), json!(null), json!({}), json!({"claims": {}})] {
        let answer = configure(&world, "PUT", &client.id, &token, Some(&body(&same))).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["token_policy"]), (200, &own()), "{same}");
        token = answer.json()["registration_access_token"].as_str().expect("a token").to_owned();
    }
    let read = configure(&world, "GET", &client.id, &token, None).await.json();
    assert_eq!(read["token_policy"], own());
    assert_eq!(world.verified_token(&client).await.claims["tenant"], "acme");
    // A client without one gives itself none.
    let plain = world.client(json!({})).await;
    let body = json!({"client_id": plain.id, "token_policy": own()});
    configure(&world, "PUT", &plain.id, &plain.token, Some(&body)).await.expect_error(400, "invalid_client_metadata");
}

/// P6, M7: an operator's change interferes with no `PUT`, and of two operators at the same time one is told.
#[tokio::test]
async fn p6_m7_changes_at_the_same_time() {
    let world = World::new().await;
    let client = client(&world, &own()).await;
    let id = ClientId::parse(&client.id).expect("an identifier");
    let before = world.clients().find(&id, Consistency::Strong).await.expect("a read").expect("the client");
    let with = |policy: &Value| {
        let policy = TokenPolicy::parse(policy).expect("a policy");
        Client { metadata: before.metadata.clone().with_token_policy(Some(policy)), ..before.clone() }
    };
    let (bob, other, none) = (Author::operator("bob"), with(&json!({"tokens_per_hour": 1})), with(&json!({})));
    let answer = configure(&world, "PUT", &client.id, &client.token, Some(&json!({"client_id": client.id}))).await;
    assert_eq!(answer.status, 200);
    world.clients().set_token_policy(&before, &other, &bob).await.expect("the PUT changed something else");
    world.clients().set_token_policy(&before, &other, &bob).await.expect("a retry");
    let late = world.clients().set_token_policy(&before, &with(&json!({"tokens_per_hour": 2})), &bob).await;
    assert!(matches!(late, Err(WriteError::Condition)), "{late:?}");
    let late = world.clients().set_token_policy(&none, &before, &bob).await;
    assert!(matches!(late, Err(WriteError::Condition)), "{late:?}");
    world.clients().set_token_policy(&other, &none, &bob).await.expect("removed");
    let found = world.clients().find(&id, Consistency::Strong).await.expect("a read").expect("the client");
    assert_eq!(found.metadata.token_policy(), None);
    assert!(world.clients().remove(&id, &bob).await.expect("removed"));
    let gone = world.clients().set_token_policy(&none, &other, &bob).await;
    assert!(matches!(gone, Err(WriteError::Condition)), "{gone:?}");
    assert_eq!(world.clients().find(&id, Consistency::Strong).await.expect("a read"), None);
    // What is kept of it by an operator's own handle.
    let (again, policy) = (world.client(json!({})).await, json!({"claims": {"a": "b"}}));
    set(&world, &again, &policy).await;
    assert_eq!(world.verified_token(&again).await.claims["a"], "b");
}
