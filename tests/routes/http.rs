//! The same routes over real HTTP, as `tokenmint serve` runs them.

use serde_json::{Value, json};
use tokenmint_tests::{World, events};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Serves a world on a separate port.
async fn serve(world: &World) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    tokio::spawn(axum::serve(listener, world.router()).into_future());
    address
}

/// Sends raw bytes; returns the status, head and body.
async fn send(address: &str, request: &[u8]) -> (u16, String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(request).await.expect("sent whole");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("a complete answer");
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8(answer[..end].to_vec()).expect("ASCII").to_ascii_lowercase();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, head, answer[end + 4..].to_vec())
}

fn request(line: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

/// R12, T5: a registration, then a token, over one port.
#[tokio::test]
async fn t5_the_exchange_over_http() {
    let world = World::new().await;
    let address = serve(&world).await;
    let json = "Content-Type: application/json\r\n";
    let (status, _, body) = send(&address, &request("POST /register", json, br#"{"client_name":"x"}"#)).await;
    assert_eq!(status, 201);
    let client: Value = serde_json::from_slice(&body).expect("JSON");
    let text = |member: &str| client[member].as_str().expect("text");
    let basic = events::basic(text("client_id"), text("client_secret"));
    let headers = format!("{FORM}Authorization: {basic}\r\n");
    let (status, head, body) =
        send(&address, &request("POST /token", &headers, b"grant_type=client_credentials")).await;
    assert_eq!(status, 200, "{head}");
    let token: Value = serde_json::from_slice(&body).expect("JSON");
    world.verify(token["access_token"].as_str().expect("text")).await;

    // A2: two headers, as allowed by HTTP and joined by API Gateway.
    let twice = format!("{headers}Authorization: {basic}\r\n");
    expect(&address, &request("POST /token", &twice, b"grant_type=client_credentials"), 400, "invalid_request").await;
}

/// D2, O5, D1: preflights, entity tags and the page for browsers over HTTP. Neither 204 nor 304 has a body or a length.
#[tokio::test]
async fn d1_d2_o5_browsers_over_http() {
    let mut world = World::new().await;
    world.set("CORS_ORIGINS", "https://app.example").await;
    world.set("AUTHORIZATION_ENDPOINT", "compat").await;
    let address = serve(&world).await;
    let asked = "Origin: https://app.example\r\nAccess-Control-Request-Method: DELETE\r\n";
    let (status, head, body) = send(&address, &request("OPTIONS /register/x", asked, b"")).await;
    assert_eq!((status, body.len()), (204, 0), "{head}");
    assert!(head.contains("access-control-allow-origin: https://app.example\r\n"), "{head}");
    assert!(head.contains("access-control-allow-methods: get,head,put,delete\r\n"), "{head}");
    assert!(!head.contains("content-length") && !head.contains("cache-control: no-store"), "{head}");

    let (status, head, _) = send(&address, &request("GET /.well-known/jwks.json", "", b"")).await;
    let tag = head.split("\r\n").find(|line| line.starts_with("etag: "));
    assert_eq!((status, tag.is_some()), (200, true), "{head}");
    // The head was put into lower case, and the tag is not.
    let answer = world.token(&events::load("token-jwks")).await;
    let known = format!("If-None-Match: {}\r\n", answer.header("etag").expect("a tag"));
    let (status, head, body) = send(&address, &request("GET /.well-known/jwks.json", &known, b"")).await;
    assert_eq!((status, body.len()), (304, 0), "{head}");
    assert!(head.contains("access-control-allow-origin: *\r\n") && !head.contains("content-type"), "{head}");

    // A body that no one reads does not keep the sender from the response.
    for body in [&b""[..], &vec![b'a'; 1 << 20]] {
        let (status, head, page) = send(&address, &request("POST /authorize?state=s", FORM, body)).await;
        assert_eq!(status, 400);
        assert!(
            head.contains("content-security-policy: default-src 'none'") && page.starts_with(b"<!DOCTYPE"),
            "{head}"
        );
    }
}

async fn expect(address: &str, request: &[u8], status: u16, code: &str) {
    let (actual, head, body) = send(address, request).await;
    let body: Value = serde_json::from_slice(&body).unwrap_or(json!(head));
    assert_eq!((actual, &body["error"]), (status, &json!(code)), "{head}");
    assert!(head.contains("cache-control: no-store"), "{head}");
}

/// T1, T6, R1: hostile requests get a response, also if they are larger than the part that is read.
#[tokio::test]
async fn t6_hostile_requests_over_http() {
    let world = World::new().await;
    let address = serve(&world).await;
    let megabyte = vec![b'a'; 1 << 20];
    expect(&address, &request("POST /token", FORM, &megabyte), 400, "invalid_request").await;
    let json = "Content-Type: application/json\r\n";
    expect(&address, &request("POST /register", json, &megabyte), 400, "invalid_client_metadata").await;
    expect(&address, &request("POST /token", FORM, b"\xff\xfe=\xff"), 400, "invalid_request").await;
    expect(&address, &request("POST /token", "", b"grant_type=client_credentials"), 400, "invalid_request").await;
    expect(&address, &request("POST /token", json, b"{}"), 400, "invalid_request").await;
    expect(&address, &request("GET /token", "", b""), 405, "invalid_request").await;
    expect(&address, &request("POST /", "", b""), 404, "invalid_request").await;
    expect(&address, &request("POST /token", FORM, b"grant_type=client_credentials"), 401, "invalid_client").await;
}
