//! `POST /token`.

use std::collections::HashSet;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokenmint_aws::provision::KeySpec;
use tokenmint_oauth::token_request::MAX_BODY_BYTES;
use tokenmint_tests::{Credentials, Log, World, events};

const GRANT: &str = "grant_type=client_credentials";

async fn world_with_client() -> (World, Credentials) {
    let world = World::new().await;
    let client = world.client(json!({"scope": "read write"})).await;
    (world, client)
}

/// A token request with HTTP Basic and this complete form.
fn request(client: &Credentials, form: &str) -> Value {
    events::with_header(events::token(form), "authorization", client.basic())
}

/// T5, J1, J2: the response, the header and the claims, member by member.
#[tokio::test]
async fn t5_j1_j2_answer_and_claims() {
    let (world, client) = world_with_client().await;
    let answer = world.ask(&client, "&scope=write").await;
    assert_eq!(answer.status, 200);
    answer.expect_not_cacheable();
    let body = answer.json();
    let token = body["access_token"].as_str().expect("a token");
    let expected = json!({"access_token": token, "token_type": "Bearer", "expires_in": 18000, "scope": "write"});
    assert_eq!(body, expected);

    let token = world.verify(token).await;
    assert_eq!(token.header.typ.as_deref(), Some("at+jwt"));
    let (jti, now) = (token.claims["jti"].clone(), world.now());
    assert_eq!(jti.as_str().map(str::len), Some(36));
    let expected = json!({
        "iss": "https://as.example", "sub": client.id, "client_id": client.id, "aud": "https://as.example",
        "iat": now, "exp": now + 18000, "jti": jti, "scope": "write",
    });
    assert_eq!(token.claims, expected);
}

/// J2: every token has a unique identifier; a client without scope gets a token without the claim.
#[tokio::test]
async fn j2_jti_and_no_scope() {
    let (mut world, client) = world_with_client().await;
    let mut seen = HashSet::new();
    for _ in 0..5 {
        assert!(seen.insert(world.verified_token(&client).await.claims["jti"].to_string()));
    }
    world.set("SCOPES", "").await;
    let client = world.client(json!({})).await;
    let answer = world.ask(&client, "").await.json();
    assert_eq!(answer.get("scope"), None);
    assert_eq!(world.verified_token(&client).await.claims.get("scope"), None);
    world.ask(&client, "&scope=read").await.expect_error(400, "invalid_scope");
}

/// J4, K1, K5: every key spec signs tokens that an independent library verifies.
#[tokio::test]
async fn j4_k1_k5_algorithms() {
    for (spec, algorithm, size) in [
        (KeySpec::Rsa2048, "RS256", 256),
        (KeySpec::Rsa3072, "RS256", 384),
        (KeySpec::Rsa4096, "RS256", 512),
        (KeySpec::Rsa2048, "PS256", 256),
        (KeySpec::EccNistP256, "ES256", 64),
        (KeySpec::EccNistP384, "ES384", 96),
    ] {
        let mut world = World::with_key(spec.clone()).await;
        if algorithm == "PS256" {
            let keys = format!("{}=PS256", world.environment.value("SIGNING_KEYS").expect("set"));
            world.set("SIGNING_KEYS", &keys).await;
        }
        let client = world.client(json!({})).await;
        for _ in 0..3 {
            let answer = world.ask(&client, "").await.json();
            let token = answer["access_token"].as_str().expect("a token");
            assert_eq!(format!("{:?}", world.verify(token).await.header.alg), algorithm);
            let signature = token.rsplit('.').next().expect("three parts");
            assert_eq!(BASE64_URL_SAFE_NO_PAD.decode(signature).expect("base64url").len(), size, "{spec:?}");
        }
    }
}

