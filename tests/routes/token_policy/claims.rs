//! Static claims and the lifetime of a client's tokens.

use serde_json::{Value, json};
use tokenmint_tests::{Answer, Credentials, World, events};

use super::{client, set};

/// The introspection of a token by its own client.
async fn introspect(world: &World, client: &Credentials, token: &Answer) -> Value {
    let form = format!("token={}", token.json()["access_token"].as_str().expect("a token"));
    let event = events::with_header(events::form("/introspect", &form), "authorization", client.basic());
    world.token(&event).await.json()
}

/// P1, J2: the claims are in the token beside its own, and introspection returns them. Another client has none of them.
#[tokio::test]
async fn p1_j2_claims_of_a_token() {
    let world = World::new().await;
    let own = json!({
        "tenant": "acme", "https://example.com/plan": {"seats": 5, "trial": false}, "tags": ["a", "\"}{,\\"],
        "n": -1, "none": null,
    });
    let client = client(&world, &json!({"claims": own})).await;
    let answer = world.ask(&client, "").await;
    let verified = world.verify(answer.json()["access_token"].as_str().expect("a token")).await.claims;
    let introspected = introspect(&world, &client, &answer).await;
    for (name, value) in own.as_object().expect("an object") {
        assert_eq!((&verified[name], &introspected[name]), (value, value), "{name}");
    }
    let names: Vec<_> = verified.as_object().expect("an object").keys().map(String::as_str).collect();
    let usual = ["iss", "sub", "client_id", "aud", "exp", "iat", "jti", "scope"];
    assert!(usual.iter().all(|name| names.contains(name)) && names.len() == usual.len() + 5, "{names:?}");
    assert_eq!((&verified["sub"], &verified["scope"]), (&json!(client.id), &json!("read write")));
    let other = world.client(json!({})).await;
    assert_eq!(world.verified_token(&other).await.claims.get("tenant"), None);
    // What an operator takes back is in no later token.
    set(&world, &client, &json!({"access_token_ttl": 60})).await;
    world.pass(30);
    assert_eq!(world.verified_token(&client).await.claims.get("tenant"), None);
}

/// P1, P6: an item into which somebody put a reserved claim, a claim that is too large or a lifetime that no operator could
/// set, by hand, gets no token at all, and nothing is put right silently.
#[tokio::test]
async fn p1_p6_an_item_that_was_changed_by_hand() {
    let mut world = World::new().await;
    world.set("CLIENT_CACHE_TTL", "0").await;
    let client = client(&world, &json!({"claims": {"tenant": "acme"}})).await;
    assert_eq!(world.ask(&client, "").await.status, 200);
    let proxy = world.behind_proxy().await;
    let put = async |policy: &Value| {
        let update = json!({
            "TableName": world.table(), "Key": {"client_id": {"S": client.id}},
            "UpdateExpression": "SET token_policy = :policy", "ExpressionAttributeValues": {":policy": policy},
        });
        proxy.dynamodb("UpdateItem", &update).await;
    };
    let claims = |name: &str, value: &str| json!({"M": {"claims": {"M": {name: {"S": value}}}}});
    let number = |name: &str, number: &str| json!({"M": {name: {"N": number}}});
    for bad in [
        claims("sub", "admin"),
        claims("Scope", "admin"),
        claims("cnf", "x"),
        claims("tenant", &"x".repeat(2048)),
        number("access_token_ttl", "0"),
        number("access_token_ttl", "-60"),
        number("access_token_ttl", "999999999999"),
        number("tokens_per_hour", "0"),
        json!({"S": "x"}),
    ] {
        put(&bad).await;
        world.ask(&client, "").await.expect_error(500, "server_error");
    }
    put(&claims("tenant", "other")).await;
    assert_eq!(world.verified_token(&client).await.claims["tenant"], "other");
}

/// P2: the shortest lifetime counts: the deployment's, the resource's or the client's.
#[tokio::test]
async fn p2_the_shortest_lifetime_counts() {
    let mut world = World::new().await;
    world.set("RESOURCES", r#"{"https://a.example/":{"ttl":600},"https://b.example/":{"ttl":300}}"#).await;
    let (short, long) = (json!({"access_token_ttl": 400}), json!({"access_token_ttl": 604_800}));
    let (short, long) = (client(&world, &short).await, client(&world, &long).await);
    let other = world.client(json!({})).await;
    let (a, b) = ("&resource=https%3A%2F%2Fa.example", "&resource=https%3A%2F%2Fb.example");
    for (client, form, seconds) in [
        (&short, "", 400),
        (&short, a, 400),
        (&short, b, 300),
        (&short, &format!("{a}{b}"), 300),
        (&long, "", 18_000),
        (&long, a, 600),
        (&other, "", 18_000),
        (&other, &format!("{a}{b}"), 300),
    ] {
        let answer = world.ask(client, form).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["expires_in"]), (200, &json!(seconds)), "{form}");
        let claims = super::claims_of(&world, &answer).await;
        assert_eq!(claims["exp"].as_u64(), Some(world.now() + seconds));
    }
    world.set("ACCESS_TOKEN_TTL", "60").await;
    for client in [&short, &long, &other] {
        assert_eq!(world.ask(client, a).await.json()["expires_in"], 60);
    }
}

/// P1, P2, P3, O2: a policy costs no read: a known client with one is not read at all.
#[tokio::test]
async fn p1_o2_a_policy_costs_no_call() {
    let mut world = World::new().await;
    let client = client(
        &world,
        &json!({"claims": {"tenant": "acme"}, "access_token_ttl": 60, "resources": ["https://as.example"]}),
    )
    .await;
    let proxy = world.behind_proxy().await;
    assert_eq!(world.ask(&client, "").await.status, 200);
    proxy.forget();
    assert_eq!(world.ask(&client, "").await.status, 200);
    assert_eq!((proxy.count("Sign"), proxy.total()), (1, 1));
}
