//! Documents and identifiers that prove nothing, and requests that want to cause many fetches.

use super::*;

/// C2: what is nearly the identifier is another client, or none; nothing is fetched for it.
#[tokio::test]
async fn c2_identifiers_that_are_none() {
    let agent = Agent::new().await;
    let host = host(&agent.site.url);
    for id in [
        format!("http://{host}"),
        format!("HTTP://{host}/jwks.json"),
        format!("http://user@{host}/jwks.json"),
        format!("http://{host}@evil.example/jwks.json"),
        format!("http://{host}/jwks.json?a"),
        format!("http://{host}/jwks.json#a"),
        format!("http://{host}/./jwks.json"),
        format!("http://{host}/a/../jwks.json"),
        format!("http://{host}/%2e%2e/jwks.json"),
        format!("http://{host}\\jwks.json"),
        agent.site.url.replace("127.0.0.1", "localhost"),
        agent.site.url.replace("127.0.0.1", "2130706433"),
        agent.site.url.replace("127.0.0.1:", "127.0.0.1:0"),
        format!("http://{host}/{}", "a".repeat(255)),
        "https://evil.example/jwks.json".to_owned(),
    ] {
        let answer = ask(&agent.world, &agent.key.sign(&claims(&agent.world, &id, "1"))).await;
        answer.expect_error(401, "invalid_client");
    }
    assert_eq!(agent.site.asked(), 0);
    // Plain http is for a server on the developer's machine.
    let mut deployed = agent;
    deployed.world.set("ISSUER", "https://as.example").await;
    deployed.ask("1").await.expect_error(401, "invalid_client");
    assert_eq!(deployed.site.asked(), 0);
}

/// C3, C5: whatever the URL returns, the client gets the same error, and the log has the cause.
#[tokio::test]
async fn c3_c5_hostile_documents() {
    let agent = Agent::new().await;
    let target = Site::start(ok(&agent.document())).await;
    let mut private = agent.key.jwks();
    private["keys"][0]["d"] = "AAAA".into();
    let other_key = ClientKey::new(Algorithm::ES256);
    let log = Log::capture();
    let path = |n: usize| agent.site.url.replace("jwks", &n.to_string());
    let set = |n: usize, name: &str, value: Value| {
        let mut document = agent.with("client_id", json!(path(n)));
        document[name] = value;
        ok(&document)
    };
    let redirect = format!("HTTP/1.1 302 Found\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", target.url);
    for (n, (answer, cause)) in [
        (redirect, "returned status 302"),
        ("HTTP/1.1 206 x\r\ncontent-length: 0\r\n\r\n".to_owned(), "returned status 206"),
        (format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(10 << 20)), "returned more than 65536 bytes"),
        (String::new(), "did not respond within 2 s"),
        (ok(&json!("<p>")), "the body is not a JSON object: it is of another type, too deep, or has too many members"),
        (set(5, "client_id", json!(agent.site.url)), "has a client_id that is not its URL"),
        (set(6, "client_id", json!(null)), "has a client_id that is not its URL"),
        (set(7, "client_name", json!("x".repeat(17_000))), "is larger than 16384 bytes"),
        (set(8, "client_secret", json!("s3cr3t")), "has client_secret, which a document must not have"),
        (set(9, "client_secret_expires_at", json!(0)), "has client_secret_expires_at, which a document must not have"),
        (set(10, "token_endpoint_auth_method", json!("client_secret_basic")), "that is not private_key_jwt"),
        (set(11, "token_endpoint_auth_method", json!("none")), "that is not private_key_jwt"),
        (set(12, "token_endpoint_auth_method", json!(null)), "that is not private_key_jwt"),
        (set(13, "jwks", json!(null)), "needs the client's keys, in jwks or at jwks_uri"),
        (set(14, "jwks", private), "jwks holds a key that is not public"),
        (set(15, "jwks", other_key.jwks()), "wrong signature"),
        (set(16, "token_policy", json!({"claims": {"tenant": "a"}})), "token_policy may be set only by an operator"),
        (
            set(17, "federated_credentials", json!([{"issuer": "https://a.example", "sub": "a"}])),
            "federated_credentials may be set only by an operator",
        ),
        (
            set(18, "token_endpoint_auth_signing_alg", json!("ES384")),
            "jwks holds no key for token_endpoint_auth_signing_alg",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        agent.site.answer(answer);
        let asked = agent.site.asked();
        let answer = ask(&agent.world, &agent.key.sign(&claims(&agent.world, &path(n), "1"))).await;
        answer.expect_error(401, "invalid_client");
        let line = log.requests().pop().expect("a line");
        assert!(line["cause"].as_str().is_some_and(|logged| logged.contains(cause)), "{line}: {cause}");
        assert_eq!(line["client.id"], path(n));
        assert_eq!(agent.site.asked(), asked + 1, "{cause}");
    }
    assert!(!log.text().contains("s3cr3t"));
    assert_eq!(target.asked(), 0, "the redirect was not followed");
}

