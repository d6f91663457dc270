use std::collections::{HashMap, HashSet};
use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::Answer;

/// A proxy between the functions and DynamoDB and KMS. It counts calls by the name of the operation (`Query`,
/// `Decrypt`), and can answer in place of the services.
#[derive(Clone)]
pub struct Proxy {
    url: String,
    services: Arc<Services>,
}

/// How a call is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 500: the service fails.
    Fail,
    /// 400: the service throttles.
    Throttle,
    /// 400: the credentials do not allow the call.
    Deny,
    /// No response, ever.
    Stall,
    /// The service performs the call, but the response is lost: 500.
    LoseAnswer,
    /// The service performs the call, but the response comes only after [`Proxy::release`].
    Hold,
}

impl Fault {
    /// All outages that end, or never do.
    pub const ALL: [Self; 4] = [Self::Fail, Self::Throttle, Self::Stall, Self::LoseAnswer];
}

#[derive(Default)]
struct Traffic {
    counts: HashMap<String, usize>,
    faults: HashMap<String, Fault>,
}

/// The responses that are held back.
#[derive(Default)]
struct Held {
    /// How many there have been.
    total: usize,
    /// The bodies of their requests.
    bodies: HashSet<Bytes>,
    /// How many times they were released.
    releases: usize,
}

struct Services {
    dynamodb: String,
    kms: String,
    client: Client<HttpConnector, Full<Bytes>>,
    traffic: Mutex<Traffic>,
    held: watch::Sender<Held>,
}

impl Proxy {
    /// Listens on a separate port in front of both services.
    pub async fn start(dynamodb: String, kms: String) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let services =
            Arc::new(Services { dynamodb, kms, client, traffic: Mutex::default(), held: watch::Sender::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let router = Router::new().fallback(answer).with_state(services.clone());
        tokio::spawn(axum::serve(listener, router).into_future());
        Self { url, services }
    }

    /// The listen address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The number of calls of an operation since the last [`Proxy::forget`], retries of the SDK included.
    pub fn count(&self, operation: &str) -> usize {
        self.traffic().counts.get(operation).copied().unwrap_or_default()
    }

    /// The number of all calls since the last [`Proxy::forget`].
    pub fn total(&self) -> usize {
        self.traffic().counts.values().sum()
    }

    /// Resets the counters.
    pub fn forget(&self) {
        self.traffic().counts.clear();
    }

    /// Makes an operation fail.
    pub fn break_down(&self, operation: &str, fault: Fault) {
        self.traffic().faults.insert(operation.to_owned(), fault);
    }

    /// Waits until this many responses have been held back, of which the service has performed the calls.
    pub async fn until_held(&self, total: usize) {
        let mut held = self.services.held.subscribe();
        held.wait_for(|held| held.total >= total).await.expect("the sender is here");
    }

    /// As [`Proxy::until_held`], counting only requests that differ: the SDK repeats a request whose response takes long.
    pub async fn until_different_held(&self, requests: usize) {
        let mut held = self.services.held.subscribe();
        held.wait_for(|held| held.bodies.len() >= requests).await.expect("the sender is here");
    }

    /// Lets the responses go that are held back.
    pub fn release(&self) {
        self.services.held.send_modify(|held| held.releases += 1);
    }

    /// Restores all operations.
    pub fn repair(&self) {
        self.traffic().faults.clear();
    }

    /// Calls DynamoDB directly, in its own protocol.
    pub async fn dynamodb(&self, operation: &str, input: &Value) -> Value {
        self.call(&self.services.dynamodb, "dynamodb", &format!("DynamoDB_20120810.{operation}"), input).await
    }

    /// Calls DynamoDB Streams directly, an API of its own.
    pub async fn streams(&self, operation: &str, input: &Value) -> Value {
        self.call(&self.services.dynamodb, "dynamodb", &format!("DynamoDBStreams_20120810.{operation}"), input).await
    }

    /// Calls KMS directly, in its own protocol.
    pub async fn kms(&self, operation: &str, input: &Value) -> Value {
        self.call(&self.services.kms, "kms", &format!("TrentService.{operation}"), input).await
    }

    async fn call(&self, url: &str, service: &str, target: &str, input: &Value) -> Value {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-target", target.parse().expect("visible characters"));
        // The signature is not checked, but must be present.
        let signature = format!(
            "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
        );
        headers.insert("authorization", signature.parse().expect("visible characters"));
        for (name, value) in [("content-type", "application/x-amz-json-1.0"), ("x-amz-date", "20260101T000000Z")] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let body = Bytes::from(input.to_string());
        let answer = self.services.forward(url, Method::POST, headers, body).await;
        let status = answer.status();
        let answer = Answer::of(answer).await.json();
        assert!(status.is_success(), "{target}: {answer}");
        answer
    }

    fn traffic(&self) -> MutexGuard<'_, Traffic> {
        self.services.traffic.lock().expect("no panic while locked")
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({})", self.url)
    }
}

async fn answer(
    State(services): State<Arc<Services>>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (service, operation) = target.split_once('.').unwrap_or_default();
    let url = if service == "TrentService" { services.kms.clone() } else { services.dynamodb.clone() };
    let fault = {
        let mut traffic = services.traffic.lock().expect("no panic while locked");
        *traffic.counts.entry(operation.to_owned()).or_default() += 1;
        traffic.faults.get(operation).copied()
    };
    match fault {
        Some(Fault::Stall) => pending().await,
        Some(Fault::Throttle) => error(StatusCode::BAD_REQUEST, "ThrottlingException"),
        Some(Fault::Deny) => error(StatusCode::BAD_REQUEST, "AccessDeniedException"),
        Some(Fault::Fail) => error(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError"),
        Some(Fault::LoseAnswer) => {
            services.forward(&url, method, headers, body).await;
            error(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError")
        }
        Some(Fault::Hold) => {
            let answer = services.forward(&url, method, headers, body.clone()).await;
            let mut held = services.held.subscribe();
            let releases = held.borrow().releases;
            services.held.send_modify(|held| {
                held.total += 1;
                held.bodies.insert(body);
            });
            held.wait_for(|held| held.releases > releases).await.expect("the sender is here");
            answer
        }
        None => services.forward(&url, method, headers, body).await,
    }
}

impl Services {
    async fn forward(&self, url: &str, method: Method, mut headers: HeaderMap, body: Bytes) -> Response<Body> {
        headers.remove("host");
        let mut request = Request::builder().method(method).uri(format!("{url}/"));
        request.headers_mut().expect("a good request").extend(headers);
        let answer = self.client.request(request.body(Full::new(body)).expect("a good request")).await;
        match answer {
            Ok(answer) => {
                let (head, body) = answer.into_parts();
                Response::from_parts(head, Body::from(body.collect().await.expect("a whole answer").to_bytes()))
            }
            Err(_) => error(StatusCode::BAD_GATEWAY, "ServiceUnavailable"),
        }
    }
}

fn error(status: StatusCode, code: &str) -> Response<Body> {
    let mut response =
        Response::new(Body::from(json!({"__type": code, "message": "as the test wants it"}).to_string()));
    *response.status_mut() = status;
    response
}
