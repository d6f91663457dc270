//! `POST /register` for clients that authenticate with keys or certificates: RFC 7591 §2, RFC 8705 §2.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tokenmint_tests::{Log, World, events};

use crate::client_key::{ClientKey, ask, claims, unsigned};

async fn refused(world: &World, metadata: &Value) -> String {
    let answer = world.register(&events::register(metadata)).await;
    answer.expect_error(400, "invalid_client_metadata").json()["error_description"].to_string()
}

/// R11, R13: these methods get no secret, and the response contains the registered metadata.
#[tokio::test]
async fn r11_r13_no_secret() {
    let mut world = World::new().await;
    let key = ClientKey::new(Algorithm::ES256);
    for metadata in [
        json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": key.jwks()}),
        json!({
            "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://client.example/jwks.json",
            "token_endpoint_auth_signing_alg": "PS256",
        }),
        json!({
            "token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": "CN=client,O=Example",
            "tls_client_certificate_bound_access_tokens": true,
        }),
        json!({"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": "Client.example"}),
        json!({"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_uri": "spiffe://x.example/y"}),
        json!({"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_ip": "2001:DB8:0::1"}),
        json!({"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_email": "c@Example.com"}),
        json!({"token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks": key.jwks()}),
        json!({"token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks_uri": "https://client.example/"}),
    ] {
        if metadata["token_endpoint_auth_method"] == "self_signed_tls_client_auth" {
            world.set("MUTUAL_TLS_METHOD", "self_signed_tls_client_auth").await;
        }
        let answer = world.register(&events::register(&metadata)).await;
        let body = answer.json();
        assert_eq!(answer.status, 201, "{body}");
        for (name, value) in metadata.as_object().expect("an object") {
            assert_eq!(&body[name], value);
        }
        assert_eq!((body.get("client_secret"), body.get("client_secret_expires_at")), (None, None), "{body}");
    }
}

