//! The function's process, as Lambda Managed Instances and as Lambda run it: how many events it serves at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use axum::body::Bytes;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Value, json};
use tokenmint_aws::config::Function;
use tokenmint_runtime_api::{self as runtime_api, Call, Event, VARIABLES};
use tokenmint_tests::{Credentials, Fault, Proxy, World, events};
use tokio::process::{Child, Command};
use tokio::sync::mpsc::Receiver;
use tokio::sync::oneshot::Sender;
use tokio::time::timeout;

/// How long the test waits for a call of the function, before it fails.
const PATIENCE: Duration = Duration::from_mins(2);

/// The function's process behind the stand-in for the runtime API.
struct Process {
    /// Killed when it is dropped, before the stand-in ends.
    _child: Child,
    calls: Receiver<Call>,
    /// Requests for an event that get none.
    ready: Vec<Sender<Event>>,
    log: PathBuf,
}

impl Process {
    /// Starts it with the settings of the world and this value of `AWS_LAMBDA_MAX_CONCURRENCY`.
    async fn start(world: &World, proxy: &Proxy, concurrency: Option<&str>) -> Self {
        let (address, calls) = runtime_api::start().await.expect("a port");
        let name = format!("concurrency-{}.log", concurrency.unwrap_or("unset"));
        let log = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let child = Command::new(env!("CARGO_BIN_EXE_token"))
            .env_clear()
            .envs(VARIABLES)
            .envs(world.environment.of(Function::Token))
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_ENDPOINT_URL", proxy.url())
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "local")
            .env("AWS_SECRET_ACCESS_KEY", "local")
            .envs(concurrency.map(|value| ("AWS_LAMBDA_MAX_CONCURRENCY", value)))
            .stdin(Stdio::null())
            .stdout(File::create(&log).expect("a file"))
            .kill_on_drop(true)
            .spawn()
            .expect("the function starts");
        Self { _child: child, calls, ready: Vec::new(), log }
    }

    async fn call(&mut self) -> Call {
        timeout(PATIENCE, self.calls.recv()).await.expect("a call in time").expect("the stand-in is running")
    }

    /// The function's next call, which must be a request for an event.
    async fn next(&mut self) -> Sender<Event> {
        match self.call().await {
            Call::Next { event, .. } => event,
            other => panic!("instead of asking for an event: {other}"),
        }
    }

    /// The function's next call, which must be an answer.
    async fn answer(&mut self) -> (String, Bytes) {
        match self.call().await {
            Call::Answer { id, body } => (id, body),
            other => panic!("instead of answering: {other}"),
        }
    }

    /// Asserts that the function has made no call that was not received.
    fn expect_no_call(&mut self) {
        let call = self.calls.try_recv().ok();
        assert!(call.is_none(), "{}", call.expect("a call"));
    }

    /// The client in the log line of each request, by the id of the request.
    fn logged_clients(&self) -> BTreeMap<String, String> {
        let log = fs::read_to_string(&self.log).expect("a log");
        let lines = log.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect::<Vec<Value>>();
        let requests = lines.iter().filter(|line| line["message"] == "request" && line["client.id"].is_string());
        let text = |value: &Value| value.as_str().expect("a string").to_owned();
        requests.map(|line| (text(&line["request.id"]), text(&line["client.id"]))).collect()
    }
}

/// A world whose tables the function uses through the proxy, and clients that no instance knows.
async fn world(number: usize) -> (World, Proxy, Vec<Credentials>) {
    let (world, proxy) = World::sealed("ECC_NIST_P256").await;
    let mut clients = Vec::new();
    for _ in 0..number {
        clients.push(world.client(json!({})).await);
    }
    (world, proxy, clients)
}

/// Waits until the reads of this many clients have arrived, and their answers are held back.
async fn until_held(proxy: &Proxy, clients: usize) {
    timeout(PATIENCE, proxy.until_different_held(clients)).await.expect("the reads in time");
}

/// The event with this id.
fn event(id: &str, event: &Value) -> Event {
    Event { id: id.to_owned(), body: event.to_string().into() }
}

