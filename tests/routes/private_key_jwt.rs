//! `private_key_jwt` at `POST /token`: RFC 7523.

use std::sync::Arc;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};
use tokenmint_aws::clients::Author;
use tokenmint_tests::{Log, World, events};
use tokio::task::JoinSet;

use crate::client_key::{ClientKey, ask, claims, parameters, register, unsigned};

fn metadata(key: &ClientKey) -> Value {
    json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": key.jwks(), "scope": "read"})
}

/// A client whose key is P-256.
async fn world_with_client() -> (World, ClientKey, String) {
    let (world, key) = (World::new().await, ClientKey::new(Algorithm::ES256));
    let client = register(&world, &metadata(&key)).await;
    (world, key, client)
}

/// The claims with some of them changed, or removed if `null`.
fn changed(mut claims: Value, changes: &Value) -> Value {
    let members = claims.as_object_mut().expect("an object");
    members.extend(changes.as_object().expect("an object").clone());
    members.retain(|_, value| !value.is_null());
    claims
}

/// A6: an assertion of every algorithm gets a token, also with `client_id` (RFC 7521 §4.2).
#[tokio::test]
async fn a6_algorithms() {
    let world = World::new().await;
    for algorithm in [
        Algorithm::RS256,
        Algorithm::RS384,
        Algorithm::RS512,
        Algorithm::PS256,
        Algorithm::PS384,
        Algorithm::PS512,
        Algorithm::ES256,
        Algorithm::ES384,
        Algorithm::EdDSA,
    ] {
        let key = ClientKey::new(algorithm);
        let client = register(&world, &metadata(&key)).await;
        let answer = ask(&world, &key.sign(&claims(&world, &client, "1"))).await;
        let body = answer.json();
        assert_eq!(answer.status, 200, "{algorithm:?}: {body}");
        let token = world.verify(body["access_token"].as_str().expect("a token")).await;
        assert_eq!((&token.claims["sub"], &token.claims["scope"]), (&json!(client), &json!("read")));
        let beside = format!("{}&client_id={client}", key.sign(&claims(&world, &client, "2")));
        assert_eq!(ask(&world, &beside).await.status, 200);
    }
}

