//! The issuer's keys: cached, refreshed, and never guessed.

use axum::Router;
use axum::routing::get;
use serde_json::json;
use tokenmint_aws::provision::KeySpec;
use tokenmint_tests::World;

use super::api::{Api, Call, Outcome, WAYS};

const METADATA: &str = "/.well-known/oauth-authorization-server";
const JWKS: &str = "/.well-known/jwks.json";

async fn read(api: &Api, token: &str) -> Outcome {
    let call = Call::read(format!("Bearer {token}"));
    let first = api.call(WAYS[0], &call).await;
    for way in &WAYS[1..] {
        let same = match &first {
            Outcome::Unauthorized(_) => Outcome::Unauthorized(None),
            other => other.clone(),
        };
        assert_eq!(api.call(*way, &call).await, same, "{way:?}");
    }
    first
}

/// V2: sealed keys rotate by themselves; a token of the new key works at once, and one of the old key until it expires.
#[tokio::test]
async fn v2_sealed_keys_rotate() {
    let (world, _proxy) = World::sealed("ECC_NIST_P256").await;
    let api = Api::of(world, &[]).await;
    let client = api.client(json!({})).await;
    let old = api.token(&client, "").await;
    assert_eq!(read(&api, &old).await, Outcome::Allowed);
    // The next key begins to sign; the verifier's copy is a second old, or has expired: the key was announced.
    api.world.pass(2_592_000 - 3_600);
    let before = api.token(&client, "").await;
    assert_eq!(read(&api, &before).await, Outcome::Allowed);
    api.world.pass(3_600 - 1);
    let fetched = api.issuer.asked(JWKS);
    api.world.pass(1);
    let new = api.token(&client, "").await;
    let kid = |token: &str| jsonwebtoken::decode_header(token).expect("a header").kid;
    assert_ne!(kid(&before), kid(&new));
    assert_eq!(read(&api, &new).await, Outcome::Allowed);
    assert_eq!(read(&api, &before).await, Outcome::Allowed, "the old key is still published");
    assert!(api.issuer.asked(JWKS) <= fetched + 1);
}

/// V2: an unknown key causes one fetch a minute, also if a stranger makes up names of keys.
#[tokio::test]
async fn v2_unknown_keys_are_fetched_once_a_minute() {
    let mut api = Api::start(&[]).await;
    let client = api.client(json!({})).await;
    let old = api.token(&client, "").await;
    assert_eq!(read(&api, &old).await, Outcome::Allowed);
    // An operator replaces the key without announcing it.
    let key = api.world.another_key("alias/second", KeySpec::EccNistP256).await;
    api.world.set("SIGNING_KEYS", &key).await;
    api.issuer.set(api.world.router());
    let new = api.token(&client, "").await;
    assert_eq!(read(&api, &new).await, Outcome::Unauthorized(Some("invalid_token".to_owned())), "fetched just now");
    assert_eq!(api.issuer.asked(JWKS), 1);
    api.world.pass(60);
    assert_eq!(read(&api, &new).await, Outcome::Allowed);
    assert_eq!((api.issuer.asked(JWKS), api.issuer.asked(METADATA)), (2, 1));
    for _ in 0..20 {
        assert_eq!(read(&api, &old).await, Outcome::Unauthorized(Some("invalid_token".to_owned())), "withdrawn");
    }
    assert_eq!(api.issuer.asked(JWKS), 2);
}

/// V2: while the issuer is down, cached keys verify for an hour longer than their lifetime; without keys, the answer is 503
/// and never an acceptance. When the issuer is back, so is the API.
#[tokio::test]
async fn v2_the_issuer_is_down() {
    let mut api = Api::start(&[]).await;
    let client = api.client(json!({})).await;
    let token = api.token(&client, "").await;
    assert_eq!(read(&api, &token).await, Outcome::Allowed);
    api.issuer.stop().await;
    // JWKS_MAX_AGE and an hour; the token is valid for five.
    for passed in [0, 3_600, 3_599] {
        api.world.pass(passed);
        assert_eq!(read(&api, &token).await, Outcome::Allowed, "{passed}");
        let (signed, signature) = token.rsplit_once('.').expect("three parts");
        let forged = format!("{signed}.{}", signature.chars().rev().collect::<String>());
        assert_eq!(read(&api, &forged).await, Outcome::Unauthorized(Some("invalid_token".to_owned())));
    }
    api.world.pass(1);
    assert_eq!(read(&api, &token).await, Outcome::Unavailable);
    // A new process has no keys. What no key could make valid is refused without any.
    api.restart(&[]);
    assert_eq!(read(&api, &token).await, Outcome::Unavailable);
    assert_eq!(read(&api, "x").await, Outcome::Unauthorized(Some("invalid_token".to_owned())));
    api.issuer.restart().await;
    assert_eq!(read(&api, &token).await, Outcome::Unavailable, "not asked again yet");
    api.world.pass(10);
    assert_eq!(read(&api, &token).await, Outcome::Allowed);
}

