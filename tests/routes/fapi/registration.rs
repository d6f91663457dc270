//! Which clients there are within the profile: FAPI 2.0 §5.3.2.1 items 3 and 6.

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tokenmint_oauth::initial_access_token::InitialAccessToken;
use tokenmint_oauth::scope::Scope;
use tokenmint_oauth::secret::SecretHash;
use tokenmint_tests::{Credentials, Log, World, events};

use super::{GRANT, any_proof, ask, assertion, client, metadata, world};
use crate::client_key::{ClientKey, claims, register};

/// S2, R11: a client that would have a secret, or no credentials, is refused; so is one that names no method, since the
/// default is `client_secret_basic`. The error names the member.
#[tokio::test]
async fn s2_r11_no_secrets() {
    let world = world().await;
    for metadata in [
        json!({}),
        json!({"token_endpoint_auth_method": ""}),
        json!({"token_endpoint_auth_method": "client_secret_basic"}),
        json!({"token_endpoint_auth_method": "client_secret_post"}),
        json!({"token_endpoint_auth_method": "client_secret_jwt"}),
        json!({"token_endpoint_auth_method": "none"}),
        json!({"token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks_uri": "https://c.example/"}),
    ] {
        let answer = world.register(&events::register(&metadata)).await;
        let text = answer.expect_error(400, "invalid_client_metadata").json()["error_description"].to_string();
        assert!(text.contains("token_endpoint_auth_method"), "{metadata}: {text}");
    }
}

/// S2, M4: an update cannot lead out of the profile either.
#[tokio::test]
async fn s2_m4_no_update_to_a_secret() {
    let world = world().await;
    let key = ClientKey::new(Algorithm::ES256);
    let registered = world.register(&events::register(&metadata(&key))).await.json();
    let (id, token) = (registered["client_id"].as_str().expect("an id"), &registered["registration_access_token"]);
    let authorization = format!("Bearer {}", token.as_str().expect("a token"));
    let put =
        async |body: Value| world.register(&events::configure("PUT", id, Some(&authorization), Some(&body))).await;
    for method in ["client_secret_basic", "client_secret_post"] {
        let answer = put(json!({"client_id": id, "token_endpoint_auth_method": method})).await;
        answer.expect_error(400, "invalid_client_metadata");
    }
    put(json!({"client_id": id})).await.expect_error(400, "invalid_client_metadata");
    assert_eq!(ask(&world, &assertion(&world, &key, id, "1"), &any_proof(&world)).await.status, 200);
}

/// S2, A4: a client that registered a secret before is refused like any other failure, at every endpoint, byte for byte;
/// with its registration access token it can move to a key of its own.
#[tokio::test]
async fn s2_a4_a_client_with_a_secret_of_before() {
    let mut world = World::new().await;
    let by_basic = world.client(json!({})).await;
    let by_post = world.client(json!({"token_endpoint_auth_method": "client_secret_post"})).await;
    assert_eq!(world.ask(&by_basic, "").await.status, 200);
    world.set("SECURITY_PROFILE", "fapi2").await;

    let basic = |path: &str, client: &Credentials| {
        let event = events::form(path, &format!("{GRANT}&token=x"));
        events::with_header(events::with_header(event, "authorization", client.basic()), "dpop", any_proof(&world))
    };
    let unknown = Credentials { id: "11111111-1111-4111-8111-111111111111".to_owned(), ..by_basic.clone() };
    let reference = world.token(&basic("/token", &unknown)).await;
    let log = Log::capture();
    for path in ["/token", "/introspect", "/revoke"] {
        let post = format!("{GRANT}&token=x&client_id={}&client_secret={}", by_post.id, by_post.secret);
        let post = events::with_header(events::form(path, &post), "dpop", any_proof(&world));
        for event in [basic(path, &by_basic), post] {
            let answer = world.token(&event).await;
            answer.expect_error(401, "invalid_client");
            assert_eq!((&answer.body, &answer.headers), (&reference.body, &reference.headers), "{path}");
            let line = log.requests().pop().expect("a line");
            assert_eq!(line["cause"], "this server does not offer the registered method");
        }
    }

    let key = ClientKey::new(Algorithm::ES256);
    let mut update = metadata(&key);
    update["client_id"] = by_basic.id.clone().into();
    let authorization = format!("Bearer {}", by_basic.token);
    let event = events::configure("PUT", &by_basic.id, Some(&authorization), Some(&update));
    let answer = world.register(&event).await;
    assert_eq!((answer.status.as_u16(), answer.json().get("client_secret")), (200, None));
    let answer = ask(&world, &assertion(&world, &key, &by_basic.id, "1"), &any_proof(&world)).await;
    assert_eq!(answer.status, 200, "{:?}", answer.json());
}

