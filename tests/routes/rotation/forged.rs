//! An attacker writes to the table of sealed keys: a key is published or trusted only if KMS authenticates its whole
//! item (K2, K3).

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::prelude::{BASE64_STANDARD, Engine};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokenmint_tests::{Credentials, Instance, Proxy, World, events};

use super::lost::{damage, delete};
use super::{ask, jwks, kid, kids, stored, token, verifies};

const DAY: u64 = 86_400;

async fn put(world: &World, proxy: &Proxy, item: &Value) {
    proxy.dynamodb("PutItem", &json!({"TableName": world.keys_table(), "Item": item})).await;
}

fn number(number: u64) -> Value {
    json!({"N": number.to_string()})
}

fn binary(bytes: &[u8]) -> Value {
    json!({"B": BASE64_STANDARD.encode(bytes)})
}

async fn introspect(instance: &Instance, client: &Credentials, token: &str) -> Value {
    let event = events::form("/introspect", &format!("token={token}"));
    instance.token(&events::with_header(event, "authorization", client.basic())).await.json()
}

/// The attacker's key pair, and a token for `client` signed with it.
fn forge(world: &World, client: &Credentials) -> (Vec<u8>, String) {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("DER");
    let key = EncodingKey::from_ec_der(pair.to_pkcs8v1().expect("DER").as_ref());
    let jwk = jsonwebtoken::jwk::Jwk::from_encoding_key(&key, Algorithm::ES256).expect("a JWK");
    let kid = jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).expect("a thumbprint");
    let header = Header { typ: Some("at+jwt".to_owned()), kid: Some(kid), ..Header::new(Algorithm::ES256) };
    let claims = json!({
        "iss": "https://as.example", "sub": client.id, "client_id": client.id, "aud": "https://as.example",
        "exp": world.now() + 3600, "iat": world.now(), "jti": "forged", "scope": "admin",
    });
    (spki.as_ref().to_vec(), jsonwebtoken::encode(&header, &claims, &key).expect("a token"))
}

/// K2, D3: a public key that an attacker adds to the table is not published, and a token signed with its private key
/// is not active, with any stored private key and dates, before and after a restart.
#[tokio::test]
async fn k2_d3_a_public_key_put_into_the_table_is_not_trusted() {
    let (world, proxy) = World::sealed("ECC_NIST_P256").await;
    let running = world.instance().await;
    let client = world.client(json!({})).await;
    let own = kids(&jwks(&running).await);
    let genuine = stored(&world, &proxy).await[1].clone();
    for (private, signs_from, version) in [
        (binary(b"garbage"), world.now() + 900 * DAY, Some(2)),
        (binary(b"garbage"), world.now() - DAY, Some(2)),
        (binary(b"garbage"), world.now() + 900 * DAY, None),
        (genuine["sealed_private_key"].clone(), world.now() + 900 * DAY, Some(2)),
        (genuine["sealed_private_key"].clone(), world.now() + 900 * DAY, None),
    ] {
        let (public, forged) = forge(&world, &client);
        let mut item = genuine.clone();
        item["generation"] = number(9);
        item["public_key"] = binary(&public);
        item["sealed_private_key"] = private;
        item["signs_from"] = number(signs_from);
        item["expires_at"] = number(world.now() + 2_000 * DAY);
        match version {
            Some(version) => item["version"] = number(version),
            None => drop(item.as_object_mut().expect("an item").remove("version")),
        }
        put(&world, &proxy, &item).await;
        world.pass(900);
        for instance in [&running, &world.instance().await] {
            let good = token(instance, &client).await;
            assert_eq!(introspect(instance, &client, &good).await["active"], true);
            let published = jwks(instance).await;
            assert_eq!(kids(&published), own, "{item}");
            verifies(&forged, &published).expect_err("the attacker's key is not published");
            assert_eq!(introspect(instance, &client, &forged).await, json!({"active": false}), "{item}");
            verifies(&good, &published).expect("the own keys are");
        }
        delete(&world, &proxy, "9").await;
    }
}

/// K2, K3: any other change of an item makes the key refused: dates, generation, spec, issuer.
#[tokio::test]
async fn k2_k3_a_changed_item_is_refused() {
    let later = 1_700_000_000 + 900 * DAY;
    for (attribute, value) in [
        ("created_at", number(1)),
        ("signs_from", number(1_699_000_000)),
        ("signs_from", number(later)),
        ("signs_from", number(u64::MAX)),
        ("max_age", number(60)),
        ("token_ttl", number(604_800)),
        ("expires_at", number(later)),
        ("expires_at", number(u64::MAX)),
        ("spec", json!({"S": "ECC_NIST_P384"})),
        ("version", number(1)),
    ] {
        let (world, proxy) = World::sealed("ECC_NIST_P256").await;
        let running = world.instance().await;
        let client = world.client(json!({})).await;
        let [first, reserve] = &kids(&jwks(&running).await)[..] else { panic!("two keys") };
        damage(&world, &proxy, "2", attribute, &value).await;
        let started = world.instance().await;
        assert!(!kids(&jwks(&started).await).contains(reserve), "{attribute} {value}");
        let token = token(&started, &client).await;
        assert_eq!(kid(&token), *first, "{attribute} {value}");
        verifies(&token, &jwks(&running).await).expect("every verifier knows it");
        // A new reserve replaces it.
        assert_eq!((stored(&world, &proxy).await.len(), jwks(&started).await.keys.len()), (3, 2), "{attribute}");
    }
}

