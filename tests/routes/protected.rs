//! Protected registration, rate limits, software statements and unused clients: R15 to R18, R20.

use std::collections::HashSet;
use std::sync::Arc;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokenmint_oauth::initial_access_token::InitialAccessToken;
use tokenmint_oauth::scope::Scope;
use tokenmint_oauth::secret::SecretHash;
use tokenmint_tests::{Answer, World, events};
use tokio::task::JoinSet;

const TOKEN: &str = "an-initial-access-token";

async fn protected(uses: u32, scope: &str) -> World {
    let mut world = World::new().await;
    world.set("REGISTRATION", "protected").await;
    let token = InitialAccessToken {
        hash: SecretHash::of(TOKEN),
        name: "test".to_owned(),
        issued_at: world.now(),
        expires_at: world.now() + 3600,
        uses_left: uses,
        scope: Scope::parse(scope).expect("a scope"),
        allows_federation: false,
        token_policy: None,
    };
    world.registrations().insert_token(&token).await.expect("stored");
    world
}

async fn register(world: &World, token: &str, metadata: Value) -> Answer {
    let event = events::with_header(events::register(&metadata), "authorization", format!("Bearer {token}"));
    world.register(&event).await
}

/// R15: no token gets 401 without an error code; an invalid, spent or expired token gets 401 `invalid_token`.
#[tokio::test]
async fn r15_protected() {
    let world = protected(2, "read").await;
    let answer = world.register(&events::register(&json!({}))).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (401, json!({})));
    assert_eq!(answer.header("www-authenticate"), Some(r#"Bearer realm="register""#));
    register(&world, "another", json!({})).await.expect_error(401, "invalid_token");
    assert_eq!(register(&world, TOKEN, json!({})).await.status, 201);
    assert_eq!(register(&world, TOKEN, json!({})).await.status, 201);
    register(&world, TOKEN, json!({})).await.expect_error(401, "invalid_token");
    let world = protected(2, "read").await;
    world.pass(3599);
    assert_eq!(register(&world, TOKEN, json!({})).await.status, 201);
    world.pass(1);
    register(&world, TOKEN, json!({})).await.expect_error(401, "invalid_token");
    let metadata = world.token(&events::load("token-metadata")).await.json();
    assert_eq!(metadata["registration_endpoint"], "https://as.example/register");
}

/// R16, R10: the token's scopes apply, also scopes that open registration does not offer.
#[tokio::test]
async fn r16_scopes_of_the_token() {
    let world = protected(9, "admin read").await;
    let scope = |answer: Answer| answer.json()["scope"].clone();
    assert_eq!(scope(register(&world, TOKEN, json!({"scope": "write admin"})).await), "admin");
    assert_eq!(scope(register(&world, TOKEN, json!({})).await), "read");
    register(&world, TOKEN, json!({"scope": "write"})).await.expect_error(400, "invalid_client_metadata");
    // An update cannot exceed the token's scopes.
    let client = register(&world, TOKEN, json!({"scope": "admin"})).await.json();
    let text = |name: &str| client[name].as_str().expect("text").to_owned();
    let body = json!({"client_id": text("client_id"), "scope": "admin write"});
    let token = format!("Bearer {}", text("registration_access_token"));
    let answer = world.register(&events::configure("PUT", &text("client_id"), Some(&token), Some(&body))).await;
    assert_eq!(scope(answer), "admin");
}

/// R16: a refused registration consumes no use.
#[tokio::test]
async fn r16_a_refused_registration_uses_nothing() {
    let world = protected(1, "read").await;
    for bad in [json!({"scope": "write"}), json!({"client_name": 1})] {
        register(&world, TOKEN, bad).await.expect_error(400, "invalid_client_metadata");
    }
    assert_eq!(register(&world, TOKEN, json!({})).await.status, 201);
}

/// R16: fifty concurrent registrations with ten uses create exactly ten clients.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r16_race_for_the_last_use() {
    let world = Arc::new(protected(10, "read").await);
    let mut racing = JoinSet::new();
    for _ in 0..50 {
        let world = world.clone();
        racing.spawn(async move { register(&world, TOKEN, json!({})).await });
    }
    let mut clients = HashSet::new();
    while let Some(answer) = racing.join_next().await {
        let answer = answer.expect("no panic");
        match answer.status.as_u16() {
            201 => drop(clients.insert(answer.json()["client_id"].to_string())),
            _ => drop(answer.expect_error(401, "invalid_token")),
        }
    }
    assert_eq!(clients.len(), 10);
    let stored = world.clients().page(None, 100).await.expect("a page").clients;
    assert_eq!(stored.len(), 10);
    let token = world.registrations().find_token(&SecretHash::of(TOKEN)).await.expect("a read").expect("the token");
    assert_eq!(token.uses_left, 0);
}

