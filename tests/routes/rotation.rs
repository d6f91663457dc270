//! Sealed keys and their rotation: K2, K3, K4.

mod faults;
mod forged;
mod lost;

use std::collections::BTreeSet;

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation};
use serde_json::{Value, json};
use tokenmint_tests::{Answer, Credentials, Instance, Proxy, World, events};
use tokio::task::JoinSet;

const GENERATE: &str = "GenerateDataKeyPairWithoutPlaintext";

/// The stored keys, oldest first.
async fn stored(world: &World, proxy: &Proxy) -> Vec<Value> {
    let input = json!({
        "TableName": world.keys_table(),
        "ConsistentRead": true,
        "KeyConditionExpression": "issuer = :issuer",
        "ExpressionAttributeValues": {":issuer": {"S": "https://as.example"}},
    });
    proxy.dynamodb("Query", &input).await["Items"].as_array().expect("items").clone()
}

/// The response of an instance to a token request.
pub(crate) async fn ask(instance: &Instance, client: &Credentials) -> Answer {
    let event = events::token("grant_type=client_credentials");
    instance.token(&events::with_header(event, "authorization", client.basic())).await
}

pub(crate) async fn token(instance: &Instance, client: &Credentials) -> String {
    let body = ask(instance, client).await.json();
    body["access_token"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
}

pub(crate) async fn jwks(instance: &Instance) -> JwkSet {
    let answer = instance.token(&events::load("token-jwks")).await;
    serde_json::from_value(answer.json()).expect("a JWK set")
}

pub(crate) fn kid(token: &str) -> String {
    jsonwebtoken::decode_header(token).expect("a header").kid.expect("a kid")
}

pub(crate) fn kids(keys: &JwkSet) -> Vec<String> {
    keys.keys.iter().map(|key| key.common.key_id.clone().expect("a kid")).collect()
}

/// Verifies a token with the keys that a verifier has cached.
pub(crate) fn verifies(token: &str, keys: &JwkSet) -> Result<Value, String> {
    let header = jsonwebtoken::decode_header(token).expect("a header");
    let key = keys.find(&kid(token)).ok_or_else(|| format!("{} is not among {:?}", kid(token), kids(keys)))?;
    let mut validation = Validation::new(header.alg);
    validation.set_audience(&["https://as.example"]);
    validation.validate_exp = false;
    let key = DecodingKey::from_jwk(key).expect("a usable key");
    jsonwebtoken::decode(token, &key, &validation).map(|token| token.claims).map_err(|error| error.to_string())
}

/// K2, J1, J4: every key spec signs with its algorithm, and the tokens verify.
#[tokio::test]
async fn k2_every_kind_of_key() {
    for (spec, algorithm, members) in [
        ("RSA_2048", "RS256", json!(["alg", "e", "kid", "kty", "n", "use"])),
        ("ECC_NIST_P256", "ES256", json!(["alg", "crv", "kid", "kty", "use", "x", "y"])),
        ("ECC_NIST_P384", "ES384", json!(["alg", "crv", "kid", "kty", "use", "x", "y"])),
        ("ECC_NIST_EDWARDS25519", "EdDSA", json!(["alg", "crv", "kid", "kty", "use", "x"])),
    ] {
        let (mut world, _proxy) = World::sealed(spec).await;
        world.restart().await;
        let client = world.client(json!({})).await;
        let token = world.verified_token(&client).await;
        let header = json!(token.header);
        assert_eq!((&header["alg"], &header["typ"]), (&json!(algorithm), &json!("at+jwt")), "{spec}");
        let answer = world.token(&events::load("token-jwks")).await;
        assert_eq!(answer.header("cache-control"), Some("public, max-age=3600"));
        let keys = answer.json()["keys"].clone();
        assert_eq!(keys.as_array().map(Vec::len), Some(2), "{spec}: the one that signs, and the reserve");
        let mut names: Vec<_> = keys[1].as_object().expect("a key").keys().cloned().collect();
        names.sort();
        assert_eq!(json!(names), members, "{spec}");
        assert_eq!(keys[1]["alg"], algorithm);
    }
}

/// K2: a start with existing keys makes one `Query` and one `Decrypt` for each key that verifiers need, and makes no
/// key. A token makes only the calls of authentication.
#[tokio::test]
async fn k2_a_restart_opens_the_keys_that_are_published() {
    let (mut world, proxy) = World::sealed("ECC_NIST_P256").await;
    world.restart().await;
    assert_eq!((proxy.count(GENERATE), proxy.count("PutItem")), (2, 2), "the first key and its reserve");
    let client = world.client(json!({})).await;
    let before = world.verified_token(&client).await.header.kid;
    let keys = stored(&world, &proxy).await;

    proxy.forget();
    world.restart().await;
    let calls = || ["Query", "Decrypt", GENERATE, "PutItem", "GetItem"].map(|operation| proxy.count(operation));
    assert_eq!(calls(), [1, 2, 0, 0, 0]);
    for _ in 0..10 {
        assert_eq!(world.verified_token(&client).await.header.kid, before);
    }
    assert_eq!(world.token(&events::load("token-jwks")).await.status, 200);
    // The first token reads its client.
    assert_eq!(calls(), [1, 2, 0, 0, 1]);
    assert_eq!(stored(&world, &proxy).await, keys);
    // After a rotation the retired key is also needed, until its last token expires.
    for (passed, decrypted) in [(2_592_000, 3), (18_000 + 3_600 + 60, 2)] {
        world.pass(passed);
        token(&world.instance().await, &client).await;
        proxy.forget();
        world.instance().await;
        assert_eq!(calls(), [1, decrypted, 0, 0, 0], "{passed}");
    }
}

/// K2: no private key is stored in clear, and a stored key opens for its issuer only.
#[tokio::test]
async fn k2_another_issuer_has_other_keys() {
    let (mut world, proxy) = World::sealed("ECC_NIST_P256").await;
    let here = kids(&jwks(&world.instance().await).await);
    world.set("ISSUER", "https://other.example").await;
    let there = kids(&jwks(&world.instance().await).await);
    assert!(here.iter().all(|kid| !there.contains(kid)), "{here:?} {there:?}");
    assert_eq!(stored(&world, &proxy).await.len(), 2);
}

/// K3, K4: five rotations under load, with four instances and a clock that the test advances. Every token verifies
/// until it expires, at verifiers that cache the JWKS for its full cache lifetime.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k3_five_rotations_under_load() {
    const ROTATION: u64 = 3_600;
    const MAX_AGE: u64 = 600;
    const TTL: u64 = 1_500;
    let (mut world, proxy) = World::sealed("ECC_NIST_P256").await;
    world.environment = std::mem::take(&mut world.environment)
        .with("SIGNING_KEY_ROTATION", ROTATION.to_string())
        .with("JWKS_MAX_AGE", MAX_AGE.to_string())
        .with("ACCESS_TOKEN_TTL", TTL.to_string());
    let client = world.client(json!({})).await;
    let mut instances = Vec::new();
    for _ in 0..4 {
        instances.push(world.instance().await);
    }
    // The keys that each verifier has cached, and since when.
    let mut verifiers: Vec<(u64, JwkSet)> = Vec::new();
    for instance in &instances {
        verifiers.push((world.now(), jwks(instance).await));
        world.pass(MAX_AGE / 5);
    }
    let started = world.now();
    let (mut tokens, mut signers, mut verified) = (Vec::<String>::new(), Vec::<String>::new(), 0);
    for round in 0_usize.. {
        let now = world.now();
        if now > started + 5 * ROTATION + ROTATION / 2 {
            break;
        }
        let mut asked = JoinSet::new();
        for instance in instances.iter().chain(&instances) {
            let (instance, client) = (instance.clone(), client.clone());
            asked.spawn(async move { token(&instance, &client).await });
        }
        tokens.extend(asked.join_all().await);
        let good = |token: &String| {
            let claims = jsonwebtoken::dangerous::insecure_decode::<Value>(token).expect("claims").claims;
            claims["exp"].as_u64().is_some_and(|exp| now < exp)
        };
        tokens.retain(good);
        signers.extend(tokens.iter().rev().take(8).map(|token| kid(token)));
        for (at, (fetched_at, keys)) in verifiers.iter_mut().enumerate() {
            // It fetches again from any instance, only when its copy has expired.
            if now > *fetched_at + MAX_AGE {
                (*fetched_at, *keys) = (now, jwks(&instances[(at + round) % 4]).await);
            }
            for token in &tokens {
                let age = now - *fetched_at;
                verifies(token, keys).unwrap_or_else(|error| panic!("{}, age {age}: {error}", now - started));
                verified += 1;
            }
        }
        // Steps of various lengths, including a second before and after each boundary.
        world.pass([1, 59, 90, 149, 151, 37, 240, 2][round % 8]);
    }
    signers.dedup();
    let distinct: BTreeSet<_> = signers.iter().collect();
    assert!(distinct.len() >= 6, "five rotations: {signers:?}");
    assert!(verified > 10_000, "{verified}");
    let keys = stored(&world, &proxy).await;
    assert_eq!(keys.len(), distinct.len() + 1, "one key for each rotation, and the reserve");
    // The number of published keys stays bounded: the signing key, the reserve, and one retired key.
    assert!((2..=3).contains(&jwks(&instances[0]).await.keys.len()));
}

