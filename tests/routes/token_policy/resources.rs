//! The resources of a client, and the scopes of a resource.

use serde_json::{Value, json};
use tokenmint_tests::{Answer, World};

use super::{claims_of, client, set};

const A: &str = "&resource=https%3A%2F%2Fa.example";
const B: &str = "&resource=https%3A%2F%2Fb.example";

async fn world() -> World {
    let mut world = World::new().await;
    world.set("RESOURCES", r#"{"https://a.example/":"read write","https://b.example/":"read write"}"#).await;
    world
}

async fn audience(world: &World, answer: &Answer) -> Value {
    claims_of(world, answer).await["aud"].clone()
}

/// P3, J3: a client gets tokens for its resources only; which those are it is not told before it has authenticated.
#[tokio::test]
async fn p3_j3_resources_of_a_client() {
    let world = world().await;
    let own = json!({"resources": ["https://a.example", "https://gone.example/"]});
    let client = client(&world, &own).await;
    assert_eq!(audience(&world, &world.ask(&client, A).await).await, "https://a.example/");
    for form in [
        B,
        &format!("{A}{B}"),
        &format!("{B}{A}"),
        "&resource=https%3A%2F%2Fas.example",
        "&resource=https%3A%2F%2Fgone.example%2F",
        "&resource=https%3A%2F%2Fa.example%2Fx",
        "&resource=https%3A%2F%2FA.example",
        "&resource=x",
        // Nothing is named, and the audience is not among the resources.
        "",
    ] {
        world.ask(&client, form).await.expect_error(400, "invalid_target");
    }
    // The scope is looked at only for a resource that it may ask for.
    world.ask(&client, &format!("{B}&scope=read")).await.expect_error(400, "invalid_target");
    let wrong = tokenmint_tests::Credentials { secret: "x".to_owned(), ..client.clone() };
    world.ask(&wrong, B).await.expect_error(401, "invalid_client");
    let other = world.client(json!({})).await;
    for form in [A, B, ""] {
        assert_eq!(world.ask(&other, form).await.status, 200);
    }
}

/// P3: the default resource is that of a request that names none, if the deployment has it.
#[tokio::test]
async fn p3_the_default_resource() {
    let mut world = world().await;
    let own =
        json!({"resources": ["https://a.example", "https://as.example"], "default_resource": "https://a.example"});
    let restricted = client(&world, &own).await;
    assert_eq!(audience(&world, &world.ask(&restricted, "").await).await, "https://a.example/");
    assert_eq!(
        audience(&world, &world.ask(&restricted, "&resource=https%3A%2F%2Fas.example").await).await,
        "https://as.example"
    );
    let free = client(&world, &json!({"default_resource": "https://b.example"})).await;
    assert_eq!(audience(&world, &world.ask(&free, "").await).await, "https://b.example/");
    assert_eq!(audience(&world, &world.ask(&free, A).await).await, "https://a.example/");
    // The deployment has no such resource, so no token is for it.
    let unknown = client(&world, &json!({"default_resource": "https://evil.example"})).await;
    world.ask(&unknown, "").await.expect_error(400, "invalid_target");
    world.ask(&unknown, "&resource=https%3A%2F%2Fevil.example").await.expect_error(400, "invalid_target");
    assert_eq!(world.ask(&unknown, A).await.status, 200);
    world.set("RESOURCES", "").await;
    world.ask(&restricted, "").await.expect_error(400, "invalid_target");
}

/// P3, O2: more resources work at once, also at an instance that knows the client; fewer within `CLIENT_CACHE_TTL`.
#[tokio::test]
async fn p3_o2_when_a_change_takes_effect() {
    let world = world().await;
    let client = client(&world, &json!({"resources": ["https://a.example"]})).await;
    assert_eq!(world.ask(&client, A).await.status, 200);
    world.ask(&client, B).await.expect_error(400, "invalid_target");
    set(&world, &client, &json!({"resources": ["https://a.example", "https://b.example"]})).await;
    assert_eq!(world.ask(&client, B).await.status, 200);
    set(&world, &client, &json!({"default_resource": "https://unknown.example"})).await;
    world.pass(30);
    world.ask(&client, "").await.expect_error(400, "invalid_target");
    set(&world, &client, &json!({"default_resource": "https://b.example"})).await;
    assert_eq!(world.ask(&client, "").await.status, 200);
    set(&world, &client, &json!({"resources": ["https://a.example"]})).await;
    world.pass(30);
    world.ask(&client, B).await.expect_error(400, "invalid_target");
}

/// P4, J3: a resource with `scope` grants these scopes: asked for by name, another one is refused; not asked for, it is left
/// out.
#[tokio::test]
async fn p4_j3_scopes_of_a_resource() {
    let mut world = World::new().await;
    world.set("RESOURCES", r#"{"https://a.example/":{"scope":"read"},"https://b.example/":"read"}"#).await;
    let client = world.client(json!({"scope": "read write"})).await;
    for (form, scope) in [
        (A.to_owned(), "read"),
        (format!("{A}&scope=read"), "read"),
        (format!("{A}{B}"), "read"),
        (format!("{B}&scope=read+write"), "read"),
        (String::new(), "read write"),
    ] {
        let answer = world.ask(&client, &form).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["scope"]), (200, &json!(scope)), "{form}");
        assert_eq!(claims_of(&world, &answer).await["scope"], scope);
    }
    for form in ["&scope=read+write", "&scope=write"] {
        world.ask(&client, &format!("{A}{form}")).await.expect_error(400, "invalid_scope");
        world.ask(&client, &format!("{B}{A}{form}")).await.expect_error(400, "invalid_scope");
    }
    let writer = world.client(json!({"scope": "write"})).await;
    world.ask(&writer, A).await.expect_error(400, "invalid_scope");
}