/// A6: one of several keys, with or without `kid`; `aud` may be an array with one element; other header members are
/// ignored.
#[tokio::test]
async fn a6_good_assertions() {
    let (world, key) = (World::new().await, ClientKey::new(Algorithm::ES256));
    let mut other = ClientKey::new(Algorithm::ES256);
    other.jwk["kid"] = "2".into();
    let jwks = json!({"keys": [other.jwk, key.jwk]});
    let client = register(&world, &json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": jwks})).await;
    let good = claims(&world, &client, "1");
    for assertion in [
        key.sign(&good),
        other.sign(&changed(good.clone(), &json!({"jti": "2"}))),
        key.sign_with(&json!({"alg": "ES256"}), &changed(good.clone(), &json!({"jti": "3"}))),
        key.sign_with(
            &json!({"alg": "ES256", "typ": "client-authentication+jwt", "jku": "https://evil.example/"}),
            &changed(good.clone(), &json!({"jti": "4", "aud": ["https://as.example"]})),
        ),
    ] {
        assert_eq!(ask(&world, &assertion).await.status, 200);
    }
    // The key of one under the `kid` of the other.
    let assertion = key.sign_with(&json!({"alg": "ES256", "kid": "2"}), &changed(good, &json!({"jti": "5"})));
    ask(&world, &assertion).await.expect_error(401, "invalid_client");
}

/// A6, A4: every invalid assertion gets the same response, byte for byte. The log has the cause, and nothing of the
/// assertion.
#[tokio::test]
async fn a6_a4_hostile_assertions() {
    let (world, key, client) = world_with_client().await;
    let (stranger, rsa) = (ClientKey::new(Algorithm::ES256), ClientKey::new(Algorithm::RS256));
    let other_client = register(&world, &metadata(&stranger)).await;
    let with_secret = world.client(json!({})).await;
    let good = claims(&world, &client, "never-used");
    let es256 = |more: Value| changed(json!({"alg": "ES256", "kid": "1"}), &more);
    let header = |more: Value| key.sign_with(&es256(more), &good);
    let with = |changes: Value| key.sign(&changed(good.clone(), &changes));
    let hs256 = |secret: &[u8]| {
        let message = unsigned(&json!({"alg": "HS256", "kid": "1"}), &good);
        let key = EncodingKey::from_secret(secret);
        format!("{message}.{}", crypto::sign(message.as_bytes(), &key, Algorithm::HS256).expect("an HMAC"))
    };
    let x = BASE64_URL_SAFE_NO_PAD.decode(key.jwk["x"].as_str().expect("x")).expect("base64url");
    let parts: Vec<_> = key.sign(&good).split('.').map(str::to_owned).collect();
    let foreign_claims = unsigned(&es256(json!({})), &claims(&world, &other_client, "1"));
    let foreign_claims = foreign_claims.split('.').nth(1).expect("claims").to_owned();

    let cases = [
        (format!("{}.", unsigned(&json!({"alg": "none"}), &good)), "algorithm not allowed"),
        (format!("{}.", unsigned(&json!({"alg": "NoNe"}), &good)), "algorithm not allowed"),
        (hs256(key.jwk.to_string().as_bytes()), "algorithm not allowed"),
        (hs256(&x), "algorithm not allowed"),
        (header(json!({"alg": "es256"})), "algorithm not allowed"),
        (header(json!({"alg": null})), "malformed JWT"),
        (header(json!({"alg": ["ES256"]})), "malformed JWT"),
        (header(json!({"crit": ["exp"]})), "critical header not understood"),
        (header(json!({"b64": false, "crit": ["b64"]})), "critical header not understood"),
        (rsa.sign(&good), "no key for this JWT"),
        (header(json!({"alg": "ES384"})), "no key for this JWT"),
        (header(json!({"alg": "RS256"})), "no key for this JWT"),
        (header(json!({"kid": "../../../../etc/passwd"})), "no key for this JWT"),
        (header(json!({"kid": "https://evil.example/key"})), "no key for this JWT"),
        (header(json!({"kid": ""})), "no key for this JWT"),
        (stranger.sign(&good), "wrong signature"),
        (stranger.sign_with(&es256(json!({"jwk": stranger.jwk})), &good), "wrong signature"),
        (format!("{}.{}.", parts[0], parts[1]), "wrong signature"),
        (format!("{}.{}.AAAA", parts[0], parts[1]), "wrong signature"),
        (format!("{}.{foreign_claims}.{}", parts[0], parts[2]), "wrong signature"),
        ("x".to_owned(), "malformed JWT"),
        ("a.b".to_owned(), "malformed JWT"),
        (format!("{}.{}", parts[0], parts[1]), "malformed JWT"),
        (format!("{}.{}.{}.x.y", parts[0], parts[1], parts[2]), "malformed JWT"),
        (with(json!({"iss": null})), "iss and sub are not both the client"),
        (with(json!({"iss": other_client})), "iss and sub are not both the client"),
        (with(json!({"iss": "https://as.example"})), "iss and sub are not both the client"),
        (with(json!({"sub": null})), "sub is missing"),
        (with(json!({"sub": other_client})), "iss and sub are not both the client"),
        (with(json!({"iss": with_secret.id, "sub": with_secret.id})), "not the registered method"),
        (with(json!({"sub": "11111111-1111-4111-8111-111111111111"})), "unknown client"),
        (with(json!({"sub": "a\nb"})), "malformed client identifier"),
        (with(json!({"aud": null})), "aud is not this server alone"),
        (with(json!({"aud": "https://other.example"})), "aud is not this server alone"),
        (with(json!({"aud": "https://as.example/"})), "aud is not this server alone"),
        (with(json!({"aud": "https://as.example/token"})), "aud is not this server alone"),
        (with(json!({"aud": ["https://as.example", "https://other.example"]})), "aud is not this server alone"),
        (with(json!({"exp": null})), "exp is missing or malformed"),
        (with(json!({"exp": "soon"})), "exp is missing or malformed"),
        (with(json!({"exp": world.now() - 60})), "expired"),
        (with(json!({"exp": world.now() + 3661})), "exp is too far ahead"),
        (with(json!({"exp": 1e18})), "exp is too far ahead"),
        (with(json!({"nbf": world.now() + 61})), "not yet good"),
        (with(json!({"iat": world.now() + 61})), "not yet good"),
        (with(json!({"jti": null})), "jti is missing or malformed"),
        (with(json!({"jti": ""})), "jti is missing or malformed"),
        (with(json!({"jti": 7})), "jti is missing or malformed"),
    ];
    let log = Log::capture();
    let reference = world.token(&events::load("token-wrong-secret")).await;
    for (assertion, cause) in &cases {
        let answer = ask(&world, assertion).await;
        answer.expect_error(401, "invalid_client");
        assert_eq!((&answer.body, &answer.headers), (&reference.body, &reference.headers), "{cause}");
        let line = log.requests().pop().expect("a line");
        assert!(line["cause"].as_str().is_some_and(|logged| logged.ends_with(cause)), "{line}: {cause}");
    }
    let text = log.text();
    for secret in [&parts[1][..20], &parts[2][..20], "never-used", "jwt-bearer", "passwd"] {
        assert!(!text.contains(secret), "{secret}");
    }
    // None of them consumed the identifier.
    assert_eq!(ask(&world, &key.sign(&good)).await.status, 200);
}

/// A6: times exactly at the limit of the allowed clock difference.
#[tokio::test]
async fn a6_edges_of_time() {
    let (world, key, client) = world_with_client().await;
    let now = world.now();
    for (jti, changes) in [
        ("1", json!({"exp": now - 59})),
        ("2", json!({"exp": now + 3660})),
        ("3", json!({"nbf": now + 60})),
        ("4", json!({"iat": now + 60})),
        ("5", json!({"iat": null})),
        ("6", json!({"iat": 0, "nbf": 0})),
    ] {
        let claims = changed(claims(&world, &client, jti), &changes);
        assert_eq!(ask(&world, &key.sign(&claims)).await.status, 200, "{changes}");
    }
}

/// A6: an assertion is accepted only once during its lifetime. The same `jti` of another client is a different
/// identifier.
#[tokio::test]
async fn a6_replay() {
    let (world, key, client) = world_with_client().await;
    let log = Log::capture();
    let assertion = key.sign(&claims(&world, &client, "1"));
    assert_eq!(ask(&world, &assertion).await.status, 200);
    for _ in 0..119 {
        let answer = ask(&world, &assertion).await;
        answer.expect_error(401, "invalid_client");
        assert_eq!(log.requests().pop().expect("a line")["cause"], "client assertion: used before");
        world.pass(1);
    }
    world.pass(1);
    ask(&world, &assertion).await.expect_error(401, "invalid_client");
    assert_eq!(log.requests().pop().expect("a line")["cause"], "client assertion: expired");
    let renewed = claims(&world, &client, "1");
    assert_eq!(ask(&world, &key.sign(&renewed)).await.status, 200, "the identifier is free again");
    let other = register(&world, &metadata(&key)).await;
    assert_eq!(ask(&world, &key.sign(&claims(&world, &other, "1"))).await.status, 200, "another client");
}

/// A6: the operator limits how far ahead `exp` may be. A used assertion is stored until it expires.
#[tokio::test]
async fn a6_assertion_max_lifetime() {
    let (mut world, key, client) = world_with_client().await;
    let until =
        |world: &World, jti: &str, exp: u64| key.sign(&changed(claims(world, &client, jti), &json!({"exp": exp})));
    let tokens = world.environment.value("TOKENS_TABLE").expect("set").to_owned();
    for (setting, lifetime) in [("", 3600), ("60", 60), ("86400", 86_400)] {
        world.set("ASSERTION_MAX_LIFETIME", setting).await;
        let (latest, jti) = (world.now() + lifetime + 60, lifetime.to_string());
        let too_long = until(&world, &jti, latest + 1);
        ask(&world, &too_long).await.expect_error(401, "invalid_client");
        let used = until(&world, &jti, latest);
        assert_eq!(ask(&world, &used).await.status, 200, "{lifetime}");

        // The item expires when the assertion is expired even by the slowest client's clock.
        let stored = world.sdk().dynamodb().scan().table_name(&tokens).send().await.expect("a scan");
        let ends = stored.items().iter().filter_map(|item| item["expires_at"].as_n().ok()?.parse::<u64>().ok());
        assert_eq!(ends.max(), Some(latest + 60), "{lifetime}");
        let log = Log::capture();
        for (seconds, cause) in [(0, "used before"), (lifetime + 119, "used before"), (1, "expired")] {
            world.pass(seconds);
            ask(&world, &used).await.expect_error(401, "invalid_client");
            assert_eq!(log.requests().pop().expect("a line")["cause"], format!("client assertion: {cause}"));
        }
    }
}

/// A6: of many concurrent uses exactly one succeeds.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a6_replay_at_the_same_moment() {
    let (world, key, client) = world_with_client().await;
    let world = Arc::new(world);
    for round in 0..5 {
        let assertion = key.sign(&claims(&world, &client, &round.to_string()));
        let mut at_once = JoinSet::new();
        for _ in 0..8 {
            let (world, assertion) = (world.clone(), assertion.clone());
            at_once.spawn(async move { ask(&world, &assertion).await.status.as_u16() });
        }
        let mut statuses = at_once.join_all().await;
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 401, 401, 401, 401, 401, 401, 401]);
    }
}