/// K4: a hundred instances without a key make only one; so do a hundred when the next key is due.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k4_a_hundred_at_once_make_one_key() {
    let (world, proxy) = World::sealed("ECC_NIST_P256").await;
    let world = std::sync::Arc::new(world);
    let client = world.client(json!({})).await;
    let mut starts = JoinSet::new();
    for _ in 0..100 {
        let world = world.clone();
        starts.spawn(async move { world.instance().await });
    }
    let instances = starts.join_all().await;
    for generations in [2, 3, 4] {
        let mut asked = JoinSet::new();
        for instance in instances.clone() {
            let client = client.clone();
            asked.spawn(async move { token(&instance, &client).await });
        }
        let tokens = asked.join_all().await;
        let signers: BTreeSet<_> = tokens.iter().map(|token| kid(token)).collect();
        assert_eq!(signers.len(), 1, "{generations}: all sign with the same key");
        let keys = stored(&world, &proxy).await;
        let numbers: Vec<_> = keys.iter().map(|key| key["generation"]["N"].as_str().expect("a number")).collect();
        assert_eq!(numbers, &["1", "2", "3", "4"][..generations]);
        let published = jwks(&instances[0]).await;
        for token in &tokens {
            verifies(token, &published).expect("verifies");
        }
        world.pass(2_592_000);
    }
}

/// K3: a key of a newly configured spec is announced for the usual time, and then signs.
#[tokio::test]
async fn k3_another_kind_of_key() {
    let (mut world, _proxy) = World::sealed("ECC_NIST_P256").await;
    world.restart().await;
    let client = world.client(json!({})).await;
    let alg = async |world: &World| json!(world.verified_token(&client).await.header.alg);
    world.pass(86_400);
    world.set("SIGNING_KEY_SPEC", "ECC_NIST_EDWARDS25519").await;
    assert_eq!(alg(&world).await, "ES256");
    world.pass(7_259);
    assert_eq!(alg(&world).await, "ES256");
    world.pass(1);
    assert_eq!(alg(&world).await, "EdDSA");
    world.pass(2_592_000);
    assert_eq!(alg(&world).await, "EdDSA");
}