/// C4: nothing is fetched for credentials that no key could make valid.
#[tokio::test]
async fn c4_a6_no_fetch_for_nothing() {
    let agent = Agent::new().await;
    let id = &agent.site.url;
    for (name, bad) in [
        ("iss", json!("other")),
        ("iss", json!(null)),
        ("aud", json!("https://other.example")),
        ("exp", json!(agent.world.now() - 61)),
        ("exp", json!(agent.world.now() + 10_000)),
        ("exp", json!(null)),
        ("nbf", json!(agent.world.now() + 61)),
        ("jti", json!("")),
    ] {
        let mut claims = claims(&agent.world, id, "1");
        claims[name] = bad;
        ask(&agent.world, &agent.key.sign(&claims)).await.expect_error(401, "invalid_client");
    }
    let hs256 = agent.key.sign_with(&json!({"alg": "HS256"}), &claims(&agent.world, id, "1"));
    ask(&agent.world, &hs256).await.expect_error(401, "invalid_client");
    for form in [
        format!("grant_type=client_credentials&client_id={id}&client_secret=x"),
        format!("grant_type=client_credentials&client_id={id}"),
    ] {
        agent.world.token(&events::token(&form)).await.expect_error(401, "invalid_client");
    }
    let basic = events::basic(&id.replace(':', "%3A"), "x");
    let event = events::with_header(events::token("grant_type=client_credentials"), "authorization", basic);
    agent.world.token(&event).await.expect_error(401, "invalid_client");
    assert_eq!(agent.site.asked(), 0);
    agent.token("1").await;
}

/// C4, C5: anyone can make up URLs, so new ones are fetched at a limited rate. Known clients notice nothing.
#[tokio::test]
async fn c4_c5_made_up_urls() {
    let agent = Agent::new().await;
    agent.token("1").await;
    let log = Log::capture();
    let made_up = async |n: usize| {
        let id = agent.site.url.replace("jwks", &n.to_string());
        ask(&agent.world, &agent.key.sign(&claims(&agent.world, &id, "1"))).await
    };
    for n in 1..64 {
        made_up(n).await.expect_error(401, "invalid_client");
    }
    assert_eq!(agent.site.asked(), 64);
    for n in 64..100 {
        assert_eq!(made_up(n).await.status, 503);
    }
    let line = log.requests().pop().expect("a line");
    let cause = "the client's metadata document was not fetched: too many other URLs were fetched recently";
    assert_eq!(line["cause"], cause);
    assert_eq!(agent.site.asked(), 64);
    agent.token("2").await;
    agent.world.pass(1);
    made_up(100).await.expect_error(401, "invalid_client");
    assert_eq!(agent.site.asked(), 65);
}

/// C6: a document gives nobody a registration to manage.
#[tokio::test]
async fn c6_m6_no_registration() {
    let agent = Agent::new().await;
    let token = agent.token("1").await;
    let id = agent.site.url.replace('/', "%2F");
    for method in ["GET", "PUT", "DELETE"] {
        let body = (method == "PUT").then(|| agent.document());
        let event = events::configure(method, &id, Some(&format!("Bearer {token}")), body.as_ref());
        agent.world.register(&event).await.expect_error(401, "invalid_token");
    }
}