/// A6: the token endpoint's URL is accepted as the audience only if configured.
#[tokio::test]
async fn a6_audience_token_endpoint() {
    let (mut world, key, client) = world_with_client().await;
    world.set("ASSERTION_AUDIENCE", "token-endpoint").await;
    for (jti, aud) in [
        ("1", json!("https://as.example/token")),
        ("2", json!("https://as.example")),
        ("3", json!(["https://as.example/token", "https://as.example"])),
    ] {
        let claims = changed(claims(&world, &client, jti), &json!({"aud": aud}));
        assert_eq!(ask(&world, &key.sign(&claims)).await.status, 200, "{aud}");
    }
    for aud in ["https://as.example/introspect", "https://mtls.as.example/token"] {
        let claims = changed(claims(&world, &client, "4"), &json!({"aud": aud}));
        ask(&world, &key.sign(&claims)).await.expect_error(401, "invalid_client");
    }
    world.set("MUTUAL_TLS", "https://mtls.as.example").await;
    let claims = changed(claims(&world, &client, "4"), &json!({"aud": "https://mtls.as.example/token"}));
    assert_eq!(ask(&world, &key.sign(&claims)).await.status, 200);
}

/// A2: an assertion with another method, half an assertion, two assertions, and another client's identifier.
#[tokio::test]
async fn a2_assertion_and_another_method() {
    let (world, key, client) = world_with_client().await;
    let assertion = parameters(&key.sign(&claims(&world, &client, "1")));
    let form = format!("grant_type=client_credentials{assertion}");
    let basic = events::with_header(events::token(&form), "authorization", events::basic(&client, "x"));
    world.token(&basic).await.expect_error(400, "invalid_request");
    for bad in [
        format!("{form}&client_secret=x&client_id={client}"),
        format!("{form}&client_id=11111111-1111-4111-8111-111111111111"),
        format!("{form}{assertion}"),
        format!("{form}&client_assertion=x"),
        "grant_type=client_credentials&client_assertion=x".to_owned(),
        format!("grant_type=client_credentials&client_id={client}&client_assertion_type=x"),
    ] {
        world.token(&events::token(&bad)).await.expect_error(400, "invalid_request");
    }
    let query = events::with_query(events::token(&form), "client_assertion=x");
    world.token(&query).await.expect_error(400, "invalid_request");
    let saml = form.replace("jwt-bearer", "saml2-bearer");
    world.token(&events::token(&saml)).await.expect_error(401, "invalid_client");
    assert_eq!(world.token(&events::token(&form)).await.status, 200);
    world.token(&events::load("token-private-key-jwt")).await.expect_error(401, "invalid_client");
}

/// A3: a client with keys cannot use a secret, and a client with a secret cannot use an assertion.
#[tokio::test]
async fn a3_a5_other_ways_in() {
    let (world, key, client) = world_with_client().await;
    for header in [events::basic(&client, ""), events::basic(&client, "x")] {
        let event = events::with_header(events::token("grant_type=client_credentials"), "authorization", header);
        world.token(&event).await.expect_error(401, "invalid_client");
    }
    let form = format!("grant_type=client_credentials&client_id={client}&client_secret=x");
    world.token(&events::token(&form)).await.expect_error(401, "invalid_client");
    let id = tokenmint_oauth::client::ClientId::parse(&client).expect("an identifier");
    world.clients().set_disabled(&id, true, &Author::operator("test")).await.expect("an update");
    // The function knows the client for that long.
    world.pass(30);
    ask(&world, &key.sign(&claims(&world, &client, "1"))).await.expect_error(401, "invalid_client");
}