/// T1: only POST with a form in the body, and no credentials in the URL.
#[tokio::test]
async fn t1_form_of_the_request() {
    let (world, client) = world_with_client().await;
    world.token(&events::load("token-json-body")).await.expect_error(400, "invalid_request");
    for bad in ["", "text/plain", "multipart/form-data", "application/x-www-form-urlencodedx"] {
        let event = events::with_header(request(&client, GRANT), "content-type", bad);
        world.token(&event).await.expect_error(400, "invalid_request");
    }
    let event = events::with_header(
        request(&client, GRANT),
        "content-type",
        "Application/X-WWW-Form-Urlencoded ; charset=utf-8",
    );
    assert_eq!(world.token(&event).await.status, 200);
    for method in ["GET", "PUT", "DELETE", "PATCH"] {
        let answer = world.token(&events::with_method(request(&client, GRANT), method)).await;
        assert_eq!(answer.expect_error(405, "invalid_request").header("allow"), Some("POST"), "{method}");
    }
    assert_eq!(world.token(&events::load("token-get")).await.header("allow"), Some("POST"));
    world.token(&events::load("token-credentials-in-query")).await.expect_error(400, "invalid_request");
    for query in ["client_secret=x", "client_id=x", "client_assertion=x", "a=%zz", "a=1&a=2"] {
        let event = events::with_query(request(&client, GRANT), query);
        world.token(&event).await.expect_error(400, "invalid_request");
    }
    assert_eq!(world.token(&events::with_query(request(&client, GRANT), "utm_source=x")).await.status, 200);
}

/// T2: an empty parameter counts as absent, an unknown one is ignored, a repeated one is refused.
#[tokio::test]
async fn t2_parameters() {
    let (world, client) = world_with_client().await;
    assert_eq!(world.ask(&client, "&scope=&resource=&x=1&%F0%9F%8D%83=").await.json()["scope"], "read write");
    for twice in ["&scope=read&scope=read", "&grant_type=client_credentials", "&x=1&x=2", "&scope=&scope=read"] {
        world.ask(&client, twice).await.expect_error(400, "invalid_request");
    }
    world.token(&events::load("token-doubled-parameter")).await.expect_error(400, "invalid_request");
}

/// T3: the grant type.
#[tokio::test]
async fn t3_grant_type() {
    let (world, client) = world_with_client().await;
    for (form, code) in [
        ("", "invalid_request"),
        ("grant_type=", "invalid_request"),
        ("scope=read", "invalid_request"),
        ("grant_type=password", "unsupported_grant_type"),
        ("grant_type=authorization_code&code=x", "unsupported_grant_type"),
        ("grant_type=Client_Credentials", "unsupported_grant_type"),
        ("grant_type=client_credentials%20", "unsupported_grant_type"),
    ] {
        world.token(&request(&client, form)).await.expect_error(400, code);
    }
    world.token(&events::load("token-no-grant")).await.expect_error(400, "invalid_request");
    world.token(&events::load("token-unsupported-grant")).await.expect_error(400, "unsupported_grant_type");
}

/// T4: at most the registered scope, in the requested order; all of it if none is requested.
#[tokio::test]
async fn t4_scope() {
    let (world, client) = world_with_client().await;
    for (form, scope) in [("", "read write"), ("&scope=write+read", "write read"), ("&scope=read%20read", "read")] {
        assert_eq!(world.ask(&client, form).await.json()["scope"], scope, "{form}");
    }
    for bad in ["client-scope", "read+client-scope", "READ", "read++write", "+read", "re%22ad", "re%5Cad", "caf%C3%A9"]
    {
        world.ask(&client, &format!("&scope={bad}")).await.expect_error(400, "invalid_scope");
    }
    let event = events::with_header(events::load("token-scope-never-registered"), "authorization", client.basic());
    world.token(&event).await.expect_error(400, "invalid_scope");
}

