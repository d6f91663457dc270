//! `POST /register`.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use tokenmint_aws::clients::Consistency;
use tokenmint_oauth::client::ClientId;
use tokenmint_oauth::metadata::members::MAX_BODY_BYTES;
use tokenmint_tests::{Log, World, events};

async fn registered(world: &World, metadata: Value) -> Value {
    let answer = world.register(&events::register(&metadata)).await;
    assert_eq!(answer.status, 201, "{:?}", answer.json());
    answer.expect_not_cacheable();
    answer.json()
}

async fn refused(world: &World, event: &Value, code: &str) {
    world.register(event).await.expect_error(400, code);
}

/// R3, R13: the defaults of a client that requests nothing in particular.
#[tokio::test]
async fn r3_r13_defaults() {
    let world = World::new().await;
    let answer = world.register(&events::load("register-minimal")).await;
    assert_eq!(answer.status, 201);
    let client = registered(&world, json!({})).await;
    let rest = |name: &str| client[name].clone();
    let expected = json!({
        "client_id": rest("client_id"), "client_secret": rest("client_secret"),
        "client_id_issued_at": world.now(), "client_secret_expires_at": 0,
        "token_endpoint_auth_method": "client_secret_basic", "grant_types": ["client_credentials"],
        "response_types": [], "scope": "client-scope read write",
        "registration_access_token": rest("registration_access_token"),
        "registration_client_uri": format!("https://as.example/register/{}", rest("client_id").as_str().expect("text")),
    });
    assert_eq!(client, expected);
}

/// R2: unknown members are ignored; an empty string and null count as absent.
#[tokio::test]
async fn r2_not_understood_is_ignored() {
    let world = World::new().await;
    let sent = json!({
        "client_id": "mine", "client_secret": "mine", "client_secret_expires_at": 1, "x": {"y": [1]},
        "client_name": "", "tos_uri": null, "contacts": null, "scope": "",
    });
    let client = registered(&world, sent).await;
    assert_ne!(client["client_id"], "mine");
    assert_ne!(client["client_secret"], "mine");
    assert_eq!(client["client_secret_expires_at"], 0);
    for absent in ["x", "client_name", "tos_uri", "contacts"] {
        assert_eq!(client.get(absent), None, "{absent}");
    }
}

/// R9: translations are stored and returned.
#[tokio::test]
async fn r9_language_tags() {
    let world = World::new().await;
    let sent = json!({"client_name": "Example", "client_name#de-CH": "Beispiel", "tos_uri#fr": "https://a.example/fr"});
    let client = registered(&world, sent.clone()).await;
    for (name, value) in sent.as_object().expect("an object") {
        assert_eq!(&client[name], value, "{name}");
    }
}

/// RFC 7591 §3.1, the example request, through the endpoint.
#[tokio::test]
async fn r13_rfc7591_example() {
    let world = World::new().await;
    let sent = json!({
        "redirect_uris": ["https://client.example.org/callback", "https://client.example.org/callback2"],
        "client_name": "My Example Client",
        "client_name#ja-Jpan-JP": "\u{30AF}\u{30E9}\u{30A4}\u{30A2}\u{30F3}\u{30C8}\u{540D}",
        "token_endpoint_auth_method": "client_secret_basic",
        "logo_uri": "https://client.example.org/logo.png",
        "example_extension_parameter": "example_value",
    });
    let client = registered(&world, sent.clone()).await;
    for name in ["redirect_uris", "client_name", "client_name#ja-Jpan-JP", "token_endpoint_auth_method", "logo_uri"] {
        assert_eq!(client[name], sent[name], "{name}");
    }
}

/// R1: anything other than one valid JSON object is refused by name.
#[tokio::test]
async fn r1_malformed() {
    let world = World::new().await;
    refused(&world, &events::load("register-malformed-json"), "invalid_client_metadata").await;
    refused(&world, &events::load("register-form-body"), "invalid_client_metadata").await;
    refused(&world, &events::load("register-wrong-type"), "invalid_client_metadata").await;
    for body in ["", "null", "[]", "{\"scope\":\"read\",\"scope\":\"write\"}", "{\"client_name\":5}"] {
        refused(&world, &events::register_text(body), "invalid_client_metadata").await;
    }
    let at_bound = format!("{{}}{}", " ".repeat(MAX_BODY_BYTES - 2));
    assert_eq!(world.register(&events::register_text(&at_bound)).await.status, 201);
    refused(&world, &events::register_text(&format!("{at_bound} ")), "invalid_client_metadata").await;
    refused(&world, &events::register_text(&" ".repeat(1 << 20)), "invalid_client_metadata").await;
    let answer = world.register(&events::register(&json!({"contacts": ["a", 1]}))).await;
    assert!(answer.json()["error_description"].as_str().expect("text").contains("contacts"));
}

