//! The warning at the start about key sets that are too large for some verifiers.

use serde_json::{Value, json};
use tokenmint_aws::provision::KeySpec;
use tokenmint_tests::{Log, World, events};

fn warnings(log: &Log) -> Vec<Value> {
    let lines = log.text();
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    lines.filter(|line| line.get("keys.published").is_some()).collect()
}

/// V9: a list of more than ten keys is warned of at the start, and works all the same.
#[tokio::test]
async fn v9_a_list_of_many_keys() {
    let mut world = World::new().await;
    let mut keys = world.environment.value("SIGNING_KEYS").expect("set").to_owned();
    let log = Log::capture();
    for at in 2..=11 {
        let key = world.another_key(&format!("alias/key-{at}"), KeySpec::EccNistP256).await;
        keys = format!("{keys},{key}");
        world.set("SIGNING_KEYS", &keys).await;
        assert_eq!(warnings(&log).len(), usize::from(at > 10), "{at}");
    }
    let warning = &warnings(&log)[0];
    assert_eq!((&warning["level"], &warning["keys.published"]), (&json!("WARN"), &json!(11)));
    assert!(warning["message"].as_str().is_some_and(|text| text.contains("more than 10 keys")), "{warning}");
    let published = world.token(&events::get("/.well-known/jwks.json")).await.json();
    assert_eq!(published["keys"].as_array().map(Vec::len), Some(11));
    world.verified_token(&world.client(json!({})).await).await;
}

/// V9: so are sealed keys whose tokens live much longer than a key signs.
#[tokio::test]
async fn v9_sealed_keys_that_rotate_fast() {
    let (mut world, _proxy) = World::sealed("ECC_NIST_P256").await;
    let log = Log::capture();
    world.set("SIGNING_KEY_ROTATION", "14400").await;
    assert_eq!(warnings(&log), Vec::<Value>::new());
    // Beside the one that signs and the reserve: eight retired keys, and a second later nine.
    for (ttl, published) in [("111540", None), ("111541", Some(11))] {
        world.set("ACCESS_TOKEN_TTL", ttl).await;
        let numbers = warnings(&log).into_iter().map(|line| line["keys.published"].as_u64()).next_back().flatten();
        assert_eq!(numbers, published, "{ttl}");
    }
}