/// S2, S3, R8: the client's keys verify an algorithm of the profile. The keys of certificates are no keys of JWTs.
#[tokio::test]
async fn s2_s3_r8_keys_of_clients() {
    let mut world = world().await;
    let (p256, p384) = (ClientKey::new(Algorithm::ES256), ClientKey::new(Algorithm::ES384));
    let mut rsa = ClientKey::new(Algorithm::RS256);
    let of = |keys: &[&ClientKey]| {
        let keys: Vec<_> = keys.iter().map(|key| key.jwk.clone()).collect();
        json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": keys}})
    };
    for bad in [of(&[&p384]), of(&[&rsa]), of(&[&p384, &rsa])] {
        let answer = world.register(&events::register(&bad)).await;
        let text = answer.expect_error(400, "invalid_client_metadata").json()["error_description"].to_string();
        assert!(text.contains("jwks holds no key for an algorithm this server supports"), "{text}");
    }
    for good in [of(&[&p256]), of(&[&p384, &p256])] {
        register(&world, &good).await;
    }
    rsa.jwk.as_object_mut().expect("a key").remove("alg");
    register(&world, &of(&[&rsa])).await;
    world.set("MUTUAL_TLS_METHOD", "self_signed_tls_client_auth").await;
    register(&world, &json!({"token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks": p384.jwks()})).await;
}

/// S2, F4: no client has federated credentials, not even with an initial access token that allows them, and the JWT
/// bearer grant does not exist.
#[tokio::test]
async fn s2_f4_no_assertions_of_others() {
    let mut world = world().await;
    let (key, id) = client(&world).await;
    let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
    let event = events::token(&format!("{grant}&assertion={}", assertion(&world, &key, &id, "1")));
    world
        .token(&events::with_header(event, "dpop", any_proof(&world)))
        .await
        .expect_error(400, "unsupported_grant_type");
    // Nothing was used up.
    assert_eq!(ask(&world, &assertion(&world, &key, &id, "1"), &any_proof(&world)).await.status, 200);

    let token = InitialAccessToken {
        hash: SecretHash::of("an-initial-access-token"),
        name: "test".to_owned(),
        issued_at: world.now(),
        expires_at: world.now() + 3600,
        uses_left: 2,
        scope: Scope::parse("read").expect("a scope"),
        allows_federation: true,
        token_policy: None,
    };
    world.registrations().insert_token(&token).await.expect("stored");
    let mut metadata = metadata(&key);
    metadata["federated_credentials"] = json!([{"issuer": "https://issuer.example", "sub": "x"}]);
    let event =
        events::with_header(events::register(&metadata), "authorization", "Bearer an-initial-access-token".to_owned());
    world.set("REGISTRATION", "protected").await;
    let answer = world.register(&event).await;
    let text = answer.expect_error(400, "invalid_client_metadata").json()["error_description"].to_string();
    assert!(text.contains("federated_credentials"), "{text}");
    world.set("SECURITY_PROFILE", "none").await;
    assert_eq!(world.register(&event).await.status, 201);
}

/// S3, R17: a software statement has an algorithm of the profile.
#[tokio::test]
async fn s3_r17_software_statements() {
    let mut world = World::new().await;
    let (mut vendor, key) = (ClientKey::new(Algorithm::RS256), ClientKey::new(Algorithm::ES256));
    let statement = vendor.sign(&json!({"iss": "https://vendor.example", "software_id": "x"}));
    vendor.jwk.as_object_mut().expect("a key").remove("alg");
    let issuers = json!([{"issuer": "https://vendor.example", "jwks": vendor.jwks()}]);
    world.set("SOFTWARE_STATEMENT_ISSUERS", &issuers.to_string()).await;
    let mut metadata = metadata(&key);
    metadata["software_statement"] = statement.into();
    let event = events::register(&metadata);
    assert_eq!(world.register(&event).await.status, 201);
    world.set("SECURITY_PROFILE", "fapi2").await;
    world.register(&event).await.expect_error(400, "invalid_software_statement");
}

/// S2: a request without credentials, with those of nobody, or with only a `client_id` gets nothing.
#[tokio::test]
async fn s2_client_authentication_is_required() {
    let world = world().await;
    let (key, id) = client(&world).await;
    for form in
        [GRANT.to_owned(), format!("{GRANT}&client_id={id}"), "grant_type=password&username=a&password=b".to_owned()]
    {
        let answer = world.token(&events::with_header(events::token(&form), "dpop", any_proof(&world))).await;
        if form.contains("password") {
            answer.expect_error(400, "unsupported_grant_type");
        } else {
            answer.expect_error(401, "invalid_client");
        }
    }
    let stranger = claims(&world, "11111111-1111-4111-8111-111111111111", "1");
    ask(&world, &key.sign(&stranger), &any_proof(&world)).await.expect_error(401, "invalid_client");
}