/// R1: `application/json` with parameters is still JSON; a base64-encoded event is read.
#[tokio::test]
async fn r1_media_type() {
    let world = World::new().await;
    let event = events::register(&json!({}));
    for good in ["application/json; charset=utf-8", "Application/JSON", "application/json;"] {
        let event = events::with_header(event.clone(), "content-type", good);
        assert_eq!(world.register(&event).await.status, 201, "{good}");
    }
    for bad in ["", "text/json", "application/jsonx", "application/json, application/json"] {
        refused(&world, &events::with_header(event.clone(), "content-type", bad), "invalid_client_metadata").await;
    }
    assert_eq!(world.register(&events::load("register-base64-body")).await.status, 201);
}

/// R4: contradictory grant types and response types are refused.
#[tokio::test]
async fn r4_contradiction() {
    let world = World::new().await;
    let sent = json!({"grant_types": ["client_credentials"], "response_types": ["code"]});
    refused(&world, &events::register(&sent), "invalid_client_metadata").await;
}

/// R6: redirect URIs that could be misused get their own error code.
#[tokio::test]
async fn r6_redirect_uris() {
    let world = World::new().await;
    refused(&world, &events::load("register-javascript-redirect"), "invalid_redirect_uri").await;
    refused(&world, &events::register(&json!({"redirect_uris": ["http://a.example/"]})), "invalid_redirect_uri").await;
    let client = registered(&world, json!({"redirect_uris": ["https://a.example/cb"]})).await;
    assert_eq!(client["redirect_uris"], json!(["https://a.example/cb"]));
    // Editors register their own scheme, and the grants of a user, which they do not get here.
    let editor = json!({
        "redirect_uris": ["cursor://anysphere.cursor-mcp/oauth/callback"], "client_name": "Editor",
        "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_post",
    });
    let client = registered(&world, editor.clone()).await;
    for (name, value) in editor.as_object().expect("an object") {
        assert_eq!(&client[name], value);
    }
}

/// R10: the scope is reduced to the offered scopes, in the requested order; an empty result is an error.
#[tokio::test]
async fn r10_scope() {
    let mut world = World::new().await;
    let client = registered(&world, json!({"scope": "write strong read write"})).await;
    assert_eq!(client["scope"], "write read");
    refused(&world, &events::load("register-scope-not-offered"), "invalid_client_metadata").await;
    world.set("DEFAULT_SCOPES", "read").await;
    assert_eq!(registered(&world, json!({})).await["scope"], "read");
    world.set("DEFAULT_SCOPES", "").await;
    world.set("SCOPES", "").await;
    assert_eq!(registered(&world, json!({})).await.get("scope"), None);
}

/// R11: methods with a secret get one; `none` and unknown methods are refused.
#[tokio::test]
async fn r11_methods() {
    let world = World::new().await;
    let answer = world.register(&events::load("register-client-secret-post")).await;
    assert_eq!(answer.json()["token_endpoint_auth_method"], "client_secret_post");
    assert!(answer.json()["client_secret"].is_string());
    refused(&world, &events::load("register-auth-method-none"), "invalid_client_metadata").await;
    let unknown = json!({"token_endpoint_auth_method": "client_secret_jwt"});
    refused(&world, &events::register(&unknown), "invalid_client_metadata").await;
}

/// R13: the expiry of a secret is returned: the current time plus the configured lifetime.
#[tokio::test]
async fn r13_end_of_the_secret() {
    let mut world = World::new().await;
    world.set("CLIENT_SECRET_TTL", "3600").await;
    assert_eq!(registered(&world, json!({})).await["client_secret_expires_at"], world.now() + 3600);
}

/// R15: if registration is disabled, the endpoint does not exist.
#[tokio::test]
async fn r15_disabled() {
    let mut world = World::new().await;
    world.set("REGISTRATION", "disabled").await;
    world.register(&events::load("register-seed")).await.expect_error(404, "invalid_request");
}

