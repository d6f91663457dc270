//! `GET /.well-known/…`.

use serde_json::json;
use tokenmint_aws::provision::KeySpec;
use tokenmint_tests::{World, events};

const METHODS: [&str; 4] = ["client_secret_basic", "client_secret_post", "private_key_jwt", "tls_client_auth"];

const ALGORITHMS: [&str; 10] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "Ed25519"];

/// D1: the document, under both names, describes exactly this deployment.
#[tokio::test]
async fn d1_metadata() {
    let world = World::new().await;
    let expected = json!({
        "issuer": "https://as.example",
        "token_endpoint": "https://as.example/token",
        "jwks_uri": "https://as.example/.well-known/jwks.json",
        "registration_endpoint": "https://as.example/register",
        "scopes_supported": ["client-scope", "read", "write"],
        "response_types_supported": [],
        "grant_types_supported": ["client_credentials"],
        "introspection_endpoint": "https://as.example/introspect",
        "revocation_endpoint": "https://as.example/revoke",
        "token_endpoint_auth_methods_supported": METHODS,
        "introspection_endpoint_auth_methods_supported": METHODS,
        "revocation_endpoint_auth_methods_supported": METHODS,
        "token_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "introspection_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "revocation_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "tls_client_certificate_bound_access_tokens": true,
        "dpop_signing_alg_values_supported": ALGORITHMS,
    });
    for event in ["token-metadata", "token-openid-configuration"] {
        let answer = world.token(&events::load(event)).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.json(), expected, "{event}");
    }
    let client = world.client(json!({})).await;
    assert_eq!(world.verified_token(&client).await.claims["iss"], expected["issuer"]);
}

/// D1: every listed method can be registered.
#[tokio::test]
async fn d1_every_listed_method_registers() {
    let world = World::new().await;
    let metadata = world.token(&events::load("token-metadata")).await.json();
    for method in metadata["token_endpoint_auth_methods_supported"].as_array().expect("a list") {
        let mut client = json!({"token_endpoint_auth_method": method});
        match method.as_str() {
            Some("tls_client_auth") => client["tls_client_auth_subject_dn"] = "CN=client".into(),
            Some("private_key_jwt" | "self_signed_tls_client_auth") => client["jwks_uri"] = "https://c.example/".into(),
            _ => {}
        }
        let answer = world.register(&events::register(&client)).await;
        assert_eq!(answer.status, 201, "{method}");
    }
}

/// D1, A7: certificates are mentioned only if mutual TLS is enabled, and endpoint aliases only if it has a separate
/// domain (RFC 8705 §5).
#[tokio::test]
async fn d1_a7_mutual_tls() {
    let mut world = World::new().await;
    for setting in ["https://as.example", "https://mtls.as.example", "off"] {
        world.set("MUTUAL_TLS", setting).await;
        let metadata = world.token(&events::load("token-metadata")).await.json();
        let methods = if setting == "off" { &METHODS[..3] } else { &METHODS };
        assert_eq!(metadata["token_endpoint_auth_methods_supported"], json!(methods), "{setting}");
        let bound = (setting != "off").then_some(json!(true));
        assert_eq!(metadata.get("tls_client_certificate_bound_access_tokens"), bound.as_ref(), "{setting}");
        let aliases = json!({
            "token_endpoint": "https://mtls.as.example/token",
            "introspection_endpoint": "https://mtls.as.example/introspect",
            "revocation_endpoint": "https://mtls.as.example/revoke",
        });
        let aliases = setting.contains("mtls").then_some(aliases);
        assert_eq!(metadata.get("mtls_endpoint_aliases"), aliases.as_ref(), "{setting}");
    }
}

/// R15: no `registration_endpoint` if registration is disabled.
#[tokio::test]
async fn r15_registration_disabled() {
    let mut world = World::new().await;
    world.set("REGISTRATION", "disabled").await;
    assert_eq!(world.token(&events::load("token-metadata")).await.json().get("registration_endpoint"), None);
}

/// D2, J1: every key is published with its use, algorithm and thumbprint, without private members.
#[tokio::test]
async fn d2_jwks() {
    let mut world = World::with_key(KeySpec::Rsa2048).await;
    let second = world.another_key("alias/second", KeySpec::EccNistP384).await;
    let first = world.environment.value("SIGNING_KEYS").expect("set").to_owned();
    world.set("SIGNING_KEYS", &format!("{first},{second}")).await;
    let answer = world.token(&events::load("token-jwks")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), Some("public, max-age=3600"));
    assert_eq!(answer.header("pragma"), None);
    let keys = answer.json()["keys"].as_array().expect("keys").clone();
    let members = |key: &serde_json::Value| key.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    let [rsa, ec] = &keys[..] else { panic!("{keys:?}") };
    let mut names = (members(rsa), members(ec));
    names.0.sort();
    names.1.sort();
    assert_eq!(names.0, ["alg", "e", "kid", "kty", "n", "use"]);
    assert_eq!(names.1, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    assert_eq!((&rsa["alg"], &ec["alg"]), (&json!("RS256"), &json!("ES384")));
    assert_eq!((&rsa["use"], rsa["kid"].as_str().map(str::len)), (&json!("sig"), Some(43)));
}

/// Unknown paths and methods get a JSON error.
#[tokio::test]
async fn other_paths_and_methods() {
    let world = World::new().await;
    world.token(&events::get("/.well-known/other")).await.expect_error(404, "invalid_request");
    let answer = world.token(&events::with_method(events::load("token-jwks"), "POST")).await;
    answer.expect_error(405, "invalid_request");
    assert_eq!(answer.header("allow"), Some("GET,HEAD"));
}