/// T6: for any input, the description has only allowed characters, which `expect_error` checks. Inputs include a
/// body of a megabyte and bytes that are not UTF-8.
#[tokio::test]
async fn t6_hostile_bodies() {
    let (world, client) = world_with_client().await;
    world.token(&events::load("token-not-utf8")).await.expect_error(400, "invalid_request");
    let basic = |body: &[u8]| events::with_header(events::token_bytes(body), "authorization", client.basic());
    for body in
        [&b"\xff\xfe"[..], b"grant_type=\xff", b"grant_type=%ff", b"%", b"grant_type=client_credentials&\0=%00&\0=1"]
    {
        world.token(&basic(body)).await.expect_error(400, "invalid_request");
    }
    world.token(&basic(&vec![b'a'; 1 << 20])).await.expect_error(400, "invalid_request");
    let padded = format!("{GRANT}&x={}", "y".repeat(MAX_BODY_BYTES - GRANT.len() - 3));
    assert_eq!(world.token(&basic(padded.as_bytes())).await.status, 200);
    world.token(&basic(format!("{padded}y").as_bytes())).await.expect_error(400, "invalid_request");
    let many: Vec<_> = (0..100).map(|n| format!("p{n}=1")).collect();
    world.ask(&client, &format!("&{}", many.join("&"))).await.expect_error(400, "invalid_request");
    world.ask(&client, "&scope=%22%5C%0A%7F%C2%80").await.expect_error(400, "invalid_scope");
}

/// A1, A3: each secret method works only for a client that named it.
#[tokio::test]
async fn a1_a3_methods() {
    let world = World::new().await;
    let basic = world.client(json!({"token_endpoint_auth_method": "client_secret_basic"})).await;
    let post = world.client(json!({"token_endpoint_auth_method": "client_secret_post"})).await;
    let in_body = |client: &Credentials| {
        events::token(&format!("{GRANT}&client_id={}&client_secret={}", client.id, client.secret))
    };
    assert_eq!(world.token(&in_body(&post)).await.status, 200);
    world.token(&in_body(&basic)).await.expect_error(401, "invalid_client");
    world.ask(&post, "").await.expect_error(401, "invalid_client");
    for scheme in ["basic", "BASIC"] {
        let header = basic.basic().replacen("Basic", scheme, 1);
        let event = events::with_header(events::token(GRANT), "authorization", header);
        assert_eq!(world.token(&event).await.status, 200, "{scheme}");
    }
    let encoded = Credentials { id: basic.id.replace('-', "%2D"), ..basic.clone() };
    assert_eq!(world.ask(&encoded, "").await.status, 200);
}

/// A2: one method, one header and one identifier per request.
#[tokio::test]
async fn a2_two_at_once() {
    let (world, client) = world_with_client().await;
    let twice = format!("{}, {}", client.basic(), client.basic());
    let event = events::with_header(events::token(GRANT), "authorization", twice);
    world.token(&event).await.expect_error(400, "invalid_request");
    world
        .ask(&client, &format!("&client_id={}&client_secret={}", client.id, client.secret))
        .await
        .expect_error(400, "invalid_request");
    world.ask(&client, "&client_id=someone-else").await.expect_error(400, "invalid_request");
    assert_eq!(world.ask(&client, &format!("&client_id={}", client.id)).await.status, 200);
    for name in ["token-two-methods", "token-doubled-authorization"] {
        world.token(&events::load(name)).await.expect_error(400, "invalid_request");
    }
}

/// A4, A5: every failure gets the same bytes and makes the same two reads.
#[tokio::test]
async fn a4_a5_failures_look_the_same() {
    let mut world = World::new().await;
    world.set("CLIENT_SECRET_TTL", "60").await;
    let expired = world.client(json!({})).await;
    world.pass(59);
    assert_eq!(world.ask(&expired, "").await.status, 200);
    world.pass(1);
    let good = world.client(json!({})).await;
    let post = world.client(json!({"token_endpoint_auth_method": "client_secret_post"})).await;
    let wrong = Credentials { secret: expired.secret.clone(), ..good.clone() };
    let unknown = Credentials { id: "11111111-1111-4111-8111-111111111111".to_owned(), ..good.clone() };
    let odd = Credentials { id: "not-a-uuid".to_owned(), ..good.clone() };
    let empty = Credentials { secret: String::new(), ..good.clone() };
    let disabled = world.client(json!({})).await;
    world.disable(&disabled).await;

    let log = Log::capture();
    let mut answers = Vec::new();
    for client in [&wrong, &unknown, &odd, &empty, &post, &expired, &disabled] {
        answers.push(world.ask(client, "").await);
    }
    for header in ["Bearer abc", "Basic", "Basic !!!", "Digest x", "Basic aWQ="] {
        answers.push(world.token(&events::with_header(events::token(GRANT), "authorization", header)).await);
    }
    for name in ["token-no-credentials", "token-wrong-secret"] {
        answers.push(world.token(&events::load(name)).await);
    }
    for answer in &answers {
        answer.expect_error(401, "invalid_client");
        assert_eq!((&answer.body, &answer.headers), (&answers[0].body, &answers[0].headers));
    }
    let causes: Vec<_> = log.requests().iter().take(7).map(|line| line["cause"].clone()).collect();
    let expected = [
        "wrong secret",
        "unknown client",
        "unknown client",
        "wrong secret",
        "not the registered method",
        "expired secret",
        "disabled client",
    ];
    assert_eq!(causes, expected.map(Value::from));
    assert_eq!(world.ask(&good, "").await.status, 200);
}