/// R8: keys must be given once, be public, and suit the method; exactly one certificate subject is required.
#[tokio::test]
async fn r8_enough_for_the_method() {
    let mut world = World::new().await;
    let (ec, rsa) = (ClientKey::new(Algorithm::ES256), ClientKey::new(Algorithm::RS256));
    let mut private = ec.jwks();
    private["keys"][0]["d"] = "AAAA".into();
    let mut encryption = ec.jwks();
    encryption["keys"][0]["use"] = "enc".into();
    let uri = "https://client.example/";
    world.set("MUTUAL_TLS_METHOD", "self_signed_tls_client_auth").await;
    for method in ["private_key_jwt", "self_signed_tls_client_auth"] {
        for (keys, member) in [
            (json!({}), "token_endpoint_auth_method"),
            (json!({"jwks_uri": ""}), "token_endpoint_auth_method"),
            (json!({"jwks": null}), "token_endpoint_auth_method"),
            (json!({"jwks": ec.jwks(), "jwks_uri": uri}), "jwks"),
            (json!({"jwks": {"keys": []}}), "jwks"),
            (json!({"jwks": private}), "jwks"),
            (json!({"jwks": encryption}), "jwks"),
            (json!({"jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}}), "jwks"),
            (json!({"jwks_uri": "http://client.example/"}), "jwks_uri"),
        ] {
            let mut metadata = keys;
            metadata["token_endpoint_auth_method"] = method.into();
            let description = refused(&world, &metadata).await;
            assert!(description.starts_with(&format!("\"{member} ")), "{method}: {description}");
        }
    }
    for (algorithm, keys) in [("ES256", rsa.jwks()), ("RS256", ec.jwks()), ("ES384", ec.jwks())] {
        let metadata = json!({
            "token_endpoint_auth_method": "private_key_jwt", "jwks": keys, "token_endpoint_auth_signing_alg": algorithm,
        });
        assert!(refused(&world, &metadata).await.starts_with("\"jwks "));
    }
    for bad in ["none", "HS256", "es256", "ES512"] {
        let metadata = json!({"token_endpoint_auth_signing_alg": bad});
        assert!(refused(&world, &metadata).await.starts_with("\"token_endpoint_auth_signing_alg "));
    }
    world.set("MUTUAL_TLS_METHOD", "tls_client_auth").await;
    let by_subject = |more: Value| {
        let mut metadata = json!({"token_endpoint_auth_method": "tls_client_auth"});
        metadata.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        metadata
    };
    for (more, member) in [
        (json!({}), "token_endpoint_auth_method"),
        (json!({"tls_client_auth_subject_dn": ""}), "token_endpoint_auth_method"),
        (json!({"tls_client_auth_subject_dn": "client"}), "tls_client_auth_subject_dn"),
        (json!({"tls_client_auth_subject_dn": 1}), "tls_client_auth_subject_dn"),
        (json!({"tls_client_auth_subject_dn": format!("CN={}", "x".repeat(1024))}), "tls_client_auth_subject_dn"),
        (json!({"tls_client_auth_san_dns": ""}), "token_endpoint_auth_method"),
        (json!({"tls_client_auth_san_dns": null}), "token_endpoint_auth_method"),
        (json!({"tls_client_auth_san_dns": ["client.example"]}), "tls_client_auth_san_dns"),
        (json!({"tls_client_auth_san_dns": "*.client.example"}), "tls_client_auth_san_dns"),
        (json!({"tls_client_auth_san_dns": format!("{}a", "a.".repeat(127))}), "tls_client_auth_san_dns"),
        (json!({"tls_client_auth_san_uri": "client.example"}), "tls_client_auth_san_uri"),
        (json!({"tls_client_auth_san_uri": format!("https://{}", "x".repeat(2048))}), "tls_client_auth_san_uri"),
        (json!({"tls_client_auth_san_ip": "client.example"}), "tls_client_auth_san_ip"),
        (json!({"tls_client_auth_san_ip": "192.0.2.1/32"}), "tls_client_auth_san_ip"),
        (json!({"tls_client_auth_san_email": "client.example"}), "tls_client_auth_san_email"),
        (json!({"tls_client_auth_san_email": "client@"}), "tls_client_auth_san_email"),
        (
            json!({"tls_client_auth_subject_dn": "CN=client", "tls_client_auth_san_uri": "https://client.example"}),
            "tls_client_auth_subject_dn",
        ),
        (
            json!({"tls_client_auth_san_dns": "client.example", "tls_client_auth_san_ip": "192.0.2.1"}),
            "tls_client_auth_san_ip",
        ),
    ] {
        let description = refused(&world, &by_subject(more)).await;
        assert!(description.starts_with(&format!("\"{member} ")), "{description}");
    }
    assert!(
        refused(&world, &json!({"tls_client_certificate_bound_access_tokens": "yes"})).await.contains("true or false")
    );

    // Without mutual TLS, the certificate methods are not offered.
    world.set("MUTUAL_TLS_METHOD", "").await;
    world.set("MUTUAL_TLS", "off").await;
    refused(&world, &by_subject(json!({"tls_client_auth_subject_dn": "CN=client"}))).await;
    refused(&world, &json!({"token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks": ec.jwks()})).await;
    refused(&world, &json!({"tls_client_certificate_bound_access_tokens": true})).await;
}

/// A6: a client that registers an algorithm is bound to it, even if its key supports others.
#[tokio::test]
async fn a6_registered_algorithm() {
    let world = World::new().await;
    let (pss, mut pkcs1) = (ClientKey::new(Algorithm::PS256), ClientKey::new(Algorithm::RS256));
    pkcs1.jwk["kid"] = "2".into();
    let metadata = json!({
        "token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "PS256",
        "jwks": {"keys": [pss.jwk, pkcs1.jwk]},
    });
    let client = crate::client_key::register(&world, &metadata).await;
    assert_eq!(ask(&world, &pss.sign(&claims(&world, &client, "1"))).await.status, 200);
    ask(&world, &pkcs1.sign(&claims(&world, &client, "2"))).await.expect_error(401, "invalid_client");
}

/// M4: a client may change its method: its secret is revoked, or a new one is made.
#[tokio::test]
async fn m4_r11_another_method() {
    let world = World::new().await;
    let key = ClientKey::new(Algorithm::ES256);
    let client = world.client(json!({})).await;
    let put = |token: String, mut metadata: Value| {
        metadata["client_id"] = client.id.clone().into();
        events::configure("PUT", &client.id, Some(&format!("Bearer {token}")), Some(&metadata))
    };
    let by_key = json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": key.jwks()});
    let answer = world.register(&put(client.token.clone(), by_key)).await;
    let body = answer.json();
    assert_eq!((answer.status.as_u16(), body.get("client_secret")), (200, None), "{body}");
    world.ask(&client, "").await.expect_error(401, "invalid_client");
    assert_eq!(ask(&world, &key.sign(&claims(&world, &client.id, "1"))).await.status, 200);

    let token = body["registration_access_token"].as_str().expect("a token").to_owned();
    let body = world.register(&put(token, json!({}))).await.json();
    let secret = body["client_secret"].as_str().expect("a new secret").to_owned();
    assert_eq!(body.get("jwks"), None);
    // The function knows the client for that long.
    world.pass(30);
    ask(&world, &key.sign(&claims(&world, &client.id, "2"))).await.expect_error(401, "invalid_client");
    let client = tokenmint_tests::Credentials { secret, ..client };
    assert_eq!(world.ask(&client, "").await.status, 200);
}

/// A6, T7: invalid keys with plausible members fail like any other wrong key.
#[tokio::test]
async fn a6_t7_odd_keys() {
    let world = World::new().await;
    let bytes = |bytes: &[u8]| Value::from(BASE64_URL_SAFE_NO_PAD.encode(bytes));
    let (odd, even) = ([255; 256], [254; 256]);
    let huge = [255; 8192];
    let mut keys = Vec::new();
    for (n, e) in [
        (&[0; 256][..], &[1, 0, 1][..]),
        (&odd, &[]),
        (&odd, &[0]),
        (&odd, &[1]),
        (&odd, &[2]),
        (&odd, &odd),
        (&even, &[3]),
        (&huge, &[1, 0, 1]),
    ] {
        keys.push((json!({"kty": "RSA", "n": bytes(n), "e": bytes(e)}), "RS256", n.len()));
    }
    for fill in [0, 1, 255] {
        keys.push((
            json!({"kty": "EC", "crv": "P-256", "x": bytes(&[fill; 32]), "y": bytes(&[fill; 32])}),
            "ES256",
            64,
        ));
        keys.push((
            json!({"kty": "EC", "crv": "P-384", "x": bytes(&[fill; 48]), "y": bytes(&[fill; 48])}),
            "ES384",
            96,
        ));
    }
    for fill in [2, 255] {
        keys.push((json!({"kty": "OKP", "crv": "Ed25519", "x": bytes(&[fill; 32])}), "EdDSA", 64));
    }
    let log = Log::capture();
    for (key, algorithm, size) in keys {
        let metadata = json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [key]}});
        let answer = world.register(&events::register(&metadata)).await.json();
        let id = answer["client_id"].as_str().unwrap_or_else(|| panic!("{answer}"));
        for signature in [vec![0; size], vec![1; size], vec![255; size], Vec::new()] {
            let message = unsigned(&json!({"alg": algorithm}), &claims(&world, id, "1"));
            let assertion = format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature));
            ask(&world, &assertion).await.expect_error(401, "invalid_client");
        }
    }
    assert_eq!(log.errors(), [""; 0]);
}

/// R8: a point of small order is refused: anyone could sign for its client.
#[tokio::test]
async fn r8_keys_that_anybody_can_sign_for() {
    let world = World::new().await;
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let good = ClientKey::new(Algorithm::EdDSA);
    let bad = json!({"kty": "OKP", "crv": "Ed25519", "x": BASE64_URL_SAFE_NO_PAD.encode(neutral)});
    let by_keys = |keys: Value| json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": keys}});
    let event = events::register(&by_keys(json!([bad])));
    world.register(&event).await.expect_error(400, "invalid_client_metadata");
    // Together with a valid key it proves nothing.
    let answer = world.register(&events::register(&by_keys(json!([good.jwk, bad])))).await.json();
    let id = answer["client_id"].as_str().unwrap_or_else(|| panic!("{answer}"));
    let forged = BASE64_URL_SAFE_NO_PAD.encode([neutral, [0; 32]].concat());
    let message = unsigned(&json!({"alg": "EdDSA"}), &claims(&world, id, "1"));
    ask(&world, &format!("{message}.{forged}")).await.expect_error(401, "invalid_client");
    assert_eq!(ask(&world, &good.sign(&claims(&world, id, "2"))).await.status, 200);
}
