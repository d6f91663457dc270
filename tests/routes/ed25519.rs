//! The two names of Ed25519: `EdDSA` (RFC 8037) and `Ed25519` (RFC 9864).

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tokenmint_tests::{World, events};

use crate::client_key::{ClientKey, ask, claims, register};
use crate::site::{Site, ok};

const NAMES: [&str; 2] = ["EdDSA", "Ed25519"];

fn decoded(part: &str) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64url")
}

/// A6, R8: `alg` of the key, of the assertion and of the registration may each be either name; what was registered is
/// returned as sent.
#[tokio::test]
async fn a6_r8_both_names_of_ed25519() {
    let world = World::new().await;
    let mut key = ClientKey::new(Algorithm::EdDSA);
    for of_key in NAMES {
        key.jwk["alg"] = of_key.into();
        for registered in NAMES {
            let client = register(
                &world,
                &json!({
                    "token_endpoint_auth_method": "private_key_jwt", "jwks": key.jwks(),
                    "token_endpoint_auth_signing_alg": registered,
                }),
            )
            .await;
            for (jti, alg) in ["1", "2"].into_iter().zip(NAMES) {
                let assertion = key.sign_with(&json!({"alg": alg, "kid": "1"}), &claims(&world, &client, jti));
                let answer = ask(&world, &assertion).await;
                assert_eq!(answer.status, 200, "{of_key}, {registered}, {alg}: {:?}", answer.json());
            }
            let other = key.sign_with(&json!({"alg": "Ed448", "kid": "1"}), &claims(&world, &client, "3"));
            ask(&world, &other).await.expect_error(401, "invalid_client");
        }
    }
    let metadata = json!({"jwks": key.jwks(), "token_endpoint_auth_signing_alg": "Ed25519"});
    let answer = world.register(&events::register(&metadata)).await.json();
    assert_eq!(
        (&answer["jwks"]["keys"][0]["alg"], &answer["token_endpoint_auth_signing_alg"]),
        (&json!("Ed25519"), &json!("Ed25519"))
    );
}

/// A6: the same for keys at a `jwks_uri`.
#[tokio::test]
async fn a6_ed25519_at_a_jwks_uri() {
    let mut world = World::new().await;
    world.set("ISSUER", "http://127.0.0.1:9000").await;
    let mut key = ClientKey::new(Algorithm::EdDSA);
    key.jwk["alg"] = "Ed25519".into();
    let site = Site::start(ok(&key.jwks())).await;
    let metadata = json!({"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": site.url});
    let client = register(&world, &metadata).await;
    assert_eq!(ask(&world, &key.sign(&claims(&world, &client, "1"))).await.status, 200);
}

/// R8: a key with an `alg` that is not supported is refused, and the text says so.
#[tokio::test]
async fn r8_an_alg_that_is_not_supported() {
    let world = World::new().await;
    for (algorithm, alg) in [(Algorithm::EdDSA, "Ed448"), (Algorithm::ES256, "ESP256"), (Algorithm::RS256, "RS1")] {
        let mut key = ClientKey::new(algorithm);
        key.jwk["alg"] = alg.into();
        let answer = world.register(&events::register(&json!({"jwks": key.jwks()}))).await;
        answer.expect_error(400, "invalid_client_metadata");
        let text = answer.json()["error_description"].as_str().expect("a text").to_owned();
        assert!(text.starts_with("jwks holds no key for signatures: ") && text.contains("alg, if present"), "{text}");
    }
}

