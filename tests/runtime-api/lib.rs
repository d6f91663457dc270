//! A stand-in for Lambda's runtime API: the HTTP server that a function polls for its next event, and to which it posts
//! its answer. It passes each call on to its user, who decides when there is an event.
//!
//! The connections are HTTP/1.1 and stay open, as Lambda's do and as the runtime's client expects.

use std::fmt::{Display, Formatter, Result as Formatted};
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

/// The time limit that the function is told for each event; the functions' timeout in `template.yaml`.
const DEADLINE: Duration = Duration::from_secs(10);

/// What Lambda sets for a function of 512 MB, besides the region, the credentials and `AWS_LAMBDA_RUNTIME_API`.
pub const VARIABLES: [(&str, &str); 14] = [
    ("_HANDLER", "bootstrap"),
    ("AWS_LAMBDA_FUNCTION_NAME", "load"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
    ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
    ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
    ("AWS_LAMBDA_LOG_LEVEL", "INFO"),
    ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/load"),
    ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/01/[$LATEST]00000000000000000000000000000001"),
    ("AWS_SESSION_TOKEN", "local"),
    ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
    ("LAMBDA_TASK_ROOT", "/var/task"),
    ("LANG", "en_US.UTF-8"),
    ("TZ", ":UTC"),
];

/// A call of the function.
#[derive(Debug)]
pub enum Call {
    /// It is ready for an event since `at`, and waits for one.
    Next {
        /// When the call arrived.
        at: Instant,
        /// Where the event goes.
        event: oneshot::Sender<Event>,
    },
    /// Its answer to the event with this id.
    Answer {
        /// The id of the event.
        id: String,
        /// The answer.
        body: Bytes,
    },
    /// It reports a failure, of its start or of an event.
    Failure {
        /// The path of the call.
        path: String,
        /// The function's description of the failure.
        body: Bytes,
    },
}

/// Without the answer, which may contain a secret or a token.
impl Display for Call {
    fn fmt(&self, f: &mut Formatter<'_>) -> Formatted {
        match self {
            Self::Next { .. } => f.write_str("a request for the next event"),
            Self::Answer { id, .. } => write!(f, "an answer to {id}"),
            Self::Failure { path, body } => write!(f, "{path}: {}", String::from_utf8_lossy(body)),
        }
    }
}

/// An event for the function.
#[derive(Clone, Debug)]
pub struct Event {
    /// Unique for the life of the function.
    pub id: String,
    /// The event, as JSON.
    pub body: Bytes,
}

/// Starts the server on a free port of the loopback address.
///
/// # Errors
/// Any error of the network.
pub async fn start() -> std::io::Result<(SocketAddr, mpsc::Receiver<Call>)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    // A function makes at most as many calls at once as it serves events at once, so this never fills.
    let (calls, received) = mpsc::channel(1024);
    let routes = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(answer))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(failure))
        .route("/2018-06-01/runtime/init/error", post(failure))
        .with_state(calls);
    let listener = listener.tap_io(|stream| {
        // Without it a failure is only slower.
        let _ = stream.set_nodelay(true);
    });
    tokio::spawn(async { axum::serve(listener, routes).await });
    Ok((address, received))
}

async fn next(State(calls): State<mpsc::Sender<Call>>) -> Response {
    let (event, waiting) = oneshot::channel();
    let is_sent = calls.send(Call::Next { at: Instant::now(), event }).await.is_ok();
    match waiting.await {
        Ok(Event { id, body }) if is_sent => (head(&id), body).into_response(),
        // The stand is ending.
        _ => StatusCode::GONE.into_response(),
    }
}

/// The headers of an event: what the runtime passes to the function as its context.
fn head(id: &str) -> HeaderMap {
    let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + DEADLINE;
    let values = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", id.to_owned()),
        ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:load".to_owned()),
        (
            "lambda-runtime-trace-id",
            "Root=1-69b3a1c0-00000000000000000000000c;Parent=0000000000000001;Sampled=0".to_owned(),
        ),
    ];
    let named = values.into_iter().filter_map(|(name, value)| {
        Some((axum::http::HeaderName::from_static(name), HeaderValue::try_from(value).ok()?))
    });
    named.collect()
}

async fn answer(State(calls): State<mpsc::Sender<Call>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    report(&calls, Call::Answer { id, body }).await
}

async fn failure(State(calls): State<mpsc::Sender<Call>>, uri: Uri, body: Bytes) -> StatusCode {
    report(&calls, Call::Failure { path: uri.path().to_owned(), body }).await
}

async fn report(calls: &mpsc::Sender<Call>, call: Call) -> StatusCode {
    // It fails only when the stand is ending.
    let _ = calls.send(call).await;
    StatusCode::ACCEPTED
}
