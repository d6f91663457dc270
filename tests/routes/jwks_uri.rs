//! `private_key_jwt` and `self_signed_tls_client_auth` with keys at a `jwks_uri`. The server runs on a developer's
//! machine, so it may open loopback addresses. The tests of the fetch crate cover a deployed server.

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tokenmint_aws::clients::Author;
use tokenmint_oauth::client::ClientId;
use tokenmint_tests::{Log, World, events};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::client_key::{ClientKey, ask, claims, parameters, register};
use crate::site::{Site, ok};

async fn world(issuer: &str) -> World {
    let mut world = World::new().await;
    world.set("ISSUER", issuer).await;
    world
}

async fn client(world: &World, url: &str) -> String {
    register(world, &json!({"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": url})).await
}

const LOCAL: &str = "http://localhost:9000";

/// A6: the keys are fetched once and cached. A new key causes another fetch, but not on every request.
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
    // A new key is not fetched within the first minute, and then once a minute.
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
    // A withdrawn key becomes invalid when the cache expires.
    site.answer(ok(&first.jwks()));
    world.pass(299);
    assert_eq!(ask(&world, &second.sign(&claims(&world, &client, "8"))).await.status, 200);
    world.pass(1);
    ask(&world, &second.sign(&claims(&world, &client, "9"))).await.expect_error(401, "invalid_client");
}

/// A6, A4: whatever the URL returns, the client gets the same error, and the log has the cause.
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
            "jwks_uri returned status 302",
        ),
        (format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(10 << 20)), "jwks_uri returned more than 65536 bytes"),
        (String::new(), "jwks_uri did not respond within 2 s"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n<p>".to_owned(), "jwks_uri did not return JSON"),
        (ok(&json!({"keys": {}})), "jwks_uri returned a document that is not a JWK Set"),
        (ok(&private), "jwks_uri returned a document that holds a key that is not public"),
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
    assert_eq!(target.asked(), 0, "the redirect was not followed");
}

/// A6: a deployed server opens only public addresses, in any notation.
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

/// O2: neither a recent change of `jwks_uri` nor an unreachable URL is a server error.
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

/// The claims with one of them changed, or removed if `null`.
fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
    claims
}

/// A6: an assertion that no key could make valid causes no request to the client's host.
#[tokio::test]
async fn a6_no_fetch_for_an_assertion_that_cannot_be_valid() {
    let world = world(LOCAL).await;
    let (key, rsa) = (ClientKey::new(Algorithm::ES256), ClientKey::new(Algorithm::RS256));
    let site = Site::start(ok(&key.jwks())).await;
    let metadata = json!({
        "token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "ES256",
        "jwks_uri": site.url,
    });
    let client = register(&world, &metadata).await;
    let (good, now) = (claims(&world, &client, "1"), world.now());
    let reference = world.token(&events::load("token-wrong-secret")).await;
    let mut hostile = vec![("the registered algorithm", rsa.sign(&good))];
    for (name, value) in [
        ("iss", json!("11111111-1111-4111-8111-111111111111")),
        ("iss", json!(null)),
        ("aud", json!("https://other.example")),
        ("aud", json!([LOCAL, "https://other.example"])),
        ("aud", json!(null)),
        ("exp", json!(now - 60)),
        ("exp", json!(now + 1_000_000)),
        ("exp", json!("soon")),
        ("exp", json!(null)),
        ("nbf", json!(now + 61)),
        ("iat", json!(now + 61)),
        ("iat", json!("now")),
        ("jti", json!(null)),
        ("jti", json!("")),
    ] {
        hostile.push((name, key.sign(&with(good.clone(), name, value))));
    }
    for (what, assertion) in &hostile {
        let answer = ask(&world, assertion).await;
        assert_eq!((answer.status.as_u16(), &answer.body), (401, &reference.body), "{what}");
        assert_eq!(site.asked(), 0, "{what}");
    }
    assert_eq!(ask(&world, &key.sign(&good)).await.status, 200);
    assert_eq!(site.asked(), 1);
}