/// R18: of two hundred concurrent registrations from one address, the limit's number succeed; another address is not
/// affected.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r18_limit_per_address() {
    let mut world = World::new().await;
    world.set("REGISTRATION_RATE_TOTAL", "1000").await;
    world.set("REGISTRATION_RATE", "20").await;
    let world = Arc::new(world);
    let mut racing = JoinSet::new();
    for _ in 0..200 {
        let world = world.clone();
        racing.spawn(async move { world.register(&events::from(events::register(&json!({})), "198.51.100.1")).await });
    }
    let mut registered = 0;
    while let Some(answer) = racing.join_next().await {
        let answer = answer.expect("no panic");
        if answer.status == 201 {
            registered += 1;
        } else {
            answer.expect_error(429, "temporarily_unavailable");
            let seconds = answer.header("retry-after").and_then(|seconds| seconds.parse::<u64>().ok());
            assert_eq!(seconds, Some(60 - world.now() % 60));
        }
    }
    assert_eq!(registered, 20);
    let other = events::from(events::register(&json!({})), "198.51.100.2");
    assert_eq!(world.register(&other).await.status, 201);
    // A header does not determine the source address.
    let forged = events::with_header(
        events::from(events::register(&json!({})), "198.51.100.1"),
        "x-forwarded-for",
        "198.51.100.9",
    );
    world.register(&forged).await.expect_error(429, "temporarily_unavailable");
    world.pass(60 - world.now() % 60);
    assert_eq!(world.register(&events::from(events::register(&json!({})), "198.51.100.1")).await.status, 201);
}

/// R18: the limit for all addresses together; registrations refused for their metadata do not count.
#[tokio::test]
async fn r18_limit_in_all() {
    let mut world = World::new().await;
    world.set("REGISTRATION_RATE_TOTAL", "3").await;
    world.register(&events::register(&json!({"scope": "strong"}))).await.expect_error(400, "invalid_client_metadata");
    for last in 1..=3 {
        let event = events::from(events::register(&json!({})), &format!("2001:db8::{last}"));
        assert_eq!(world.register(&event).await.status, 201);
    }
    let event = events::from(events::register(&json!({})), "203.0.113.99");
    world.register(&event).await.expect_error(429, "temporarily_unavailable");
}

/// R20: a client that never requests a token expires; one that requested a token does not, and only its first token
/// writes.
#[tokio::test]
async fn r20_unused_clients_go() {
    let mut world = World::new().await;
    world.set("UNUSED_CLIENT_TTL", "1000").await;
    let (used, unused) = (world.client(json!({})).await, world.client(json!({})).await);
    world.pass(999);
    assert_eq!(world.ask(&used, "").await.status, 200);
    world.pass(1);
    assert_eq!(world.ask(&used, "").await.status, 200);
    world.ask(&unused, "").await.expect_error(401, "invalid_client");
    let token = format!("Bearer {}", unused.token);
    world.register(&events::configure("GET", &unused.id, Some(&token), None)).await.expect_error(401, "invalid_token");
    let stored = world.clients().page(None, 10).await.expect("a page").clients;
    let ends: HashSet<_> = stored.iter().map(|client| client.expires_at.is_some()).collect();
    assert_eq!((stored.len(), ends.len()), (2, 2));
}

fn statement_keys() -> (EncodingKey, Value) {
    let pkcs8 = aws_lc_rs::signature::EcdsaKeyPair::generate_pkcs8(
        &aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING,
        &aws_lc_rs::rand::SystemRandom::new(),
    )
    .expect("a key");
    let key = EncodingKey::from_ec_der(pkcs8.as_ref());
    let mut jwk = jsonwebtoken::jwk::Jwk::from_encoding_key(&key, Algorithm::ES256).expect("a JWK");
    jwk.common.key_id = Some("s1".to_owned());
    (key, json!({"keys": [jwk]}))
}

fn statement(key: &EncodingKey, claims: &Value) -> String {
    let header = Header { kid: Some("s1".to_owned()), ..Header::new(Algorithm::ES256) };
    jsonwebtoken::encode(&header, claims, key).expect("a statement")
}

