//! The original exchange that this server must support, member by member.

use serde_json::{Value, json};
use tokenmint_aws::provision::KeySpec;
use tokenmint_tests::{Answer, World, events};

const REGISTER_REQUEST: &str = include_str!("../vectors/seed-register-request.json");
const REGISTER_RESPONSE: &str = include_str!("../vectors/seed-register-response.json");
const TOKEN_REQUEST: &str = include_str!("../vectors/seed-token-request.txt");
const TOKEN_RESPONSE: &str = include_str!("../vectors/seed-token-response.json");

/// Asserts that the body has exactly the expected members; `***` matches a generated value.
fn expect_like(answer: &Answer, expected: &str) -> Value {
    let (body, expected): (Value, Value) = (answer.json(), serde_json::from_str(expected).expect("a vector"));
    let names = |object: &Value| object.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    let (mut ours, mut theirs) = (names(&body), names(&expected));
    // The members that RFC 7592 adds to a registration (M1).
    ours.retain(|name| !["registration_client_uri", "registration_access_token"].contains(&name.as_str()));
    ours.sort();
    theirs.sort();
    assert_eq!(ours, theirs);
    for (name, value) in expected.as_object().expect("an object") {
        if value == "***" {
            assert!(!body[name].is_null() && body[name] != "", "{name}");
        } else {
            assert_eq!(&body[name], value, "{name}");
        }
    }
    body
}

async fn exchange(status: u16) {
    let mut world = World::with_key(KeySpec::Rsa2048).await;
    world.set("SCOPES", "client-scope").await;
    world.set("REGISTRATION_STATUS", &status.to_string()).await;

    let event = events::load("register-seed");
    let sent: Value = serde_json::from_str(event["body"].as_str().expect("text")).expect("JSON");
    assert_eq!(sent, serde_json::from_str::<Value>(REGISTER_REQUEST).expect("a vector"));
    let answer = world.register(&event).await;
    assert_eq!(answer.status.as_u16(), status);
    answer.expect_not_cacheable();
    let client = expect_like(&answer, REGISTER_RESPONSE);
    let id = client["client_id"].as_str().expect("text");
    let secret = client["client_secret"].as_str().expect("text");
    assert_eq!(id.len(), 36);
    assert!(secret.len() == 32 && secret.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    assert_eq!(client["client_id_issued_at"], json!(world.now()));

    let event = events::with_header(events::load("token-seed"), "authorization", events::basic(id, secret));
    assert!(TOKEN_REQUEST.ends_with("\n\ngrant_type=client_credentials&scope=client-scope\n"));
    let answer = world.token(&event).await;
    assert_eq!(answer.status, 200);
    answer.expect_not_cacheable();
    let body = expect_like(&answer, TOKEN_RESPONSE);
    let token = world.verify(body["access_token"].as_str().expect("text")).await;
    assert_eq!(token.claims["sub"], id);
}

/// The exchange with the defaults: 201, as RFC 7591 requires (R12).
#[tokio::test]
async fn r12_with_the_defaults() {
    exchange(201).await;
}

/// The exchange with status 200 (R12, ours).
#[tokio::test]
async fn r12_with_status_200() {
    exchange(200).await;
}