/// K2, K3: the item of an expired key, stored again with a new generation and new dates, is refused. So a stolen
/// private key of that item is useless.
#[tokio::test]
async fn k2_k3_an_old_key_put_back_is_refused() {
    let (world, proxy) = World::sealed("ECC_NIST_P256").await;
    let client = world.client(json!({})).await;
    let instance = world.instance().await;
    let old = stored(&world, &proxy).await[0].clone();
    let old_kid = kids(&jwks(&instance).await)[0].clone();
    for _ in 0..4 {
        world.pass(2_592_000);
        token(&instance, &client).await;
    }
    delete(&world, &proxy, "1").await;
    let current = stored(&world, &proxy).await.last().expect("keys").clone();
    for change in ["nothing", "dates", "number", "version"] {
        let mut item = old.clone();
        if change != "nothing" {
            for name in ["created_at", "signs_from", "expires_at"] {
                item[name] = current[name].clone();
            }
        }
        if change == "number" || change == "version" {
            item["generation"] = number(99);
        }
        if change == "version" {
            item.as_object_mut().expect("an item").remove("version");
        }
        put(&world, &proxy, &item).await;
        let instance = world.instance().await;
        assert!(!kids(&jwks(&instance).await).contains(&old_kid), "{change}");
        assert_ne!(kid(&token(&instance, &client).await), old_kid, "{change}");
        let key = json!({"issuer": item["issuer"], "generation": item["generation"]});
        proxy.dynamodb("DeleteItem", &json!({"TableName": world.keys_table(), "Key": key})).await;
    }
}

/// K4: a generation without a successor does not stop the existing keys.
#[tokio::test]
async fn k4_the_last_number_is_taken() {
    let (world, proxy) = World::sealed("ECC_NIST_P256").await;
    let client = world.client(json!({})).await;
    let instance = world.instance().await;
    let mut item = stored(&world, &proxy).await[1].clone();
    item["generation"] = number(u64::MAX);
    put(&world, &proxy, &item).await;
    world.pass(2_592_000);
    assert_eq!(ask(&instance, &client).await.status, 200);
    assert_eq!(ask(&world.instance().await, &client).await.status, 200);
}

/// A version 1 key, bound to the issuer only.
async fn put_first_version(world: &World, proxy: &Proxy, generation: u64, signs_from: u64) {
    let sealing_key = world.environment.value("SEALING_KEY").expect("set");
    let input = json!({
        "KeyId": sealing_key, "KeyPairSpec": "ECC_NIST_P256",
        "EncryptionContext": {"tokenmint:issuer": "https://as.example"},
    });
    let made = proxy.kms("GenerateDataKeyPairWithoutPlaintext", &input).await;
    let item = json!({
        "issuer": {"S": "https://as.example"}, "generation": number(generation), "spec": {"S": "ECC_NIST_P256"},
        "public_key": {"B": made["PublicKey"]}, "sealed_private_key": {"B": made["PrivateKeyCiphertextBlob"]},
        "created_at": number(world.now()), "signs_from": number(signs_from), "max_age": number(3_600),
        "token_ttl": number(18_000), "expires_at": number(signs_from + 2 * 2_592_000 + 18_000 + 3_660 + DAY),
    });
    put(world, proxy, &item).await;
}

/// K2, K3: version 1 keys continue to sign and verify. They are replaced by a version 2 key without a valid token
/// failing; after that, no version 1 key is accepted again.
#[tokio::test]
async fn k2_k3_keys_of_the_first_version_are_replaced() {
    let (world, proxy) = World::sealed("ECC_NIST_P256").await;
    put_first_version(&world, &proxy, 1, world.now() - 10 * DAY).await;
    put_first_version(&world, &proxy, 2, world.now() + 20 * DAY).await;
    let client = world.client(json!({})).await;
    world.pass(DAY);
    let instance = world.instance().await;
    let [first, second, third] = &kids(&jwks(&instance).await)[..] else { panic!("two keys and the new one") };
    let old = token(&instance, &client).await;
    assert_eq!(kid(&old), *first);
    world.pass(7_259);
    assert_eq!(kid(&token(&instance, &client).await), *first);
    let held = jwks(&instance).await;
    world.pass(1);
    let new = token(&instance, &client).await;
    assert_eq!(kid(&new), *third);
    verifies(&new, &held).expect("announced before it signs");
    verifies(&old, &jwks(&instance).await).expect("still published");
    // Another version 1 key, whose dates are not authenticated.
    put_first_version(&world, &proxy, 50, world.now() - DAY).await;
    let started = world.instance().await;
    assert_eq!(kid(&token(&started, &client).await), *third);
    world.pass(18_000 + 3_660);
    let published = kids(&jwks(&world.instance().await).await);
    assert!(!published.contains(first) && !published.contains(second) && published.contains(third), "{published:?}");
    assert_eq!(published.len(), 2, "the one that signs, and the reserve");
}
