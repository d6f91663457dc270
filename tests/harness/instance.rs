//! Functions that are invoked with API Gateway events.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use lambda_http::request::LambdaRequest;
use serde_json::Value;
use tokenmint_function::lambda;
use tower::ServiceExt;

use crate::{Answer, DOCUMENT};

/// An instance of the token function.
#[derive(Clone, Debug)]
pub struct Instance {
    pub(crate) token: Router,
}

impl Instance {
    /// Sends it an API Gateway event.
    pub async fn token(&self, event: &Value) -> Answer {
        described(&self.token, event).await
    }
}

/// Both functions, after their services have stopped.
#[derive(Debug)]
pub struct StoppedWorld {
    pub(crate) register: Router,
    pub(crate) token: Router,
}

impl StoppedWorld {
    /// Sends an API Gateway event to the register function.
    pub async fn register(&self, event: &Value) -> Answer {
        described(&self.register, event).await
    }

    /// Sends an API Gateway event to the token function.
    pub async fn token(&self, event: &Value) -> Answer {
        described(&self.token, event).await
    }
}

/// Sends an event, and checks that `docs/openapi.json` describes the response.
pub(crate) async fn described(router: &Router, event: &Value) -> Answer {
    let answer = send(router, event).await;
    let request = &event["requestContext"]["http"];
    let [method, path] = [&request["method"], &event["rawPath"]].map(|text| text.as_str().unwrap_or_default());
    DOCUMENT.check(method, path, &answer).unwrap_or_else(|error| panic!("docs/openapi.json: {error}"));
    answer
}

/// Converts an event as `lambda_http` does, and passes the request to the router.
pub async fn send(router: &Router, event: &Value) -> Answer {
    let event: LambdaRequest = serde_json::from_value(event.clone()).expect("an API Gateway event");
    let (head, body) = lambda_http::Request::from(lambda::sanitize_event(event)).into_parts();
    let request = Request::from_parts(head, Body::new(body));
    Answer::of(router.clone().oneshot(request).await.expect("a router always answers")).await
}
