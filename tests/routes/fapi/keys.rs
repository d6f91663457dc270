//! The server's own keys within the profile, and its TLS: FAPI 2.0 §5.2.1, §5.4.1, §5.4.2.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use jsonwebtoken::Algorithm;
use serde_json::json;
use token::Token;
use tokenmint_aws::config::TokenConfig;
use tokenmint_aws::provision::KeySpec;
use tokenmint_function::Clock;
use tokenmint_tests::{World, events};

use super::{any_proof, ask, assertion, client, token};
use crate::template::template;

/// Why the token function does not start with the settings of this world.
async fn mistake(world: &World) -> String {
    let config = TokenConfig::from_environment(&world.environment).expect("settings");
    let clock = Clock::Manual(Arc::new(AtomicU64::new(world.now())));
    Token::start(config, world.sdk(), clock).await.expect_err("does not start").to_string()
}

fn set(world: &mut World, name: &str, value: &str) {
    world.environment = std::mem::take(&mut world.environment).with(name, value);
}

/// The algorithm of a token of this world.
async fn algorithm(world: &World) -> Algorithm {
    let (key, id) = client(world).await;
    let answer = ask(world, &assertion(world, &key, &id, "1"), &any_proof(world)).await;
    token(world, &answer).await;
    let body = answer.json();
    jsonwebtoken::decode_header(body["access_token"].as_str().expect("a token")).expect("a header").alg
}

/// S1, S3, K1: a key in KMS of another algorithm stops the start, whether it signs or is only published; PS256 and ES256
/// sign.
#[tokio::test]
async fn s1_s3_k1_keys_in_kms() {
    let mut world = World::with_key(KeySpec::Rsa2048).await;
    let rsa = world.environment.value("SIGNING_KEYS").expect("set").to_owned();
    let p256 = world.another_key("alias/p256", KeySpec::EccNistP256).await;
    let p384 = world.another_key("alias/p384", KeySpec::EccNistP384).await;
    set(&mut world, "SECURITY_PROFILE", "fapi2");
    for (keys, key, signs) in [
        (rsa.clone(), &rsa, "RS256"),
        (p384.clone(), &p384, "ES384"),
        (format!("{p256},{rsa}"), &rsa, "RS256"),
        (format!("{rsa}=PS256,{p384}"), &p384, "ES384"),
    ] {
        set(&mut world, "SIGNING_KEYS", &keys);
        let expected = format!(
            "SIGNING_KEYS: {key} signs {signs}; with SECURITY_PROFILE=fapi2 every key must sign PS256 or ES256"
        );
        assert_eq!(mistake(&world).await, expected);
    }
    for (keys, expected) in
        [(format!("{rsa}=PS256,{p256}"), Algorithm::PS256), (format!("{p256},{rsa}=PS256"), Algorithm::ES256)]
    {
        world.set("SIGNING_KEYS", &keys).await;
        assert_eq!(algorithm(&world).await, expected);
        let published = world.token(&events::load("token-jwks")).await.json();
        let mut algorithms: Vec<_> =
            published["keys"].as_array().expect("keys").iter().map(|key| &key["alg"]).collect();
        algorithms.sort_by_key(ToString::to_string);
        assert_eq!(algorithms, ["ES256", "PS256"]);
    }
}

/// S1, S3, K3: sealed keys of an algorithm outside the profile stop the start as long as they are published, so that no
/// token of theirs becomes invalid by the profile; then it starts.
#[tokio::test]
async fn s1_s3_k3_sealed_keys_of_before() {
    for (before, alg, spec, expected) in [
        ("RSA_2048", "RS256", "ECC_NIST_P256", Algorithm::ES256),
        ("ECC_NIST_P384", "ES384", "ECC_NIST_EDWARDS25519", Algorithm::EdDSA),
    ] {
        let (mut world, _proxy) = World::sealed(before).await;
        world.restart().await;
        set(&mut world, "SIGNING_KEY_SPEC", spec);
        set(&mut world, "SECURITY_PROFILE", "fapi2");
        let error = mistake(&world).await;
        let start = format!("SECURITY_PROFILE: fapi2 does not allow {alg}, the algorithm of the sealed key ");
        assert!(error.starts_with(&start) && error.contains("set SIGNING_KEY_SPEC first"), "{error}");

        world.set("SECURITY_PROFILE", "none").await;
        let mut waits = 0;
        loop {
            let keys = world.token(&events::load("token-jwks")).await.json()["keys"].clone();
            if keys.as_array().expect("keys").iter().all(|key| key["alg"] != alg) {
                break;
            }
            waits += 1;
            assert!(waits < 100, "{keys}");
            assert!(mistake_within(&mut world).await.starts_with(&start));
            world.pass(3600);
        }
        world.set("SECURITY_PROFILE", "fapi2").await;
        assert_eq!(algorithm(&world).await, expected);
    }
}

/// The mistake of a start with the profile, without which the world goes on.
async fn mistake_within(world: &mut World) -> String {
    set(world, "SECURITY_PROFILE", "fapi2");
    let error = mistake(world).await;
    set(world, "SECURITY_PROFILE", "none");
    error
}

/// S3, D2: every published key has its own `kid`, and neither `x5u` nor `jku` (§5.4.2).
#[tokio::test]
async fn s3_d2_key_set() {
    let mut world = World::new().await;
    let first = world.environment.value("SIGNING_KEYS").expect("set").to_owned();
    let second = world.another_key("alias/second", KeySpec::Rsa2048).await;
    set(&mut world, "SIGNING_KEYS", &format!("{first},{second}=PS256"));
    world.set("SECURITY_PROFILE", "fapi2").await;
    let published = world.token(&events::load("token-jwks")).await.json();
    let keys = published["keys"].as_array().expect("keys");
    let mut ids: Vec<_> = keys.iter().map(|key| key["kid"].as_str().expect("a kid")).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((keys.len(), ids.len()), (2, 2));
    for key in keys {
        assert_eq!((key.get("x5u"), key.get("jku"), &key["use"]), (None, None, &json!("sig")));
    }
}

/// S8: the domain that the template makes accepts TLS 1.2 and later only.
#[test]
fn s8_tls_of_the_domain() {
    let template = template();
    let domains: Vec<_> = template["Resources"]
        .as_mapping()
        .expect("resources")
        .values()
        .filter(|resource| resource["Type"].as_str() == Some("AWS::ApiGatewayV2::DomainName"))
        .collect();
    assert_eq!(domains.len(), 1);
    let configurations = domains[0]["Properties"]["DomainNameConfigurations"].as_sequence().expect("configurations");
    assert!(configurations.iter().all(|one| one["SecurityPolicy"].as_str() == Some("TLS_1_2")));
}
