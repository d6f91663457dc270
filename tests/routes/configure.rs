//! `GET`, `PUT`, `DELETE /register/{client_id}`.

use std::sync::Arc;

use serde_json::{Value, json};
use tokenmint_oauth::client::ClientId;
use tokenmint_tests::{Answer, Credentials, Log, World, events};
use tokio::task::JoinSet;

pub(crate) async fn configure(world: &World, method: &str, id: &str, token: &str, body: Option<&Value>) -> Answer {
    world.register(&events::configure(method, id, Some(&format!("Bearer {token}")), body)).await
}

async fn read(world: &World, client: &Credentials) -> Answer {
    configure(world, "GET", &client.id, &client.token, None).await
}

/// Sends an update that must succeed; returns the new credentials.
pub(crate) async fn update(world: &World, client: &Credentials, mut metadata: Value) -> (Value, Credentials) {
    metadata["client_id"] = client.id.clone().into();
    let answer = configure(world, "PUT", &client.id, &client.token, Some(&metadata)).await;
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    answer.expect_not_cacheable();
    let body = answer.json();
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    let secret = text("client_secret").unwrap_or_else(|| client.secret.clone());
    let token = text("registration_access_token").expect("a new token");
    (body, Credentials { id: client.id.clone(), secret, token })
}

/// M1, M2, R13: a registration can be read, without the secret, of which only a hash is stored.
#[tokio::test]
async fn m1_m2_read() {
    let world = World::new().await;
    let event = events::register(&json!({"client_name": "A", "client_name#de": "B", "contacts": ["c"]}));
    let registered = world.register(&event).await.json();
    let uri = registered["registration_client_uri"].as_str().expect("a URI");
    let id = registered["client_id"].as_str().expect("an id");
    assert_eq!(uri, format!("https://as.example/register/{id}"));
    let token = registered["registration_access_token"].as_str().expect("a token");
    let answer = configure(&world, "GET", id, token, None).await;
    assert_eq!(answer.status, 200);
    answer.expect_not_cacheable();
    let mut expected = registered.clone();
    expected.as_object_mut().expect("an object").remove("client_secret");
    assert_eq!(answer.json(), expected);
}

