//! Events with parts that are not a valid URI or body: each gets a response.

use std::collections::BTreeSet;

use proptest::prelude::*;

use serde_json::{Value, json};
use tokenmint_tests::{Answer, Log, World, events};

fn with_path(path: &str) -> Value {
    let mut event = events::token("grant_type=client_credentials");
    event["rawPath"] = path.into();
    event
}

/// T7: an invalid path, query, host or body gets a response like any other request.
#[tokio::test]
async fn t7_malformed_events() {
    let world = World::new().await;
    let long = format!("/{}", "x".repeat(100_000));
    for path in [":99999/x", "@evil.example:1/x", "//", "?", "\u{0}", "/%", "/\u{e9}", "[::1", &long] {
        world.token(&with_path(path)).await.expect_error(404, "invalid_request");
        world.register(&with_path(path)).await.expect_error(404, "invalid_request");
    }
    let token = || with_path("/token");
    let mut long_query = token();
    long_query["rawQueryString"] = long.into();
    world.token(&long_query).await.expect_error(404, "invalid_request");

    let mut body = token();
    body["body"] = "%".into();
    world.token(&body).await.expect_error(400, "invalid_request");
    let mut body = events::register(&json!({}));
    body["isBase64Encoded"] = true.into();
    world.register(&body).await.expect_error(400, "invalid_client_metadata");

    for host in ["", ":99999", "a b", "xn--a", "1.2.3.4.5", "[", "evil.example/x?", "a@b"] {
        let mut event = events::with_header(token(), "host", host);
        event["requestContext"]["domainName"] = host.into();
        event["requestContext"]["stage"] = format!("{host} ").into();
        world.token(&event).await.expect_error(401, "invalid_client");
    }
}

/// T7: any path and query get a response and one log line, which contains neither.
#[test]
fn t7_any_path() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let world = runtime.block_on(World::new());
    let log = Log::capture();
    let mut runner = proptest::test_runner::TestRunner::default();
    let input = ("[:/@?#\\\\%.0-9\\PC]{0,20}", "[=&%#?\\PC]{0,20}", any::<String>());
    let outcome = runner.run(&input, |(path, query, host)| {
        let before = log.requests().len();
        let mut event = events::with_header(with_path(&format!("{path}hush")), "x-forwarded-proto", query.clone());
        event["rawQueryString"] = format!("{query}hush").into();
        event["requestContext"]["domainName"] = host.into();
        // The runtime refuses an invalid header before the event becomes a request.
        if serde_json::from_value::<lambda_http::request::LambdaRequest>(event.clone()).is_err() {
            event["headers"].as_object_mut().expect("headers").remove("x-forwarded-proto");
        }
        runtime.block_on(world.token(&event)).expect_error(404, "invalid_request");
        prop_assert_eq!(log.requests().len(), before + 1);
        prop_assert!(!log.text().contains("hush"));
        Ok(())
    });
    outcome.expect("every event is answered");
}

/// Every file of `events/` has a row in `events/README.md`, and gets the answers that the row says. Scripts send the
/// same files to the deployed functions.
#[tokio::test]
async fn r1_m2_t1_d1_every_event_gets_its_answer() {
    let mut world = World::new().await;
    world.set("AUTHORIZATION_ENDPOINT", "compat").await;
    world.set("CORS_ORIGINS", "https://app.example").await;
    let answers = events::answers();
    let names: BTreeSet<_> = answers.iter().map(|(name, _, _)| name.clone()).collect();
    assert_eq!((names.len(), names), (answers.len(), events::names().into_iter().collect()));
    for (name, as_is, for_client) in answers {
        let event = events::load(&name);
        expect(&name, &answer(&world, &name, &event).await, &as_is);
        let client = world.client(json!({})).await;
        let own = events::of_client(&event, &client);
        assert_eq!(own.is_some(), for_client.is_some(), "{name} has the credentials of a client, or not");
        if let (Some(own), Some(expected)) = (own, for_client) {
            expect(&name, &answer(&world, &name, &own).await, &expected);
        }
    }
}

async fn answer(world: &World, name: &str, event: &Value) -> Answer {
    if name.starts_with("register-") { world.register(event).await } else { world.token(event).await }
}

/// Compares with a status, and the code of the error or a member of the body in backticks.
fn expect(name: &str, answer: &Answer, expected: &str) {
    let (status, word) = expected.split_once(' ').map_or((expected, None), |(status, word)| (status, Some(word)));
    let word = word.map(|word| word.trim_matches('`'));
    assert_eq!(answer.status.as_str(), status, "{name}: {answer:?}");
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if answer.status.is_success() {
        assert!(word.is_none_or(|member| !body[member].is_null()), "{name}: {body}");
    } else {
        assert_eq!(body["error"].as_str(), word, "{name}: {body}");
    }
}