/// A6, A5: no keys are fetched for an unknown or disabled client.
#[tokio::test]
async fn a6_a5_no_fetch_for_a_client_that_is_gone_or_disabled() {
    let mut world = world(LOCAL).await;
    world.set("UNUSED_CLIENT_TTL", "1000").await;
    let key = ClientKey::new(Algorithm::ES256);
    let site = Site::start(ok(&key.jwks())).await;
    let metadata = json!({"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": site.url});
    let deleted = world.register(&events::register(&metadata)).await.json();
    let text = |name: &str| deleted[name].as_str().expect("text").to_owned();
    let authorization = format!("Bearer {}", text("registration_access_token"));
    let delete = events::configure("DELETE", &text("client_id"), Some(&authorization), None);
    assert_eq!(world.register(&delete).await.status, 204);
    let (disabled, unused) = (client(&world, &site.url).await, client(&world, &site.url).await);
    let id = ClientId::parse(&disabled).expect("an identifier");
    world.clients().set_disabled(&id, true, &Author::operator("test")).await.expect("an update");
    world.pass(1000);
    for client in [&text("client_id"), &disabled, &unused, "11111111-1111-4111-8111-111111111111"] {
        ask(&world, &key.sign(&claims(&world, client, "1"))).await.expect_error(401, "invalid_client");
    }
    assert_eq!(site.asked(), 0);
    world.clients().set_disabled(&id, false, &Author::operator("test")).await.expect("an update");
    world.set("UNUSED_CLIENT_TTL", "0").await;
    let present = client(&world, &site.url).await;
    assert_eq!(ask(&world, &key.sign(&claims(&world, &present, "1"))).await.status, 200);
    assert_eq!(site.asked(), 1);
}

/// A6: whatever the input, one instance fetches a URL once a minute, and every ten seconds while it fails.
#[tokio::test]
async fn a6_a_stranger_cannot_make_it_fetch_more_often() {
    let world = world(LOCAL).await;
    let (key, mut stranger) = (ClientKey::new(Algorithm::ES256), ClientKey::new(Algorithm::ES256));
    let (up, down) =
        (Site::start(ok(&key.jwks())).await, Site::start("HTTP/1.1 500 x\r\ncontent-length: 0\r\n\r\n").await);
    // Two clients with the same URL share one entry.
    let clients = [client(&world, &up.url).await, client(&world, &up.url).await, client(&world, &down.url).await];
    let mut flood = async || {
        for (client, kid) in clients.iter().cycle().zip(0..30) {
            stranger.jwk["kid"] = kid.to_string().into();
            ask(&world, &stranger.sign(&claims(&world, client, "1"))).await.expect_error(401, "invalid_client");
        }
        (up.asked(), down.asked())
    };
    assert_eq!(flood().await, (1, 1));
    world.pass(9);
    assert_eq!(flood().await, (1, 1));
    world.pass(1);
    assert_eq!(flood().await, (1, 2));
    world.pass(49);
    assert_eq!(flood().await, (1, 3));
    world.pass(1);
    assert_eq!(flood().await, (2, 3));
    assert_eq!(ask(&world, &key.sign(&claims(&world, &clients[0], "1"))).await.status, 200);
    assert_eq!(up.asked(), 2);
}

/// A6: an assertion that expires while the keys are fetched is still accepted only once.
#[tokio::test]
async fn a6_replay_while_the_keys_are_fetched() {
    let world = world(LOCAL).await;
    let key = ClientKey::new(Algorithm::ES256);
    let site = Site::start(ok(&key.jwks())).await;
    let client = client(&world, &site.url).await;
    // It expires in a second, after the allowed clock difference of a minute.
    let assertion = key.sign(&with(claims(&world, &client, "1"), "exp", json!(world.now() - 59)));
    let request = events::token(&format!("grant_type=client_credentials{}", parameters(&assertion)));
    let (first, second) = (world.instance().await, world.instance().await);
    site.hold().await;
    let later = async {
        site.next_connection().await;
        site.next_connection().await;
        world.pass(2);
        site.release();
    };
    let (one, two, ()) = tokio::join!(first.token(&request), second.token(&request), later);
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
}

/// A6: while a client's host is down, its keys are used for an hour after they were fetched, and no longer. The host
/// is tried every ten seconds.
#[tokio::test]
async fn a6_jwks_uri_that_is_down() {
    let world = world(LOCAL).await;
    let key = ClientKey::new(Algorithm::ES256);
    let site = Site::start(ok(&key.jwks())).await;
    let client = client(&world, &site.url).await;
    assert_eq!(ask(&world, &key.sign(&claims(&world, &client, "1"))).await.status, 200);
    site.answer("HTTP/1.1 503 x\r\ncontent-length: 0\r\n\r\n");
    let log = Log::capture();
    for (jti, seconds, status, asked) in [
        ("2", 300, 200, 2),
        ("3", 9, 200, 2),
        ("4", 1, 200, 3),
        ("5", 3289, 200, 4),
        ("6", 1, 401, 4),
        ("7", 9, 401, 5),
    ] {
        world.pass(seconds);
        assert_eq!(ask(&world, &key.sign(&claims(&world, &client, jti))).await.status, status, "{jti}");
        assert_eq!(site.asked(), asked, "{jti}");
    }
    let cause = log.requests().pop().expect("a line")["cause"].clone();
    assert_eq!(cause, "the client's keys: jwks_uri returned status 503");
    site.answer(ok(&key.jwks()));
    world.pass(10);
    assert_eq!(ask(&world, &key.sign(&claims(&world, &client, "8"))).await.status, 200);
}
