//! A run of both functions: every route, and each kind of failure.

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tokenmint_tests::{Credentials, Fault, Proxy, World, events};

use crate::client_key::ClientKey;
use crate::configure::{configure, update};
use crate::dpop::{self, ProofKey};
use crate::template::template;

/// Runs everything with metrics for this function. Returns every secret and token that occurred.
pub(crate) async fn whole(function: &str) -> Vec<String> {
    let mut world = World::new().await;
    let proxy = world.behind_proxy().await;
    for (name, value) in [("METRICS", function), ("AUTHORIZATION_ENDPOINT", "compat"), ("CLIENT_CACHE_TTL", "0")] {
        world.set(name, value).await;
    }
    let mut secrets = Vec::new();
    every_route(&world).await;
    secrets.extend(successes(&world).await);
    secrets.extend(refused_tokens(&mut world).await);
    secrets.extend(refused_registrations(&mut world, &proxy).await);
    failures(&world, &proxy).await;
    // The lines outside a request: a key is made, and the settings can publish many.
    let (mut sealed, _proxy) = World::sealed("ECC_NIST_P256").await;
    sealed.environment = std::mem::take(&mut sealed.environment)
        .with("SIGNING_KEY_ROTATION", "14400")
        .with("ACCESS_TOKEN_TTL", "604800");
    sealed.set("METRICS", function).await;
    let client = sealed.client(json!({})).await;
    assert_eq!(sealed.ask(&client, "").await.status, 200);
    secrets.extend([client.secret, client.token]);
    secrets
}

/// A request to each route of the template, and to another path and method.
async fn every_route(world: &World) {
    let template = template();
    let resources = template["Resources"].as_mapping().expect("resources").values();
    let keys = resources.filter_map(|resource| resource["Properties"]["RouteKey"].as_str()?.split_once(' '));
    for (method, path) in keys.chain([("GET", "/none"), ("PATCH", "/token")]) {
        let event = events::with_method(events::get(&path.replace("{client_id}", "x")), method);
        let event =
            events::with_header(event, "traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        let event = events::with_header(event, "x-amzn-trace-id", "Root=1-5759e988-bd862e3fe1be46a994272793");
        if path.starts_with("/register") {
            world.register(&event).await
        } else {
            world.token(&event).await
        };
    }
}

fn about(path: &str, token: &str, client: &Credentials) -> Value {
    events::with_header(events::form(path, &format!("token={token}")), "authorization", client.basic())
}

/// Each endpoint does what it is for.
async fn successes(world: &World) -> Vec<String> {
    let client = world.client(json!({})).await;
    let token = world.ask(&client, "").await.json()["access_token"].as_str().expect("a token").to_owned();
    for path in ["/introspect", "/revoke"] {
        assert_eq!(world.token(&about(path, &token, &client)).await.status, 200, "{path}");
    }
    let (_, new) = update(world, &client, json!({"rotate_client_secret": true})).await;
    assert_eq!(configure(world, "GET", &new.id, &new.token, None).await.status, 200);
    assert_eq!(configure(world, "DELETE", &new.id, &new.token, None).await.status, 204);
    for event in ["token-jwks", "token-metadata", "token-openid-configuration"] {
        assert_eq!(world.token(&events::load(event)).await.status, 200, "{event}");
    }
    vec![client.secret, client.token, new.secret, new.token, token]
}

/// Each refusal of the token function.
async fn refused_tokens(world: &mut World) -> Vec<String> {
    let (client, other) = (world.client(json!({})).await, world.client(json!({})).await);
    let wrong = Credentials { secret: "wrong-secret".to_owned(), ..client.clone() };
    world.ask(&wrong, "").await.expect_error(401, "invalid_client");
    for (form, code) in [("&scope=other", "invalid_scope"), ("&resource=https://other.example", "invalid_target")] {
        world.ask(&client, form).await.expect_error(400, code);
    }
    world.token(&events::load("token-no-grant")).await.expect_error(400, "invalid_request");
    world.token(&events::load("token-unsupported-grant")).await.expect_error(400, "unsupported_grant_type");
    let token = world.ask(&client, "").await.json()["access_token"].as_str().expect("a token").to_owned();
    world.token(&about("/revoke", &token, &other)).await.expect_error(400, "unauthorized_client");
    dpop::ask(world, &client, "hush-proof").await.expect_error(400, "invalid_dpop_proof");
    world.set("JWT_BEARER_GRANT", "on").await;
    let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=hush-assertion";
    world.token(&events::token(grant)).await.expect_error(400, "invalid_grant");
    world.set("DPOP_NONCE_TTL", "60").await;
    let proof = ProofKey::new().prove(&dpop::claims(world, "1"));
    dpop::ask(world, &client, &proof).await.expect_error(400, "use_dpop_nonce");
    vec![
        client.secret,
        client.token,
        other.secret,
        other.token,
        wrong.secret,
        token,
        proof,
        "hush-proof".to_owned(),
        "hush-assertion".to_owned(),
    ]
}

/// Each refusal of the register function.
async fn refused_registrations(world: &mut World, proxy: &Proxy) -> Vec<String> {
    let client = world.client(json!({})).await;
    let statement = ClientKey::new(Algorithm::ES256).sign(&json!({"iss": "https://other.example", "client_name": "x"}));
    for (metadata, code) in [
        (json!({"scope": 1}), "invalid_client_metadata"),
        (json!({"redirect_uris": ["javascript:hush"]}), "invalid_redirect_uri"),
        (json!({"software_statement": "a.b.c"}), "invalid_software_statement"),
        (json!({"software_statement": statement}), "unapproved_software_statement"),
    ] {
        world.register(&events::register(&metadata)).await.expect_error(400, code);
    }
    configure(world, "GET", &client.id, "wrong-token", None).await.expect_error(401, "invalid_token");
    assert_eq!(world.register(&events::configure("GET", &client.id, None, None)).await.status, 401);

    // Another update comes between the read and the write of this one.
    proxy.break_down("GetItem", Fault::Hold);
    let body = json!({"client_id": client.id, "client_name": "late"});
    let (first, second) = tokio::join!(configure(world, "PUT", &client.id, &client.token, Some(&body)), async {
        proxy.until_held(1).await;
        proxy.repair();
        let second = configure(world, "PUT", &client.id, &client.token, Some(&json!({"client_id": client.id}))).await;
        proxy.release();
        second
    });
    first.expect_error(409, "invalid_request");
    assert_eq!(second.status, 200);
    world.set("REGISTRATION_RATE_TOTAL", "1").await;
    world.client(json!({})).await;
    let throttled = world.register(&events::register(&json!({}))).await;
    throttled.expect_error(429, "temporarily_unavailable");
    world.set("REGISTRATION_RATE_TOTAL", "0").await;
    vec![client.secret, client.token, statement, "wrong-token".to_owned()]
}

/// What is not the request's fault.
async fn failures(world: &World, proxy: &Proxy) {
    let client = world.client(json!({})).await;
    proxy.break_down("Sign", Fault::Fail);
    world.ask(&client, "").await.expect_error(503, "temporarily_unavailable");
    proxy.repair();
    let damage = json!({
        "TableName": world.table(), "Key": {"client_id": {"S": client.id}},
        "UpdateExpression": "SET secrets = :none", "ExpressionAttributeValues": {":none": {"BOOL": true}},
    });
    proxy.dynamodb("UpdateItem", &damage).await;
    world.ask(&client, "").await.expect_error(500, "server_error");
}
