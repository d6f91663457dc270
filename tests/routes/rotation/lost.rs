//! Keys that cannot be recovered: one key fails, the service continues.

use serde_json::{Value, json};
use tokenmint_tests::{Proxy, World, events};

use super::{GENERATE, ask, jwks, kid, kids, stored, token, verifies};

pub(super) async fn damage(world: &World, proxy: &Proxy, generation: &str, attribute: &str, value: &Value) {
    let input = json!({
        "TableName": world.keys_table(),
        "Key": {"issuer": {"S": "https://as.example"}, "generation": {"N": generation}},
        "UpdateExpression": "SET #a = :a",
        "ExpressionAttributeNames": {"#a": attribute},
        "ExpressionAttributeValues": {":a": value},
    });
    proxy.dynamodb("UpdateItem", &input).await;
}

pub(super) async fn delete(world: &World, proxy: &Proxy, generation: &str) {
    let input = json!({
        "TableName": world.keys_table(),
        "Key": {"issuer": {"S": "https://as.example"}, "generation": {"N": generation}},
    });
    proxy.dynamodb("DeleteItem", &input).await;
}

/// K2: with a private key that KMS cannot open, one of another key, or an invalid item, the reserve signs, which
/// every verifier knows, and no key is made. An instance that has the key open continues to use it.
#[tokio::test]
async fn k2_a_key_that_cannot_be_opened_fails_alone() {
    for what in ["garbage", "another key's", "another issuer's", "not an item"] {
        let (mut world, proxy) = World::sealed("ECC_NIST_P256").await;
        let running = world.instance().await;
        let client = world.client(json!({})).await;
        let keys = stored(&world, &proxy).await;
        let [first, reserve] = &kids(&jwks(&running).await)[..] else { panic!("{keys:?}") };
        let value = match what {
            "garbage" => json!({"B": "Z2FyYmFnZQ=="}),
            "another key's" => keys[1]["sealed_private_key"].clone(),
            "another issuer's" => {
                world.set("ISSUER", "https://other.example").await;
                world.environment = std::mem::take(&mut world.environment).with("ISSUER", "https://as.example");
                let input = json!({
                    "TableName": world.keys_table(),
                    "Key": {"issuer": {"S": "https://other.example"}, "generation": {"N": "1"}},
                });
                proxy.dynamodb("GetItem", &input).await["Item"]["sealed_private_key"].clone()
            }
            _ => json!({"S": "a text"}),
        };
        damage(&world, &proxy, "1", "sealed_private_key", &value).await;
        proxy.forget();
        let started = world.instance().await;
        let new = token(&started, &client).await;
        assert_eq!(kid(&new), *reserve, "{what}");
        assert_eq!(kid(&token(&running, &client).await), *first, "{what}");
        assert_eq!((proxy.count(GENERATE), proxy.count("PutItem")), (0, 0), "{what}");
        // No call is repeated.
        let decrypted = proxy.count("Decrypt");
        token(&started, &client).await;
        assert_eq!(proxy.count("Decrypt"), decrypted, "{what}");
        verifies(&new, &jwks(&running).await).expect("every verifier knows it");
        verifies(&new, &jwks(&started).await).expect("it is published");
    }
}

/// K2: if no key can be recovered, one is made and signs immediately, the same for all instances.
#[tokio::test]
async fn k2_every_key_is_lost() {
    let (world, proxy) = World::sealed("ECC_NIST_P256").await;
    let running = world.instance().await;
    let client = world.client(json!({})).await;
    let first = kid(&token(&running, &client).await);
    for generation in ["1", "2"] {
        damage(&world, &proxy, generation, "sealed_private_key", &json!({"B": "Z2FyYmFnZQ=="})).await;
    }
    let (one, two) = (world.instance().await, world.instance().await);
    let (one, two) = (token(&one, &client).await, token(&two, &client).await);
    assert_eq!(kid(&one), kid(&two));
    assert_eq!(stored(&world, &proxy).await.len(), 3);
    // An instance with a usable key continues to use it until all instances know the new one.
    assert_eq!(kid(&token(&running, &client).await), first);
    world.pass(1_000);
    assert_eq!(kid(&token(&running, &client).await), first);
    verifies(&one, &jwks(&running).await).expect("published by all");
    world.pass(7_300);
    assert_eq!(kid(&token(&running, &client).await), kid(&one));
}

/// K3: a compromised key that was removed from the table leaves the JWKS and stops signing within a quarter of
/// `JWKS_MAX_AGE`; the reserve takes over immediately.
#[tokio::test]
async fn k3_a_key_that_is_taken_out() {
    let (world, proxy) = World::sealed("ECC_NIST_P256").await;
    let running = world.instance().await;
    let client = world.client(json!({})).await;
    let [first, reserve] = &kids(&jwks(&running).await)[..] else { panic!("two keys") };
    delete(&world, &proxy, "1").await;
    world.pass(899);
    assert_eq!(kid(&token(&running, &client).await), *first);
    world.pass(1);
    assert_eq!(kid(&token(&running, &client).await), *reserve);
    assert!(!kids(&jwks(&running).await).contains(first));
    delete(&world, &proxy, "2").await;
    let fresh = world.instance().await;
    let token = token(&fresh, &client).await;
    verifies(&token, &jwks(&fresh).await).expect("a new first key");
}

/// K4: items that are not valid keys are ignored, except that their generation is taken.
#[tokio::test]
async fn k4_an_item_that_is_no_key() {
    let (world, proxy) = World::sealed("ECC_NIST_P256").await;
    let item = json!({
        "TableName": world.keys_table(),
        "Item": {"issuer": {"S": "https://as.example"}, "generation": {"N": "7"}, "spec": {"S": "DSA"}},
    });
    proxy.dynamodb("PutItem", &item).await;
    let client = world.client(json!({})).await;
    let instance = world.instance().await;
    assert_eq!(ask(&instance, &client).await.status, 200);
    let keys = stored(&world, &proxy).await;
    let numbers: Vec<_> = keys.iter().map(|key| key["generation"]["N"].clone()).collect();
    assert_eq!(numbers, ["7", "8", "9"]);
    assert_eq!(jwks(&instance).await.keys.len(), 2);
    let answer = instance.token(&events::load("token-metadata")).await;
    assert_eq!(answer.status, 200);
}