/// M3: a wrong token, no token, another client's token and a deleted client's token all get 401.
#[tokio::test]
async fn m3_authorization() {
    let world = World::new().await;
    let (one, two) = (world.client(json!({})).await, world.client(json!({})).await);
    let gone = "11111111-1111-4111-8111-111111111111";
    for method in ["GET", "PUT", "DELETE"] {
        let body = (method == "PUT").then(|| json!({"client_id": one.id}));
        for (id, token) in [
            (&one.id, &two.token),
            (&one.id, &one.secret),
            (&gone.to_owned(), &one.token),
            (&"%ff".to_owned(), &one.token),
        ] {
            let answer = configure(&world, method, id, token, body.as_ref()).await;
            answer.expect_error(401, "invalid_token");
            assert_eq!(answer.header("www-authenticate"), Some(r#"Bearer realm="register", error="invalid_token""#));
        }
        for authorization in [None, Some("Basic abc")] {
            let answer = world.register(&events::configure(method, &one.id, authorization, body.as_ref())).await;
            assert_eq!((answer.status.as_u16(), answer.json()), (401, json!({})));
            assert_eq!(answer.header("www-authenticate"), Some(r#"Bearer realm="register""#));
        }
        let twice = format!("Bearer {0}, Bearer {0}", one.token);
        let event = events::configure(method, &one.id, Some(&twice), body.as_ref());
        world.register(&event).await.expect_error(400, "invalid_request");
    }
    world.disable(&one).await;
    read(&world, &one).await.expect_error(401, "invalid_token");
    assert_eq!(read(&world, &two).await.status, 200);
}

/// M2: other methods get 405 with `Allow`.
#[tokio::test]
async fn m2_other_methods() {
    let world = World::new().await;
    let client = world.client(json!({})).await;
    for method in ["POST", "PATCH"] {
        let answer = configure(&world, method, &client.id, &client.token, None).await;
        answer.expect_error(405, "invalid_request");
        assert_eq!(answer.header("allow"), Some("GET,HEAD,PUT,DELETE"));
    }
}

/// M4: an update replaces all metadata; omitted members are removed.
#[tokio::test]
async fn m4_replaces_everything() {
    let world = World::new().await;
    let client = world.client(json!({"client_name": "A", "contacts": ["c"], "scope": "read"})).await;
    let (body, client) =
        update(&world, &client, json!({"client_uri": "https://a.example", "scope": "write read"})).await;
    assert_eq!((&body["client_uri"], &body["scope"]), (&json!("https://a.example"), &json!("write read")));
    assert_eq!((body.get("client_name"), body.get("contacts"), body.get("client_secret")), (None, None, None));
    let after = read(&world, &client).await.json();
    assert_eq!((after.get("client_name"), &after["scope"]), (None, &json!("write read")));
    assert_eq!(world.ask(&client, "").await.json()["scope"], "write read");
    let (body, client) = update(&world, &client, json!({"token_endpoint_auth_method": "client_secret_post"})).await;
    assert_eq!(body["token_endpoint_auth_method"], "client_secret_post");
    // The function knows the client for that long.
    world.pass(30);
    world.ask(&client, "").await.expect_error(401, "invalid_client");
}

/// R2, R13, M4: arrays sent empty are returned empty by all three requests; omitted arrays are not returned.
/// `grant_types` and `response_types` are returned with their effective values.
#[tokio::test]
async fn r2_r13_m4_empty_arrays() {
    let world = World::new().await;
    let empty = json!({"redirect_uris": [], "contacts": [], "grant_types": [], "response_types": []});
    let in_force = json!({
        "redirect_uris": [], "contacts": [], "grant_types": ["client_credentials"], "response_types": [],
    });
    let expect = |body: &Value, expected: &Value| {
        for (name, value) in expected.as_object().expect("an object") {
            assert_eq!(body.get(name), Some(value), "{name}: {body}");
        }
    };
    let answer = world.register(&events::register(&empty)).await;
    assert_eq!(answer.status, 201);
    let body = answer.json();
    expect(&body, &in_force);
    let text = |name: &str| body[name].as_str().expect("text").to_owned();
    let client =
        Credentials { id: text("client_id"), secret: text("client_secret"), token: text("registration_access_token") };
    expect(&read(&world, &client).await.json(), &in_force);

    let full = json!({"redirect_uris": ["https://a.example/cb"], "contacts": ["c"]});
    let (body, client) = update(&world, &client, full.clone()).await;
    expect(&body, &full);
    let (body, client) = update(&world, &client, empty).await;
    expect(&body, &in_force);
    expect(&read(&world, &client).await.json(), &in_force);
    assert_eq!(world.ask(&client, "").await.status, 200);

    // A response type that a grant type requires is in effect although the list was sent empty (R4).
    let code = json!({"grant_types": ["authorization_code"], "response_types": []});
    let (body, client) = update(&world, &client, code).await;
    expect(&body, &json!({"grant_types": ["authorization_code"], "response_types": ["code"]}));
    for absent in [json!({}), json!({"redirect_uris": null, "contacts": null})] {
        let body = world.register(&events::register(&absent)).await.json();
        assert_eq!((body.get("redirect_uris"), body.get("contacts")), (None, None), "{absent}");
    }
    let (body, client) = update(&world, &client, json!({})).await;
    assert_eq!((body.get("redirect_uris"), body.get("contacts")), (None, None));
    assert_eq!(read(&world, &client).await.json().get("redirect_uris"), None);
}

/// M4: members that an update must contain and must not contain. A refused update changes nothing.
#[tokio::test]
async fn m4_members_of_an_update() {
    let world = World::new().await;
    let client = world.client(json!({"client_name": "A"})).await;
    let other = world.client(json!({})).await;
    for bad in [
        json!({}),
        json!({"client_id": other.id}),
        json!({"client_id": 1}),
        json!({"client_id": client.id, "registration_access_token": client.token}),
        json!({"client_id": client.id, "registration_client_uri": "x"}),
        json!({"client_id": client.id, "client_secret_expires_at": 0}),
        json!({"client_id": client.id, "client_id_issued_at": 0}),
        json!({"client_id": client.id, "client_secret": other.secret}),
        json!({"client_id": client.id, "client_secret": 5}),
        json!({"client_id": client.id, "rotate_client_secret": "yes"}),
        json!({"client_id": client.id, "scope": "strong"}),
        json!({"client_id": client.id, "client_name": []}),
    ] {
        let answer = configure(&world, "PUT", &client.id, &client.token, Some(&bad)).await;
        answer.expect_error(400, "invalid_client_metadata");
    }
    let form = events::with_header(
        events::configure(
            "PUT",
            &client.id,
            Some(&format!("Bearer {}", client.token)),
            Some(&json!({"client_id": client.id})),
        ),
        "content-type",
        "text/plain",
    );
    world.register(&form).await.expect_error(400, "invalid_client_metadata");
    assert_eq!(read(&world, &client).await.json()["client_name"], "A");
    let (body, _) = update(&world, &client, json!({"client_secret": client.secret})).await;
    assert_eq!(body.get("client_secret"), None);
}

/// M5: every update rotates the token, and the previous token is invalid immediately.
#[tokio::test]
async fn m5_rotates_the_registration_access_token() {
    let world = World::new().await;
    let old = world.client(json!({})).await;
    let (_, new) = update(&world, &old, json!({})).await;
    assert_ne!(old.token, new.token);
    read(&world, &old).await.expect_error(401, "invalid_token");
    assert_eq!(read(&world, &new).await.status, 200);
}

/// M5, A5: the new secret and the previous one are both valid until the overlap ends; there are never three.
#[tokio::test]
async fn m5_new_secret() {
    let mut world = World::new().await;
    world.set("CLIENT_SECRET_OVERLAP", "600").await;
    // Else a secret that is replaced works for that long.
    world.set("CLIENT_CACHE_TTL", "0").await;
    let first = world.client(json!({})).await;
    let (body, second) = update(&world, &first, json!({"rotate_client_secret": true})).await;
    assert_ne!(first.secret, second.secret);
    assert_eq!((&body["client_secret_expires_at"], body.get("rotate_client_secret")), (&json!(0), None));
    for good in [&first, &second] {
        assert_eq!(world.ask(good, "").await.status, 200);
    }
    world.pass(599);
    assert_eq!(world.ask(&first, "").await.status, 200);
    world.pass(1);
    world.ask(&first, "").await.expect_error(401, "invalid_client");
    assert_eq!(world.ask(&second, "").await.status, 200);

    let (_, third) = update(&world, &second, json!({"rotate_client_secret": true})).await;
    let (_, fourth) = update(&world, &third, json!({"rotate_client_secret": true})).await;
    world.ask(&second, "").await.expect_error(401, "invalid_client");
    for good in [&third, &fourth] {
        assert_eq!(world.ask(good, "").await.status, 200);
    }
    let (body, _) = update(&world, &fourth, json!({"client_secret": fourth.secret})).await;
    assert_eq!(body.get("client_secret"), None);
    let current = json!({"client_id": fourth.id, "client_secret": third.secret});
    configure(&world, "PUT", &fourth.id, &fourth.token, Some(&current)).await.expect_error(401, "invalid_token");
}

/// A5: an expired secret is replaced through the configuration endpoint.
#[tokio::test]
async fn a5_expired_secret_is_replaced() {
    let mut world = World::new().await;
    world.set("CLIENT_SECRET_TTL", "60").await;
    let old = world.client(json!({})).await;
    world.pass(60);
    world.ask(&old, "").await.expect_error(401, "invalid_client");
    let (body, new) = update(&world, &old, json!({"rotate_client_secret": true})).await;
    assert_eq!(body["client_secret_expires_at"], world.now() + 60);
    assert_eq!(world.ask(&new, "").await.status, 200);
    world.ask(&old, "").await.expect_error(401, "invalid_client");
}

/// M6: after DELETE, the client, its secret and its token are invalid.
#[tokio::test]
async fn m6_delete() {
    let world = World::new().await;
    let client = world.client(json!({})).await;
    let answer = configure(&world, "DELETE", &client.id, &client.token, None).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (204, 0));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    for method in ["GET", "PUT", "DELETE"] {
        configure(&world, method, &client.id, &client.token, None).await.expect_error(401, "invalid_token");
    }
    world.ask(&client, "").await.expect_error(401, "invalid_client");
}

/// M7: of many concurrent updates exactly one succeeds; the others get an error, and store nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn m7_updates_at_once() {
    let world = Arc::new(World::new().await);
    let client = world.client(json!({})).await;
    let mut racing = JoinSet::new();
    for runner in 0..16 {
        let (world, client) = (world.clone(), client.clone());
        racing.spawn(async move {
            let body = json!({"client_id": client.id, "client_name": format!("runner {runner}"), "rotate_client_secret": true});
            (runner, configure(&world, "PUT", &client.id, &client.token, Some(&body)).await)
        });
    }
    let mut winners = Vec::new();
    while let Some(answer) = racing.join_next().await {
        let (runner, answer) = answer.expect("no panic");
        match answer.status.as_u16() {
            200 => winners.push((runner, answer.json())),
            409 => drop(answer.expect_error(409, "invalid_request")),
            // It read the client only after the successful update.
            _ => drop(answer.expect_error(401, "invalid_token")),
        }
    }
    let [(runner, body)] = &winners[..] else { panic!("{} winners", winners.len()) };
    let token = body["registration_access_token"].as_str().expect("a token");
    let after = configure(&world, "GET", &client.id, token, None).await.json();
    assert_eq!(after["client_name"], format!("runner {runner}"));
    let id = ClientId::parse(&client.id).expect("an id");
    let stored = world.clients().find(&id, tokenmint_aws::clients::Consistency::Strong).await.expect("a read");
    assert_eq!(stored.expect("the client").client_secrets.len(), 2);
}

/// An update does not overwrite an operator's concurrent change.
#[tokio::test]
async fn m7_an_update_leaves_the_rest_alone() {
    let world = World::new().await;
    let client = world.client(json!({})).await;
    let id = ClientId::parse(&client.id).expect("an id");
    let before =
        world.clients().find(&id, tokenmint_aws::clients::Consistency::Strong).await.expect("a read").expect("it");
    world.disable(&client).await;
    let mut after = before.clone();
    after.client_secrets.clear();
    world.clients().update(&before, &after).await.expect("an update");
    let stored =
        world.clients().find(&id, tokenmint_aws::clients::Consistency::Strong).await.expect("a read").expect("it");
    assert!(stored.disabled && stored.client_secrets.is_empty());
}

/// R19: the log of these requests contains no secret and no token.
#[tokio::test]
async fn r19_nothing_secret_is_logged() {
    let world = World::new().await;
    let client = world.client(json!({})).await;
    let log = Log::capture();
    read(&world, &client).await;
    let (_, new) = update(&world, &client, json!({"rotate_client_secret": true})).await;
    read(&world, &client).await.expect_error(401, "invalid_token");
    let text = log.text();
    for secret in [&client.secret, &client.token, &new.secret, &new.token] {
        assert!(!text.contains(secret.as_str()), "{text}");
    }
    let lines = log.requests();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[2]["cause"], "wrong registration access token");
    assert!(lines.iter().all(|line| line["http.route"] == "/register/{client_id}" && line["client.id"] == client.id));
}

/// Sends a PUT with or without `scope`; returns the client's scope afterwards and its new credentials.
async fn put_scope(world: &World, client: &Credentials, scope: Option<&str>) -> (Value, Credentials) {
    let (body, client) = update(world, client, scope.map_or_else(|| json!({}), |scope| json!({"scope": scope}))).await;
    assert_eq!(read(world, &client).await.json()["scope"], body["scope"]);
    (body["scope"].clone(), client)
}

const EVERYTHING: &str = "read write admin introspect";

/// R10, R16, D3: a client registered with an initial access token never gets more scope than that token allowed: not
/// by a PUT without `scope`, not by requesting it, and not after narrowing its scope.
#[tokio::test]
async fn r10_r16_put_never_exceeds_the_initial_access_token() {
    for mode in ["protected", "disabled", "open"] {
        let mut world = World::new().await;
        world.environment = std::mem::take(&mut world.environment).with("SCOPES", "read write admin");
        world.set("REGISTRATION", "protected").await;
        let client = world.client_with_initial_access_token("read write", json!({"scope": "read"})).await;
        world.set("REGISTRATION", mode).await;
        let (scope, client) = put_scope(&world, &client, None).await;
        assert_eq!(scope, "read write", "{mode}");
        let (scope, client) = put_scope(&world, &client, Some("read")).await;
        assert_eq!(scope, "read", "{mode}");
        let (scope, client) = put_scope(&world, &client, Some(EVERYTHING)).await;
        assert_eq!(scope, "read write", "{mode}");
        assert_eq!(world.ask(&client, "").await.json()["scope"], "read write");
        world.ask(&client, "&scope=admin").await.expect_error(400, "invalid_scope");
        let body = json!({"client_id": client.id, "scope": "admin"});
        let answer = configure(&world, "PUT", &client.id, &client.token, Some(&body)).await;
        answer.expect_error(400, "invalid_client_metadata");
    }
}

/// R10, R16: an initial access token without scope never allows any later.
#[tokio::test]
async fn r10_r16_put_exceeds_no_empty_ceiling() {
    let mut world = World::new().await;
    world.set("REGISTRATION", "protected").await;
    let client = world.client_with_initial_access_token("", json!({})).await;
    world.set("REGISTRATION", "open").await;
    let (scope, client) = put_scope(&world, &client, None).await;
    assert_eq!(scope, Value::Null);
    let body = json!({"client_id": client.id, "scope": "read"});
    let answer = configure(&world, "PUT", &client.id, &client.token, Some(&body)).await;
    answer.expect_error(400, "invalid_client_metadata");
}

/// R10, R16: a client without a stored ceiling, as stored by earlier versions, keeps its scope while registration is
/// not open, and can register any offered scope while it is open.
#[tokio::test]
async fn r10_r16_clients_stored_without_a_ceiling() {
    let mut world = World::new().await;
    let mut client = world.client(json!({"scope": "read"})).await;
    for mode in ["protected", "disabled"] {
        world.set("REGISTRATION", mode).await;
        for asked in [None, Some("read write client-scope")] {
            let (scope, after) = put_scope(&world, &client, asked).await;
            assert_eq!(scope, "read", "{mode} {asked:?}");
            client = after;
        }
    }
    world.set("REGISTRATION", "open").await;
    let (scope, _) = put_scope(&world, &client, Some("write")).await;
    assert_eq!(scope, "write");
}
