//! The processes of both Lambda functions, behind a stand-in for Lambda's runtime API.

use std::process::Stdio;
use std::time::Duration;

use axum::body::Bytes;
use serde_json::{Value, json};
use tokenmint_runtime_api::{self as runtime_api, Call, Event, VARIABLES};
use tokio::process::Command;
use tokio::time::timeout;

/// How long the test waits for a call of the function, before it fails.
const PATIENCE: Duration = Duration::from_mins(2);

/// Nothing listens there.
const ISSUER: &str = "http://127.0.0.1:1";

/// What a function reports after this event: its answer, or the text of its failure.
async fn invoke(function: &str, event: &Value) -> Result<Value, String> {
    let (address, mut calls) = runtime_api::start().await.expect("a port");
    let _child = Command::new(function)
        .env_clear()
        .envs(VARIABLES)
        .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
        .envs([("ISSUER", ISSUER), ("AUDIENCE", "https://api.example"), ("ROUTES", r#"{"GET /items/{id}":"read"}"#)])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("the function starts");
    let mut event = Some(Event { id: "1".to_owned(), body: Bytes::from(event.to_string()) });
    loop {
        match timeout(PATIENCE, calls.recv()).await.expect("a call in time").expect("the stand-in is running") {
            Call::Next { event: waiting, .. } => {
                waiting.send(event.take().expect("one event")).expect("the function waits");
            }
            Call::Answer { body, .. } => return Ok(serde_json::from_slice(&body).expect("JSON")),
            Call::Failure { body, .. } => {
                let failure: Value = serde_json::from_slice(&body).expect("JSON");
                return Err(failure["errorMessage"].as_str().expect("a text").to_owned());
            }
        }
    }
}

fn event(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// V8: the text of a failure is the one that API Gateway turns into 401, and another one where the issuer is down.
#[tokio::test]
async fn v8_the_process_of_the_authorizer() {
    let authorizer = env!("CARGO_BIN_EXE_authorizer");
    for text in [include_str!("../events/authorizer-http-api.json"), include_str!("../events/authorizer-rest-api.json")]
    {
        let mut event = event(text);
        assert_eq!(invoke(authorizer, &event).await, Err("Unauthorized".to_owned()));
        // A token that only the keys could prove, which cannot be fetched: {"typ":"at+jwt","alg":"ES256","kid":"1"} and
        // {"iss":"http://127.0.0.1:1","aud":"https://api.example","exp":99999999999,"iat":1}.
        let token = "Bearer eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFUzI1NiIsImtpZCI6IjEifQ.eyJpc3MiOiJodHRwOi8vMTI3LjAuMC4xOjEiLCJhdWQiOiJodHRwczovL2FwaS5leGFtcGxlIiwiZXhwIjo5OTk5OTk5OTk5OSwiaWF0IjoxfQ.AAAA";
        event["headers"]["authorization"] = token.into();
        event["headers"].as_object_mut().expect("headers").remove("Authorization");
        event.as_object_mut().expect("an object").remove("multiValueHeaders");
        let unavailable = "the access token cannot be verified at the moment";
        assert_eq!(invoke(authorizer, &event).await, Err(unavailable.to_owned()));
    }
    let unlisted = json!({
        "version": "2.0", "type": "REQUEST", "routeKey": "DELETE /items/{id}", "headers": {},
        "requestContext": {"domainName": "api.example", "http": {"method": "DELETE", "path": "/items/1"}},
    });
    let answer = invoke(authorizer, &unlisted).await.expect("an answer");
    assert_eq!((&answer["isAuthorized"], &answer["context"]["error"]), (&json!(false), &json!("access_denied")));
}

/// V8: the API behind it.
#[tokio::test]
async fn v8_the_process_of_the_api() {
    let items = env!("CARGO_BIN_EXE_items");
    for text in [include_str!("../events/items-http-api.json"), include_str!("../events/items-rest-api.json")] {
        assert_eq!(invoke(items, &event(text)).await.expect("an answer")["statusCode"], 200);
    }
}