/// R17: the claims of a trusted issuer take precedence over the request, and the statement is returned unmodified.
#[tokio::test]
async fn r17_software_statement() {
    let mut world = World::new().await;
    let (key, jwks) = statement_keys();
    let trusted = json!([{"issuer": "https://vendor.example", "jwks": jwks}]).to_string();
    let claims =
        json!({"iss": "https://vendor.example", "exp": world.now() + 10, "client_name": "Vouched", "software_id": "s"});
    let good = statement(&key, &claims);
    let sent = json!({"client_name": "Claimed", "software_statement": good, "contacts": ["c"]});
    world.register(&events::register(&sent)).await.expect_error(400, "unapproved_software_statement");

    world.set("SOFTWARE_STATEMENT_ISSUERS", &trusted).await;
    let answer = world.register(&events::register(&sent)).await;
    let client = answer.json();
    assert_eq!(answer.status, 201, "{client}");
    assert_eq!((&client["client_name"], &client["software_id"]), (&json!("Vouched"), &json!("s")));
    assert_eq!((&client["software_statement"], &client["contacts"]), (&json!(good), &json!(["c"])));
    assert_eq!((client.get("iss"), client.get("exp")), (None, None));

    let (other_key, _) = statement_keys();
    let [header, body, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    let none = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    let hs256 = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","kid":"s1"}"#);
    let bad = [
        statement(&other_key, &claims),
        statement(&key, &json!({"iss": "https://vendor.example", "exp": world.now()})),
        statement(&key, &json!({"iss": "https://vendor.example", "nbf": world.now() + 1})),
        statement(&key, &json!({"iss": "https://vendor.example", "exp": "soon"})),
        statement(&key, &json!({"client_name": "x"})),
        format!("{none}.{body}."),
        format!("{none}.{body}.{signature}"),
        format!("{hs256}.{body}.{signature}"),
        format!("{header}.{body}."),
        format!("{header}.{body}"),
        "x".to_owned(),
    ];
    for bad in bad {
        let event = events::register(&json!({"software_statement": bad}));
        world.register(&event).await.expect_error(400, "invalid_software_statement");
    }
    let untrusted = statement(&key, &json!({"iss": "https://other.example"}));
    let event = events::register(&json!({"software_statement": untrusted}));
    world.register(&event).await.expect_error(400, "unapproved_software_statement");
    // Its claims follow the same rules.
    let wrong = statement(&key, &json!({"iss": "https://vendor.example", "redirect_uris": ["javascript:x"]}));
    let event = events::register(&json!({"software_statement": wrong}));
    world.register(&event).await.expect_error(400, "invalid_redirect_uri");
}

/// R17: a JWT of a trusted issuer for another purpose or another server is not accepted as a software statement,
/// neither for a new client nor for an update. Nothing is registered.
#[tokio::test]
async fn r17_other_jwts_of_a_trusted_issuer() {
    let mut world = World::new().await;
    let (key, jwks) = statement_keys();
    let trusted = json!([{"issuer": "https://vendor.example", "jwks": jwks}]).to_string();
    world.set("SOFTWARE_STATEMENT_ISSUERS", &trusted).await;
    let signed = |typ: Option<&str>, more: Value| {
        let mut claims = json!({"iss": "https://vendor.example", "exp": world.now() + 10, "client_name": "Vouched"});
        claims.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let header =
            Header { kid: Some("s1".to_owned()), typ: typ.map(str::to_owned), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, &claims, &key).expect("a JWT")
    };
    let access_token = json!({"aud": "https://api.example", "sub": "u", "client_id": "c", "scope": "write"});
    let client = world.client(json!({})).await;
    let put = |statement: &str| {
        let body = json!({"client_id": client.id, "software_statement": statement});
        events::configure("PUT", &client.id, Some(&format!("Bearer {}", client.token)), Some(&body))
    };
    for bad in [
        signed(Some("at+jwt"), access_token.clone()),
        signed(Some("application/at+jwt"), json!({})),
        signed(Some("JWT"), access_token),
        signed(None, json!({"aud": ["https://api.example", "https://as.example/"]})),
        signed(None, json!({"aud": []})),
    ] {
        let post = events::register(&json!({"software_statement": bad}));
        world.register(&post).await.expect_error(400, "invalid_software_statement");
        world.register(&put(&bad)).await.expect_error(400, "invalid_software_statement");
    }
    assert_eq!(world.clients().page(None, 10).await.expect("a page").clients.len(), 1);
    for good in [
        signed(Some("jwt"), json!({"aud": "https://as.example"})),
        signed(Some("application/JWT"), json!({"aud": ["https://api.example", "https://as.example"]})),
        signed(None, json!({})),
    ] {
        let answer = world.register(&events::register(&json!({"software_statement": good}))).await;
        assert_eq!(answer.json()["client_name"], "Vouched", "{:?}", answer.json());
    }
}

/// R17, M4: the statement is returned as sent, and does not replace members that an update must contain.
#[tokio::test]
async fn r17_m4_a_statement_speaks_of_metadata_only() {
    let mut world = World::new().await;
    let (key, jwks) = statement_keys();
    let trusted = json!([{"issuer": "https://vendor.example", "jwks": jwks}]).to_string();
    world.set("SOFTWARE_STATEMENT_ISSUERS", &trusted).await;
    let claims = json!({
        "iss": "https://vendor.example", "client_name": "Vouched", "software_statement": "another",
        "client_id": "another", "client_secret": "another", "rotate_client_secret": true, "client_id_issued_at": 1,
    });
    let sent = statement(&key, &claims);
    let answer = world.register(&events::register(&json!({"software_statement": sent}))).await.json();
    assert_eq!((&answer["software_statement"], &answer["client_name"]), (&json!(sent), &json!("Vouched")));
    let text = |name: &str| answer[name].as_str().expect("text").to_owned();
    let (id, token) = (text("client_id"), format!("Bearer {}", text("registration_access_token")));
    let body = json!({"client_id": id, "software_statement": sent});
    let answer = world.register(&events::configure("PUT", &id, Some(&token), Some(&body))).await;
    let changed = answer.json();
    assert_eq!((answer.status.as_u16(), &changed["software_statement"]), (200, &json!(sent)), "{changed}");
    assert_eq!(changed.get("client_secret"), None);
    // Nor can it provide the client's identifier.
    let token = format!("Bearer {}", changed["registration_access_token"].as_str().expect("text"));
    let naming = statement(&key, &json!({"iss": "https://vendor.example", "client_id": id}));
    let body = json!({"software_statement": naming});
    let answer = world.register(&events::configure("PUT", &id, Some(&token), Some(&body))).await;
    answer.expect_error(400, "invalid_client_metadata");
}

/// R8: keys by value or by reference, public, never both.
#[tokio::test]
async fn r8_keys() {
    let world = World::new().await;
    let (_, jwks) = statement_keys();
    let answer = world.register(&events::register(&json!({"jwks": jwks}))).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["jwks"]), (201, &jwks));
    let uri = json!({"jwks_uri": "https://a.example/jwks"});
    assert_eq!(world.register(&events::register(&uri)).await.json()["jwks_uri"], uri["jwks_uri"]);
    let mut private = jwks.clone();
    private["keys"][0]["d"] = "AAAA".into();
    for bad in [
        json!({"jwks": jwks, "jwks_uri": "https://a.example/jwks"}),
        json!({"jwks": private}),
        json!({"jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}}),
        json!({"jwks": {"keys": []}}),
        json!({"jwks": {"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}}),
        json!({"jwks": {"keys": vec![jwks["keys"][0].clone(); 17]}}),
        json!({"jwks": "x"}),
        json!({"jwks_uri": "http://a.example/jwks"}),
    ] {
        world.register(&events::register(&bad)).await.expect_error(400, "invalid_client_metadata");
    }
}

/// R18: the cost of a refused registration does not grow with the number of addresses: each counter is a small
/// separate item, and a flood from one address writes to no other counter.
#[tokio::test]
async fn r18_counters_stay_small() {
    let mut world = World::new().await;
    world.environment = std::mem::take(&mut world.environment).with("REGISTRATION_RATE_TOTAL", "200");
    world.environment = std::mem::take(&mut world.environment).with("REGISTRATION_RATE", "2");
    let proxy = world.behind_proxy().await;
    for address in 0..40 {
        let event = events::from(events::register(&json!({})), &format!("2001:db8:ffff:{address:x}::1"));
        assert_eq!(world.register(&event).await.status, 201);
    }
    let items = proxy.dynamodb("Scan", &json!({"TableName": world.registrations_table()})).await;
    let items = items["Items"].as_array().expect("items");
    assert_eq!(items.len(), 41);
    assert!(items.iter().all(|item| item.to_string().len() < 256), "{items:?}");
    let flood = events::from(events::register(&json!({})), "2001:db8:ffff:1::2");
    assert_eq!(world.register(&flood).await.status, 201);
    proxy.forget();
    for _ in 0..5 {
        world.register(&flood).await.expect_error(429, "temporarily_unavailable");
    }
    assert_eq!((proxy.count("UpdateItem"), proxy.total()), (5, 5));
}
