//! A request that panics, in a separate process because the panic hook applies to the whole process.

use axum::extract::Request;
use axum::routing::get;
use serde_json::{Value, json};
use tokenmint_aws::config::Metrics;
use tokenmint_function::{Routes, log_panics, shell};
use tokenmint_oauth::cors::Origins;
use tokenmint_tests::{Answer, Log, events, send};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SECRET: &str = "EventFileExampleSecret0123456789";

const ORIGIN: &str = "https://app.example";

/// Endpoints with a bug that client input triggers, immediately and after an await.
fn routes() -> Routes {
    fn blunder(request: &Request) -> String {
        let secret = request.headers()["x-secret"].to_str().expect("ASCII");
        panic!("cannot handle {secret}")
    }
    let early = async |request: Request| blunder(&request);
    let late = async |request: Request| {
        tokio::task::yield_now().await;
        blunder(&request)
    };
    let routes = Routes::new(Origins::parse(ORIGIN).expect("an origin"), Metrics::Off);
    routes.route("/early", get(early)).route("/late", get(late)).route("/good", get(async || "good"))
}

/// The responses to the requests, while panics are logged as in production.
async fn answers() -> (Vec<Answer>, String) {
    let app = shell(routes());
    let mut answers = Vec::new();
    for path in ["/early", "/late", "/good"] {
        let event = events::with_header(events::get(path), "x-secret", SECRET);
        answers.push(send(&app, &events::with_header(event, "origin", ORIGIN)).await);
    }
    // Over HTTP, as in `tokenmint serve`: two requests on one connection, the first of which panics.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(axum::serve(listener, app).into_future());
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let requests = format!(
        "GET /late HTTP/1.1\r\nHost: x\r\nX-Secret: {SECRET}\r\n\r\nGET /good HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(requests.as_bytes()).await.expect("sent whole");
    let mut over_http = String::new();
    stream.read_to_string(&mut over_http).await.expect("a complete answer");
    (answers, over_http)
}

/// T7, O3: a request that panics is answered with 500 and logged once, with its request id and source location,
/// without the panic's message. Later requests are served.
#[tokio::test]
async fn t7_o3_a_panic_is_a_server_error() {
    let log = Log::capture();
    log_panics();
    let (answers, over_http) = answers().await;
    // Outside a request.
    tokio::spawn(async { panic!("cannot handle {SECRET}") }).await.expect_err("a panic");
    // From here on, a panic fails the test again.
    drop(std::panic::take_hook());

    for answer in &answers[..2] {
        answer.expect_error(500, "server_error");
        assert_eq!(
            answer.json()["error_description"],
            "the server failed to process the request; report this to its operator"
        );
    }
    assert_eq!(answers[2].status, 200);
    // A page can read the error.
    assert!(answers.iter().all(|answer| answer.header("access-control-allow-origin") == Some(ORIGIN)), "{answers:?}");
    assert!(over_http.starts_with("HTTP/1.1 500 "), "{over_http}");
    assert!(over_http.contains(r#"{"error":"server_error","#) && over_http.ends_with("good"), "{over_http}");

    let event_id = events::get("/")["requestContext"]["requestId"].clone();
    let requests = log.requests();
    assert_eq!(requests.len(), 5, "{}", log.text());
    for (at, line) in requests.iter().enumerate() {
        let panicked = [0, 1, 3].contains(&at);
        let expected = if panicked { ("ERROR", "server_error") } else { ("INFO", "ok") };
        assert_eq!((line["level"].as_str(), line["outcome"].as_str()), (Some(expected.0), Some(expected.1)), "{line}");
        let cause = line["cause"].as_str().unwrap_or_default();
        assert_eq!(cause.starts_with("panicked at tests/panics.rs:"), panicked, "{line}");
        assert_eq!(line["request.id"] == event_id, at < 3, "{line}");
    }
    let lines: Vec<Value> = log.text().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let others: Vec<_> = lines.iter().filter(|line| line["message"] != "request").collect();
    let [other] = &others[..] else { panic!("{others:?}") };
    assert_eq!((&other["level"], &other["message"]), (&json!("ERROR"), &json!("panic")));
    assert!(other["cause"].as_str().is_some_and(|cause| cause.starts_with("panicked at tests/panics.rs:")), "{other}");
    assert!(!log.text().contains(SECRET) && !over_http.contains(SECRET), "{}", log.text());
}