/// R5: the grant policy.
#[tokio::test]
async fn r5_grant_policy() {
    let mut world = World::new().await;
    let code_only = world.client(json!({"grant_types": ["authorization_code"], "response_types": ["code"]})).await;
    let registered = world.client(json!({})).await;
    assert_eq!(world.ask(&code_only, "").await.status, 200);
    world.set("GRANT_POLICY", "registered").await;
    world.ask(&code_only, "").await.expect_error(400, "unauthorized_client");
    assert_eq!(world.ask(&registered, "").await.status, 200);
}

/// J3: the audience is the configured one, and may be requested by name.
#[tokio::test]
async fn j3_audience() {
    let (mut world, client) = world_with_client().await;
    world.set("AUDIENCE", "https://api.example/v1").await;
    assert_eq!(world.verified_token(&client).await.claims["aud"], "https://api.example/v1");
    let same = "&resource=https%3A%2F%2Fapi.example%2Fv1";
    assert_eq!(world.ask(&client, same).await.status, 200);
    assert_eq!(world.ask(&client, &format!("{same}{same}")).await.status, 200);
    for bad in ["&resource=https%3A%2F%2Fother.example", "&resource=x", &format!("{same}&resource=y")] {
        world.ask(&client, bad).await.expect_error(400, "invalid_target");
    }
}

/// J3, RFC 8707 §2.2: `aud` is a string for one resource and an array for several. The scope is limited to what they
/// allow.
#[tokio::test]
async fn j3_resources() {
    let (mut world, client) = world_with_client().await;
    world.set("RESOURCES", r#"{"https://a.example/":"read write","https://b.example/":"read"}"#).await;
    let (a, b) = ("&resource=https%3A%2F%2Fa.example%2F", "&resource=https%3A%2F%2Fb.example%2F");
    let claims = async |form: &str| {
        let body = world.ask(&client, form).await.json();
        let token = body["access_token"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned();
        let claims = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1).expect("claims")).expect("base64url");
        let claims: Value = serde_json::from_slice(&claims).expect("JSON");
        assert_eq!(claims["scope"], body["scope"]);
        (claims["aud"].clone(), claims["scope"].clone())
    };
    assert_eq!(claims("").await, (json!("https://as.example"), json!("read write")));
    assert_eq!(claims(a).await, (json!("https://a.example/"), json!("read write")));
    assert_eq!(claims(b).await, (json!("https://b.example/"), json!("read")));
    let both = json!(["https://b.example/", "https://a.example/"]);
    assert_eq!(claims(&format!("{b}{a}&scope=write+read")).await, (both, json!("read")));
    world.ask(&client, &format!("{b}&scope=write")).await.expect_error(400, "invalid_scope");
    world.ask(&client, &format!("{b}&resource=https%3A%2F%2Fc.example")).await.expect_error(400, "invalid_target");
}

