//! `private_key_jwt` and `self_signed_tls_client_auth` with keys at a `jwks_uri`. The server is one on the
//! developer's own machine, so that it may open a loopback address; what a deployed one opens is tested where
//! the guard is.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tokenmint_tests::{Log, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::client_key::{ClientKey, ask, claims, register};

/// A client's web server: what it answers, and how often it was asked.
#[derive(Clone, Default)]
struct Site {
    answer: Arc<Mutex<Vec<u8>>>,
    asked: Arc<AtomicUsize>,
    url: String,
}

impl Site {
    async fn start(answer: impl Into<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/jwks.json", listener.local_addr().expect("an address"));
        let site = Self { answer: Arc::new(Mutex::new(answer.into())), url, ..Self::default() };
        let served = site.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                served.asked.fetch_add(1, Ordering::SeqCst);
                let answer = served.answer.lock().expect("no panic").clone();
                let _ = stream.read(&mut [0; 4096]).await;
                // Nothing to say is silence.
                if answer.is_empty() {
                    tokio::spawn(async move { stream.read(&mut [0; 1]).await });
                } else {
                    let _ = stream.write_all(&answer).await;
                }
            }
        });
        site
    }

    fn answer(&self, answer: impl Into<Vec<u8>>) {
        *self.answer.lock().expect("no panic") = answer.into();
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn ok(document: &Value) -> String {
    let document = document.to_string();
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{document}", document.len())
}

async fn world(issuer: &str) -> World {
    let mut world = World::new().await;
    world.set("ISSUER", issuer).await;
    world
}

async fn client(world: &World, url: &str) -> String {
    register(world, &json!({"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": url})).await
}

const LOCAL: &str = "http://localhost:9000";

/// A6: the keys are fetched once, kept, and fetched again for a key that is new, but not at every request.
#[tokio::test]
async fn a6_jwks_uri() {
    let world = world(LOCAL).await;
    let (first, mut second) = (ClientKey::new(Algorithm::ES256), ClientKey::new(Algorithm::ES256));
    second.jwk["kid"] = "2".into();
    let site = Site::start(ok(&first.jwks())).await;
    let client = client(&world, &site.url).await;
    assert_eq!(site.asked(), 0, "R7: not at registration");
    for jti in ["1", "2", "3"] {
        assert_eq!(ask(&world, &first.sign(&claims(&world, &client, jti))).await.status, 200);
    }
    assert_eq!(site.asked(), 1);
    // A new key within the first minute is not looked for, and then once a minute.
    site.answer(ok(&second.jwks()));
    ask(&world, &second.sign(&claims(&world, &client, "4"))).await.expect_error(401, "invalid_client");
    assert_eq!(site.asked(), 1);
    world.pass(60);
    assert_eq!(ask(&world, &second.sign(&claims(&world, &client, "5"))).await.status, 200);
    assert_eq!(site.asked(), 2);
    for jti in ["6", "7"] {
        ask(&world, &first.sign(&claims(&world, &client, jti))).await.expect_error(401, "invalid_client");
    }
    assert_eq!(site.asked(), 2);
    // A key that was taken back is gone when the cache ends.
    site.answer(ok(&first.jwks()));
    world.pass(299);
    assert_eq!(ask(&world, &second.sign(&claims(&world, &client, "8"))).await.status, 200);
    world.pass(1);
    ask(&world, &second.sign(&claims(&world, &client, "9"))).await.expect_error(401, "invalid_client");
}

/// A6, A4: whatever the URL answers, the client is told the same, and the log why.
#[tokio::test]
async fn a6_a4_hostile_jwks_uri() {
    let world = world(LOCAL).await;
    let key = ClientKey::new(Algorithm::ES256);
    let target = Site::start(ok(&key.jwks())).await;
    let mut private = key.jwks();
    private["keys"][0]["d"] = "AAAA".into();
    let log = Log::capture();
    for (answer, cause) in [
        (
            format!("HTTP/1.1 302 Found\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", target.url),
            "jwks_uri answers with status 302",
        ),
        (format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(10 << 20)), "jwks_uri answers with more than 65536 bytes"),
        (String::new(), "jwks_uri does not answer in 2 s"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n<p>".to_owned(), "jwks_uri does not answer with JSON"),
        (ok(&json!({"keys": {}})), "jwks_uri answers with a document that is not a JWK Set"),
        (ok(&private), "jwks_uri answers with a document that holds a key that is not public"),
        (ok(&ClientKey::new(Algorithm::ES256).jwks()), "wrong signature"),
    ] {
        let site = Site::start(answer).await;
        let client = client(&world, &site.url).await;
        ask(&world, &key.sign(&claims(&world, &client, "1"))).await.expect_error(401, "invalid_client");
        let line = log.requests().pop().expect("a line");
        assert!(line["cause"].as_str().is_some_and(|logged| logged.ends_with(cause)), "{line}: {cause}");
        assert_eq!(site.asked(), 1, "both looks at the client fetched once: {cause}");
        assert!(line["duration_ms"].as_f64().is_some_and(|duration| duration < 4000.0), "{line}");
    }
    assert_eq!(target.asked(), 0, "nobody followed the redirect");
}

/// A6: a deployed server opens no address that is not public, however it is written.
#[tokio::test]
async fn a6_jwks_uri_that_is_not_public() {
    let world = world("https://as.example").await;
    let key = ClientKey::new(Algorithm::ES256);
    let site = Site::start(ok(&key.jwks())).await;
    let port = site.url.split(':').nth(2).expect("a port").to_owned();
    let log = Log::capture();
    for host in
        ["127.0.0.1", "0x7f.1", "2130706433", "[::1]", "[::ffff:7f00:1]", "localhost", "169.254.169.254", "10.0.0.1"]
    {
        let client = client(&world, &format!("https://{host}:{port}")).await;
        ask(&world, &key.sign(&claims(&world, &client, "1"))).await.expect_error(401, "invalid_client");
        let cause = log.requests().pop().expect("a line")["cause"].clone();
        assert_eq!(cause, "the client's keys: jwks_uri has an address that is not public", "{host}");
    }
    assert_eq!(site.asked(), 0);
}

/// O2: a client that changed its `jwks_uri` a moment ago, and one whose URL cannot be had, are no fault of ours.
#[tokio::test]
async fn a6_unreachable_jwks_uri() {
    let world = world(LOCAL).await;
    let key = ClientKey::new(Algorithm::ES256);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    drop(listener);
    let client = client(&world, &url).await;
    let assertion = key.sign(&claims(&world, &client, "1"));
    ask(&world, &assertion).await.expect_error(401, "invalid_client");
    let listener = TcpListener::bind(url.trim_start_matches("http://").trim_end_matches('/')).await.expect("the port");
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(ok(&key.jwks()).as_bytes()).await;
    });
    ask(&world, &assertion).await.expect_error(401, "invalid_client");
    world.pass(10);
    assert_eq!(ask(&world, &assertion).await.status, 200, "a failure is soon forgotten, and used nothing up");
}