/// Other methods and paths get a JSON error too.
#[tokio::test]
async fn t1_other_methods() {
    let world = World::new().await;
    let answer = world.register(&events::load("register-get")).await;
    answer.expect_error(405, "invalid_request");
    assert_eq!(answer.header("allow"), Some("POST"));
    world.register(&events::get("/")).await.expect_error(404, "invalid_request");
}

/// R19: two clients share no values, and neither the table nor the log contains a secret.
#[tokio::test]
async fn r19_secrets_stay_secret() {
    let world = World::new().await;
    let log = Log::capture();
    let (one, two) = (world.client(json!({})).await, world.client(json!({})).await);
    assert_ne!(one.id, two.id);
    assert_ne!(one.secret, two.secret);
    let id = ClientId::parse(&one.id).expect("an id");
    let stored = world.clients().find(&id, Consistency::Strong).await.expect("a read").expect("the client");
    assert_eq!(stored.client_secrets.len(), 1);
    let scan = world.sdk().dynamodb().scan().table_name(world.table()).send().await.expect("a scan");
    assert_eq!(scan.items().len(), 2);
    let raw = format!("{scan:?}");
    assert!(
        raw.contains(&one.id)
            && [&one, &two].iter().all(|client| !raw.contains(&client.secret) && !raw.contains(&client.token))
    );
    let text = log.text();
    assert!(text.contains(&one.id) && !text.contains(&one.secret) && !text.contains(&one.token), "{text}");
}

/// One log line per request: the client, the outcome, the cause.
#[tokio::test]
async fn o3_one_line_per_request() {
    let world = World::new().await;
    let log = Log::capture();
    let client = world.client(json!({})).await;
    world.register(&events::register(&json!({"scope": "strong"}))).await;
    let [good, bad] = &log.requests()[..] else { panic!("{}", log.text()) };
    assert_eq!((&good["outcome"], &good["client.id"]), (&json!("ok"), &json!(client.id)));
    assert!(good["duration_ms"].as_f64() >= good["dynamodb_ms"].as_f64() && good["dynamodb_ms"].as_f64() > Some(0.0));
    assert_eq!((&bad["outcome"], &bad["http.status"]), (&json!("invalid_client_metadata"), &json!(400)));
    assert_eq!(bad["cause"], "scope contains no scope that this client may register");
    assert_eq!(good["request.id"], events::load("register-seed")["requestContext"]["requestId"]);
}

/// A registration that fails stores nothing.
#[tokio::test]
async fn r1_a_refused_registration_changes_nothing() {
    let world = World::new().await;
    for name in events::names().iter().filter(|name| name.starts_with("register-")) {
        world.register(&events::load(name)).await;
    }
    let scan = world.sdk().dynamodb().scan().table_name(world.table()).send().await.expect("a scan");
    let good = ["register-base64-body", "register-client-secret-post", "register-minimal", "register-seed"];
    assert_eq!(scan.items().len(), good.len());
}

/// Any text as a body or as a member: no panic, and an unsuccessful registration gets a registered error with its
/// headers.
#[test]
fn r1_any_request() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let world = runtime.block_on(World::new());
    let member = "(client_name(#[a-zA-Z-]{0,9})?|scope|grant_types|redirect_uris|jwks|client_uri|contacts|\\PC{0,9})";
    let request = (any::<bool>(), "\\PC{0,60}", member, "\\PC{0,60}", 0..4_u8);
    let outcome = TestRunner::default().run(&request, |(raw, body, member, text, shape)| {
        let value = match shape {
            0 => json!(text),
            1 => json!([text]),
            2 => json!({"keys": [{"kty": text}]}),
            _ => json!(text.len()),
        };
        let body = if raw { body } else { json!({member: value}).to_string() };
        let answer = runtime.block_on(world.register(&events::register_text(&body)));
        if answer.status != 201 {
            let code = answer.json()["error"].as_str().expect("an error").to_owned();
            answer.expect_error(400, &code);
            prop_assert!(["invalid_client_metadata", "invalid_redirect_uri"].contains(&code.as_str()), "{}", code);
        }
        answer.expect_not_cacheable();
        Ok(())
    });
    outcome.expect("registered, or refused with a registered error");
}