/// J3: clients that take a URL apart send `https://host/` for `https://host`. Both name the same resource, alone and
/// beside others, and `aud` has the spelling of the setting.
#[tokio::test]
async fn j3_aud_has_the_configured_spelling() {
    let (mut world, client) = world_with_client().await;
    world.set("RESOURCES", r#"{"https://a.example":"read","https://b.example/":"read write"}"#).await;
    let aud = async |form: &str| {
        let body = world.ask(&client, form).await.json();
        let token = body["access_token"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned();
        let claims = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1).expect("claims")).expect("base64url");
        let claims: Value = serde_json::from_slice(&claims).expect("JSON");
        (claims["aud"].clone(), claims["scope"].clone())
    };
    for slash in ["", "%2F"] {
        let of = |host: &str| format!("&resource=https%3A%2F%2F{host}.example{slash}");
        assert_eq!(aud(&of("a")).await, (json!("https://a.example"), json!("read")));
        assert_eq!(aud(&of("b")).await, (json!("https://b.example/"), json!("read write")));
        assert_eq!(aud(&of("as")).await.0, json!("https://as.example"));
        let all = format!("{}{}&resource=https%3A%2F%2Fa.example", of("b"), of("a"));
        assert_eq!(aud(&all).await, (json!(["https://b.example/", "https://a.example"]), json!("read")));
        let other = format!("{}%2F", of("a"));
        if !slash.is_empty() {
            world.ask(&client, &other).await.expect_error(400, "invalid_target");
        }
    }
}

/// J3: `RESOURCES` limits the scope of a token, whether its audience is requested, the default, or one of several.
#[tokio::test]
async fn j3_resources_limit_every_audience() {
    let (mut world, client) = world_with_client().await;
    let writer = world.client(json!({"scope": "write"})).await;
    let no_scope = "&resource=https%3A%2F%2Fc.example%2F";
    let (a, b) = ("&resource=https%3A%2F%2Fa.example%2F", "&resource=https%3A%2F%2Fb.example%2F");
    let resources = r#"{"https://a.example/":"read","https://b.example/":"read write","https://c.example/":""}"#;
    world.set("RESOURCES", resources).await;
    world.set("AUDIENCE", "https://a.example/").await;
    for chosen in ["", a, &format!("{a}{a}"), &format!("{a}{b}"), &format!("{b}{a}"), no_scope] {
        world.ask(&client, &format!("{chosen}&scope=write")).await.expect_error(400, "invalid_scope");
        // Also if all of the client's registered scope would be granted.
        world.ask(&writer, chosen).await.expect_error(400, "invalid_scope");
    }
    for chosen in ["", a, &format!("{a}{b}"), &format!("{b}{a}")] {
        for scope in ["", "&scope=read+write"] {
            let answer = world.ask(&client, &format!("{chosen}{scope}")).await.json();
            let token = world.verify(answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}"))).await;
            assert_eq!((&answer["scope"], &token.claims["scope"]), (&json!("read"), &json!("read")), "{chosen}{scope}");
        }
    }
    assert_eq!(world.ask(&client, &format!("{b}&scope=write")).await.json()["scope"], "write");
    // A default audience that is not listed limits nothing.
    world.set("AUDIENCE", "https://d.example/").await;
    let d = "&resource=https%3A%2F%2Fd.example%2F";
    for (chosen, scope) in [("", "read write"), (d, "read write"), (&format!("{d}{a}"), "read")] {
        assert_eq!(world.ask(&client, chosen).await.json()["scope"], scope, "{chosen}");
    }
}

/// T5: the lifetime is the configured one.
#[tokio::test]
async fn t5_lifetime() {
    let (mut world, client) = world_with_client().await;
    world.set("ACCESS_TOKEN_TTL", "60").await;
    assert_eq!(world.ask(&client, "").await.json()["expires_in"], 60);
    let claims = world.verified_token(&client).await.claims;
    assert_eq!(claims["exp"].as_u64().zip(claims["iat"].as_u64()).map(|(exp, iat)| exp - iat), Some(60));
}