/// V2: an issuer that answers something else is as good as one that is down; metadata of another issuer counts for nothing.
#[tokio::test]
async fn v2_hostile_documents() {
    let mut api = Api::start(&[]).await;
    let token = api.token(&api.client(json!({})).await, "").await;
    let url = api.issuer.url.clone();
    let real = api.world.token(&tokenmint_tests::events::get(JWKS)).await.json().to_string();
    let mut private = serde_json::from_str::<serde_json::Value>(&real).expect("JSON");
    private["keys"][0]["d"] = "AAAA".into();
    let metadata = json!({"issuer": url, "jwks_uri": format!("{url}/keys")});
    let with = |name: &str, value: serde_json::Value| {
        let mut metadata = metadata.clone();
        metadata[name] = value;
        metadata.to_string()
    };
    for (metadata, keys, why) in [
        (with("issuer", "https://other.example".into()), real.clone(), "another issuer"),
        (with("issuer", format!("{url}/").into()), real.clone(), "a slash more"),
        (with("issuer", json!(null)), real.clone(), "no issuer"),
        (with("jwks_uri", json!(null)), real.clone(), "no keys"),
        (with("jwks_uri", "file:///etc/passwd".into()), real.clone(), "no URL of the web"),
        (with("jwks_uri", "http://192.0.2.1/keys".into()), real.clone(), "plain http to a host that is not loopback"),
        ("<html>".to_owned(), real.clone(), "no JSON"),
        (metadata.to_string(), "{}".to_owned(), "no key set"),
        (metadata.to_string(), json!({"keys": []}).to_string(), "no key"),
        (metadata.to_string(), private.to_string(), "a private key"),
        (metadata.to_string(), format!("{real}{}", " ".repeat(100_000)), "too large"),
    ] {
        let routes = Router::new().route(METADATA, get(async move || metadata.clone()));
        api.issuer.set(routes.route("/keys", get(async move || keys.clone())));
        api.restart(&[]);
        assert_eq!(read(&api, &token).await, Outcome::Unavailable, "{why}");
    }
    let routes = Router::new().route(METADATA, get(async move || metadata.to_string()));
    api.issuer.set(routes.route("/keys", get(async move || real.clone())));
    api.restart(&[]);
    assert_eq!(read(&api, &token).await, Outcome::Allowed);
}

/// V2: metadata that is not the issuer's is asked for again after a minute, whatever its own lifetime, and takes no keys
/// away: those that are held are used as if the issuer were down.
#[tokio::test]
async fn v2_metadata_that_is_not_the_issuers_takes_no_keys_away() {
    let api = Api::start(&[]).await;
    let client = api.client(json!({})).await;
    let url = api.issuer.url.clone();
    let good = json!({"issuer": url, "jwks_uri": format!("{url}/keys")});
    let keys = api.world.token(&tokenmint_tests::events::get(JWKS)).await.json().to_string();
    let serve = |metadata: &serde_json::Value, max_age: u32| {
        let (metadata, keys) = (metadata.to_string(), keys.clone());
        let lifetime = [("cache-control", format!("max-age={max_age}"))];
        let metadata = get(async move || (lifetime.clone(), metadata.clone()));
        let keys = get(async move || ([("cache-control", "max-age=3600")], keys.clone()));
        api.issuer.set(Router::new().route(METADATA, metadata).route("/keys", keys));
    };
    let mut fetched = 0;
    for bad in [
        json!({"issuer": "https://other.example", "jwks_uri": good["jwks_uri"]}),
        json!({"issuer": url}),
        json!({"issuer": url, "jwks_uri": 1}),
    ] {
        let token = api.token(&client, "").await;
        serve(&good, 60);
        assert_eq!(read(&api, &token).await, Outcome::Allowed, "{bad}");
        serve(&bad, 86_400);
        api.world.pass(60);
        fetched += 2;
        for passed in [0, 59] {
            api.world.pass(passed);
            assert_eq!(read(&api, &token).await, Outcome::Allowed, "{bad}, {passed}");
            assert_eq!(api.issuer.asked(METADATA), fetched, "{bad}, {passed}");
        }
        serve(&good, 60);
        api.world.pass(1);
        fetched += 1;
        assert_eq!(read(&api, &token).await, Outcome::Allowed, "{bad}");
        assert_eq!(api.issuer.asked(METADATA), fetched, "{bad}: asked again after a minute");
        // The keys are used for an hour beyond their own lifetime, and not longer.
        serve(&bad, 86_400);
        api.world.pass(7_199 - 120);
        assert_eq!(read(&api, &token).await, Outcome::Allowed, "{bad}");
        fetched += 1;
        api.world.pass(1);
        assert_eq!(read(&api, &token).await, Outcome::Unavailable, "{bad}");
        assert_eq!(api.issuer.asked(METADATA), fetched, "{bad}");
        api.world.pass(60);
    }
    assert_eq!(api.issuer.asked("/keys"), 3, "once for each");
}
