//! DynamoDB or KMS not answering: T7, O6.

use std::time::{Duration, Instant};

use serde_json::json;
use tokenmint_http::REQUEST_BUDGET;
use tokenmint_tests::{Log, World, events};

/// T7, O6: 503 within the budget, `Retry-After`, nothing of the cause in the answer, and the cause once in
/// the log.
#[tokio::test]
async fn t7_o6_nothing_behind_the_functions() {
    let world = World::new().await;
    let client = world.client(json!({})).await;
    let world = world.stop_aws().await;
    let log = Log::capture();
    let token = events::with_header(events::token("grant_type=client_credentials"), "authorization", client.basic());
    for answer in [world.register(&events::register(&json!({}))).await, world.token(&token).await] {
        answer.expect_error(503, "temporarily_unavailable");
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert_eq!(answer.json()["error_description"], "try again later");
    }
    let lines = log.requests();
    assert_eq!(lines.len(), 2, "{}", log.text());
    for (line, call) in lines.iter().zip(["dynamodb:PutItem", "dynamodb:GetItem"]) {
        assert_eq!((&line["level"], &line["outcome"]), (&json!("ERROR"), &json!("temporarily_unavailable")));
        assert!(line["cause"].as_str().is_some_and(|cause| cause.starts_with(call)), "{line}");
    }
    assert!(!log.text().contains(&client.secret));
    // What is published does not need KMS again.
    assert_eq!(world.token(&events::load("token-jwks")).await.status, 200);
    assert_eq!(world.token(&events::load("token-metadata")).await.status, 200);
}

/// O6: a server behind that accepts and never answers does not hold a request longer than its budget.
#[tokio::test]
async fn o6_stalled() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let mut world = World::new().await;
    world.point_aws_at(&url).await;
    let started = Instant::now();
    world.register(&events::register(&json!({}))).await.expect_error(503, "temporarily_unavailable");
    assert!(started.elapsed() < REQUEST_BUDGET + Duration::from_secs(1));
    drop(listener);
}