/// K3: a new key signs while the old one stays published: tokens of both verify.
#[tokio::test]
async fn k3_replacing_a_key() {
    let (mut world, client) = world_with_client().await;
    let first = world.environment.value("SIGNING_KEYS").expect("set").to_owned();
    let old = world.ask(&client, "").await.json()["access_token"].as_str().expect("a token").to_owned();
    let second = world.another_key("alias/second", KeySpec::Rsa2048).await;
    world.set("SIGNING_KEYS", &format!("{second},{first}")).await;
    let new = world.verified_token(&client).await;
    assert_eq!(format!("{:?}", new.header.alg), "RS256");
    let old = world.verify(&old).await;
    assert_ne!(old.header.kid, new.header.kid);
}

/// R19, O3: no failure logs a secret or a token; the cause is logged once.
#[tokio::test]
async fn o3_the_log_holds_no_secret() {
    let (world, client) = world_with_client().await;
    let log = Log::capture();
    let token = world.ask(&client, "").await.json()["access_token"].as_str().expect("a token").to_owned();
    let swapped = Credentials { id: client.secret.clone(), secret: client.id.clone(), ..client.clone() };
    world.ask(&swapped, "").await.expect_error(401, "invalid_client");
    let wrong = Credentials { secret: format!("{}x", client.secret), ..client.clone() };
    world.ask(&wrong, "").await.expect_error(401, "invalid_client");
    world.ask(&client, &format!("&{0}=1&{0}=2", client.secret)).await.expect_error(400, "invalid_request");
    world.ask(&client, &format!("&scope={}", client.secret)).await.expect_error(400, "invalid_scope");
    world.token(&events::with_query(request(&client, GRANT), &format!("client_secret={}", client.secret))).await;
    world.token(&events::get(&format!("/{}", client.secret))).await.expect_error(404, "invalid_request");
    let text = log.text();
    assert!(!text.contains(&client.secret), "{text}");
    let [_, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    assert!(!text.contains(claims) && !text.contains(signature), "{text}");
    assert!(!text.contains(client.basic().trim_start_matches("Basic ")), "{text}");
    assert_eq!(log.requests().len(), 7);
    let first = &log.requests()[0];
    assert_eq!((&first["client.id"], &first["http.route"]), (&json!(client.id), &json!("/token")));
    assert!(first["kms_ms"].as_f64() > Some(0.0) && first["dynamodb_ms"].as_f64() > Some(0.0));
}

/// O2: a client gets a token immediately after its registration, also if reads lag behind writes.
#[tokio::test]
async fn o2_register_then_token() {
    let world = World::new().await;
    for _ in 0..20 {
        let client = world.client(json!({})).await;
        assert_eq!(world.ask(&client, "").await.status, 200);
    }
}

/// RFC 6749 §2.3.1: the example credentials of an unknown client get the usual error.
#[tokio::test]
async fn a4_rfc6749_example_credentials() {
    let world = World::new().await;
    let event = events::token("grant_type=client_credentials");
    let event = events::with_header(event, "authorization", "Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW");
    world.token(&event).await.expect_error(401, "invalid_client");
}

/// Any bytes as body and as credentials: no panic, and a registered error with its headers.
#[test]
fn t6_any_request() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let world = runtime.block_on(World::new());
    let request = (any::<Vec<u8>>(), "\\PC{0,40}", "(Basic [A-Za-z0-9+/=]{0,40}|\\PC{0,40})?");
    let mut runner = proptest::test_runner::TestRunner::default();
    let outcome = runner.run(&request, |(body, query, authorization)| {
        let event = events::with_query(events::token_bytes(&body), &query);
        let event = events::with_header(event, "authorization", authorization.replace(|c: char| !c.is_ascii(), "~"));
        let answer = runtime.block_on(world.token(&event));
        let code = answer.json()["error"].as_str().expect("an error").to_owned();
        answer.expect_error(if code == "invalid_client" { 401 } else { 400 }, &code);
        let registered = ["invalid_request", "invalid_client", "unsupported_grant_type", "invalid_scope"];
        prop_assert!(registered.contains(&code.as_str()), "{}", code);
        Ok(())
    });
    outcome.expect("every answer is a registered error");
}
