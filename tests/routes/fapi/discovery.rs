//! The metadata of a deployment within the profile: FAPI 2.0 §5.3.2.1 item 1, §5.4.1.

use serde_json::{Value, json};
use tokenmint_tests::events;

use super::world;

const ALGORITHMS: [&str; 4] = ["PS256", "ES256", "EdDSA", "Ed25519"];

/// S7, D1: the document, under both names, lists the methods and algorithms of the profile and no others.
#[tokio::test]
async fn s7_d1_metadata() {
    let mut world = world().await;
    let aliases = json!({
        "token_endpoint": "https://mtls.as.example/token",
        "introspection_endpoint": "https://mtls.as.example/introspect",
        "revocation_endpoint": "https://mtls.as.example/revoke",
    });
    for (mutual_tls, method, methods) in [
        ("on", "", &["private_key_jwt", "tls_client_auth"][..]),
        ("https://mtls.as.example", "self_signed_tls_client_auth", &["private_key_jwt", "self_signed_tls_client_auth"]),
        ("off", "", &["private_key_jwt"]),
    ] {
        world.environment = std::mem::take(&mut world.environment).with("MUTUAL_TLS_METHOD", method);
        world.set("MUTUAL_TLS", mutual_tls).await;
        let mut expected = json!({
            "issuer": "https://as.example",
            "token_endpoint": "https://as.example/token",
            "jwks_uri": "https://as.example/.well-known/jwks.json",
            "registration_endpoint": "https://as.example/register",
            "introspection_endpoint": "https://as.example/introspect",
            "revocation_endpoint": "https://as.example/revoke",
            "scopes_supported": ["client-scope", "read", "write"],
            "response_types_supported": [],
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": methods,
            "introspection_endpoint_auth_methods_supported": methods,
            "revocation_endpoint_auth_methods_supported": methods,
            "token_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
            "introspection_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
            "revocation_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
            "dpop_signing_alg_values_supported": ALGORITHMS,
        });
        if mutual_tls != "off" {
            expected["tls_client_certificate_bound_access_tokens"] = true.into();
        }
        if mutual_tls.starts_with("https:") {
            expected["mtls_endpoint_aliases"] = aliases.clone();
        }
        for event in ["token-metadata", "token-openid-configuration"] {
            let answer = world.token(&events::load(event)).await;
            assert_eq!(answer.header("content-type"), Some("application/json"));
            assert_eq!(answer.json(), expected, "{event} {mutual_tls}");
        }
    }
}

/// S7: every listed method can be registered, and every listed algorithm; what is not listed cannot.
#[tokio::test]
async fn s7_what_is_listed_registers() {
    let world = world().await;
    let document = world.token(&events::load("token-metadata")).await.json();
    let listed = |member: &str, value: &str| document[member].as_array().expect("a list").contains(&json!(value));
    let register = async |metadata: Value| world.register(&events::register(&metadata)).await;
    for (method, more) in [
        ("client_secret_basic", json!({})),
        ("client_secret_post", json!({})),
        ("private_key_jwt", json!({"jwks_uri": "https://c.example/"})),
        ("tls_client_auth", json!({"tls_client_auth_subject_dn": "CN=client"})),
        ("self_signed_tls_client_auth", json!({"jwks_uri": "https://c.example/"})),
    ] {
        let mut metadata = more;
        metadata["token_endpoint_auth_method"] = method.into();
        let answer = register(metadata).await;
        if listed("token_endpoint_auth_methods_supported", method) {
            assert_eq!(answer.status, 201, "{method}");
        } else {
            answer.expect_error(400, "invalid_client_metadata");
        }
    }
    for algorithm in
        ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "Ed25519", "none"]
    {
        let answer = register(json!({
            "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://c.example/",
            "token_endpoint_auth_signing_alg": algorithm,
        }));
        let answer = answer.await;
        if listed("token_endpoint_auth_signing_alg_values_supported", algorithm) {
            assert_eq!(answer.status, 201, "{algorithm}");
        } else {
            answer.expect_error(400, "invalid_client_metadata");
        }
    }
}