/// The token request of a client. Its id names it in both places that have one.
fn token_event(id: &str, client: &Credentials) -> Event {
    let form = events::token("grant_type=client_credentials");
    let mut request = events::with_header(form, "authorization", client.basic());
    request["requestContext"]["requestId"] = id.into();
    event(id, &request)
}

/// The body of an answer with the status 200.
fn body(answer: &[u8]) -> Value {
    let answer: Value = serde_json::from_slice(answer).expect("JSON");
    let body = answer["body"].as_str().expect("a body");
    assert_eq!(answer["statusCode"], 200, "{body}");
    serde_json::from_str(body).expect("JSON")
}

/// Verifies the token of an answer, and returns its claims.
fn claims(answer: &[u8], keys: &JwkSet) -> Value {
    let body = body(answer);
    let token = body["access_token"].as_str().expect("a token");
    let kid = decode_header(token).expect("a header").kid.expect("a kid");
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_issuer(&["https://as.example"]);
    validation.set_audience(&["https://as.example"]);
    let key = DecodingKey::from_jwk(keys.find(&kid).expect("the kid is published")).expect("a key");
    decode(token, &key, &validation).expect("a good token").claims
}

fn id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// T5, O3: one process serves as many events at once as `AWS_LAMBDA_MAX_CONCURRENCY` says, and mixes none of them up. Each
/// request waits for its own read, and the reads are answered only when all of them have arrived.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t5_o3_64_requests_in_flight_in_one_process() {
    const AT_ONCE: usize = 64;
    let (world, proxy, clients) = world(AT_ONCE).await;
    let mut process = Process::start(&world, &proxy, Some("64")).await;
    let mut waiting = Vec::new();
    for _ in 0..AT_ONCE {
        waiting.push(process.next().await);
    }
    let keys = waiting.pop().expect("one of them");
    keys.send(event("keys", &events::get("/.well-known/jwks.json"))).expect("it waits");
    let keys: JwkSet = serde_json::from_value(body(&process.answer().await.1)).expect("a key set");
    waiting.push(process.next().await);

    proxy.break_down("GetItem", Fault::Hold);
    for ((number, client), waiting) in clients.iter().enumerate().zip(waiting) {
        waiting.send(token_event(&id(number), client)).expect("it waits");
    }
    until_held(&proxy, AT_ONCE).await;
    // All are in flight: none of them has been answered.
    process.expect_no_call();
    proxy.repair();
    proxy.release();

    let mut answers = BTreeMap::new();
    while answers.len() < AT_ONCE || process.ready.len() < AT_ONCE {
        match process.call().await {
            Call::Answer { id, body } => assert!(answers.insert(id, body).is_none(), "two answers to one event"),
            Call::Next { event, .. } => process.ready.push(event),
            failure @ Call::Failure { .. } => panic!("{failure}"),
        }
    }
    let logged = process.logged_clients();
    let mut seen = BTreeSet::new();
    for (number, client) in clients.iter().enumerate() {
        let id = id(number);
        let claims = claims(&answers[&id], &keys);
        assert_eq!((&claims["client_id"], &claims["sub"]), (&json!(client.id), &json!(client.id)), "event {number}");
        assert!(seen.insert(claims["jti"].to_string()), "one jti twice");
        assert_eq!(logged.get(&id), Some(&client.id), "event {number}");
    }
    assert_eq!((answers.len(), logged.len()), (AT_ONCE, AT_ONCE));
}

/// T5: without that variable, or with 1, the function asks for an event only after it has answered the one before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t5_without_concurrency_one_event_at_a_time() {
    for concurrency in [None, Some("1")] {
        let (world, proxy, clients) = world(4).await;
        proxy.break_down("GetItem", Fault::Hold);
        let mut process = Process::start(&world, &proxy, concurrency).await;
        for (number, client) in clients.iter().enumerate() {
            let waiting = process.next().await;
            waiting.send(token_event(&id(number), client)).expect("it waits");
            until_held(&proxy, number + 1).await;
            process.expect_no_call();
            proxy.release();
            let (answered, answer) = process.answer().await;
            assert_eq!((answered, body(&answer)["token_type"].as_str()), (id(number), Some("Bearer")));
        }
        let last = process.next().await;
        process.ready.push(last);
    }
}