/// J5: proofs too, and the token is bound to the key's thumbprint, of which `alg` is no part.
#[tokio::test]
async fn j5_ed25519() {
    let world = World::new().await;
    let client = world.client(json!({})).await;
    let mut key = ClientKey::new(Algorithm::EdDSA);
    let mut thumbprints = Vec::new();
    for of_key in [json!(null), json!("EdDSA"), json!("Ed25519")] {
        key.jwk["alg"] = of_key.clone();
        let jwk: Value = key
            .jwk
            .as_object()
            .expect("a key")
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        for alg in NAMES {
            let header = json!({"typ": "dpop+jwt", "alg": alg, "jwk": jwk});
            let jti = format!("{of_key}-{alg}");
            let claims = json!({"jti": jti, "htm": "POST", "htu": "https://as.example/token", "iat": world.now()});
            let event = events::token("grant_type=client_credentials");
            let event = events::with_header(event, "authorization", client.basic());
            let answer = world.token(&events::with_header(event, "dpop", key.sign_with(&header, &claims))).await;
            let body = answer.json();
            assert_eq!((answer.status.as_u16(), &body["token_type"]), (200, &json!("DPoP")), "{jti}: {body}");
            let token = world.verify(body["access_token"].as_str().expect("a token")).await;
            thumbprints.push(token.claims["cnf"]["jkt"].as_str().expect("a thumbprint").to_owned());
        }
    }
    thumbprints.dedup();
    assert_eq!(thumbprints.len(), 1);
}

/// R17: software statements too.
#[tokio::test]
async fn r17_ed25519() {
    let mut world = World::new().await;
    let mut key = ClientKey::new(Algorithm::EdDSA);
    key.jwk["alg"] = "Ed25519".into();
    let trusted = json!([{"issuer": "https://vendor.example", "jwks": key.jwks()}]).to_string();
    world.set("SOFTWARE_STATEMENT_ISSUERS", &trusted).await;
    for alg in NAMES {
        let claims = json!({"iss": "https://vendor.example", "client_name": alg});
        let statement = key.sign_with(&json!({"alg": alg, "kid": "1"}), &claims);
        let answer = world.register(&events::register(&json!({"software_statement": statement}))).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["client_name"]), (201, &json!(alg)));
    }
}

/// J4, K2, D2, D3: `ED25519_ALG` is `alg` of the token's header and of the published key. A token that was issued under
/// the other name stays active to introspection, and can be revoked.
#[tokio::test]
async fn j4_d2_d3_d4_the_configured_name() {
    let (mut world, _proxy) = World::sealed("ECC_NIST_EDWARDS25519").await;
    world.restart().await;
    let client = world.client(json!({})).await;
    let mut issued = Vec::new();
    for name in NAMES {
        world.set("ED25519_ALG", name).await;
        let body = world.ask(&client, "").await.json();
        let token = body["access_token"].as_str().expect("a token").to_owned();
        let (message, signature) = token.rsplit_once('.').expect("a JWT");
        let header: Value = serde_json::from_slice(&decoded(token.split('.').next().expect("a header"))).expect("JSON");
        assert_eq!((&header["alg"], &header["typ"]), (&json!(name), &json!("at+jwt")));
        let keys = world.token(&events::load("token-jwks")).await.json()["keys"].clone();
        let keys = keys.as_array().expect("keys");
        assert!(keys.iter().all(|key| key["alg"] == name), "{keys:?}");
        let key = keys.iter().find(|key| key["kid"] == header["kid"]).expect("the key is published");
        let x = decoded(key["x"].as_str().expect("x"));
        UnparsedPublicKey::new(&ED25519, x).verify(message.as_bytes(), &decoded(signature)).expect("verifies");
        issued.push(token);
    }
    for name in NAMES {
        world.set("ED25519_ALG", name).await;
        for token in &issued {
            let event = events::form("/introspect", &format!("token={token}"));
            let answer = world.token(&events::with_header(event, "authorization", client.basic())).await;
            assert_eq!(answer.json()["active"], true, "{name}");
        }
    }
    let event = events::form("/revoke", &format!("token={}", issued[0]));
    assert_eq!(world.token(&events::with_header(event, "authorization", client.basic())).await.status, 200);
    let event = events::form("/introspect", &format!("token={}", issued[0]));
    let answer = world.token(&events::with_header(event, "authorization", client.basic())).await;
    assert_eq!(answer.json(), json!({"active": false}));
}
