//! Events with parts that are not a valid URI or body: each gets a response.

use proptest::prelude::*;
use serde_json::{Value, json};
use tokenmint_tests::{Log, World, events};

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
