//! G2: sealed keys of two regions. One region makes them, both sign with them.

use std::collections::BTreeSet;

use jsonwebtoken::jwk::JwkSet;
use serde_json::{Value, json};
use tokenmint_tests::{Credentials, Instance, Log, Regions, events};

use crate::rotation::{ask, jwks, kid, kids, token, verifies};

const GENERATE: &str = "GenerateDataKeyPairWithoutPlaintext";
const ROTATION: u64 = 3_600;
const MAX_AGE: u64 = 600;
const TTL: u64 = 1_500;

async fn regions(lag: u64) -> Regions {
    let mut regions = Regions::sealed("ECC_NIST_P256", lag).await;
    for (setting, value) in [("SIGNING_KEY_ROTATION", ROTATION), ("JWKS_MAX_AGE", MAX_AGE), ("ACCESS_TOKEN_TTL", TTL)] {
        regions.set(setting, &value.to_string());
    }
    regions
}

/// Two instances of each region, and verifiers that have fetched the key set from each of them.
struct Load {
    client: Credentials,
    instances: Vec<Instance>,
    /// The keys that each verifier has cached, and since when.
    verifiers: Vec<(u64, JwkSet)>,
    /// Valid tokens: `kid` and `exp`.
    tokens: Vec<(String, u64)>,
    signers: BTreeSet<String>,
    verified: usize,
    round: usize,
}

impl Load {
    async fn start(regions: &mut Regions) -> Self {
        let mut instances = vec![regions.a.instance().await];
        let client = regions.a.client(json!({})).await;
        regions.settle().await;
        instances.extend([regions.b.instance().await, regions.a.instance().await, regions.b.instance().await]);
        let mut verifiers = Vec::new();
        for instance in &instances {
            verifiers.push((regions.now(), jwks(instance).await));
            regions.pass(MAX_AGE / 5).await;
        }
        let (tokens, signers) = Default::default();
        Self { client, instances, verifiers, tokens, signers, verified: 0, round: 0 }
    }

    /// Every instance issues a token. Each verifier, which fetches the key set again from any instance only when its copy
    /// has expired, verifies every token that has not.
    async fn step(&mut self, regions: &mut Regions) {
        let now = regions.now();
        self.tokens.retain(|(_, exp)| now < *exp);
        let mut fresh = Vec::new();
        for instance in &self.instances {
            fresh.push(token(instance, &self.client).await);
        }
        self.tokens.extend(fresh.iter().map(|token| (kid(token), now + TTL)));
        self.signers.extend(fresh.iter().map(|token| kid(token)));
        for (at, (fetched_at, keys)) in self.verifiers.iter_mut().enumerate() {
            if now > *fetched_at + MAX_AGE {
                (*fetched_at, *keys) = (now, jwks(&self.instances[(at + self.round) % self.instances.len()]).await);
            }
            let age = now - *fetched_at;
            for token in &fresh {
                verifies(token, keys).unwrap_or_else(|error| panic!("at {now}, keys of age {age}: {error}"));
            }
            // A `kid` is the thumbprint of its key, so one signature shows what the key is.
            let published = kids(keys);
            for (kid, _) in &self.tokens {
                assert!(published.contains(kid), "at {now}, keys of age {age}: {kid} is not among {published:?}");
                self.verified += 1;
            }
        }
        // Steps of various lengths, including a second before and after each boundary.
        regions.pass([1, 59, 90, 149, 151, 37, 240, 2][self.round % 8]).await;
        self.round += 1;
    }

    async fn run(&mut self, regions: &mut Regions, seconds: u64) {
        let until = regions.now() + seconds;
        while regions.now() < until {
            self.step(regions).await;
        }
    }
}

/// The generations and public keys in the tables of both regions.
async fn stored_keys(regions: &mut Regions) -> [Vec<(String, Value)>; 2] {
    regions.stored().await.map(|items| {
        let keys = items.into_iter().filter(|item| item.get("generation").is_some());
        let keys =
            keys.map(|key| (key["generation"]["N"].as_str().expect("a number").to_owned(), key["public_key"].clone()));
        keys.collect()
    })
}

/// G2, K3: five rotations while every write takes half of `JWKS_MAX_AGE` to the other region. No token of either region
/// fails, at verifiers that cache the key set of either region. Both sign with the same keys, and only one makes them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g2_k3_five_rotations_under_lag() {
    let mut regions = regions(MAX_AGE / 2).await;
    let proxy = regions.b.behind_proxy().await;
    let mut load = Load::start(&mut regions).await;
    load.run(&mut regions, 5 * ROTATION + ROTATION / 2).await;
    assert!(load.signers.len() >= 6, "{:?}", load.signers);
    assert!(load.verified > 5_000, "{}", load.verified);
    let [a, b] = stored_keys(&mut regions).await;
    assert_eq!(a.len(), load.signers.len() + 1, "one key for each rotation, and the reserve");
    assert!(a == b || b.len() + 1 == a.len());
    assert_eq!((proxy.count(GENERATE), proxy.count("PutItem")), (0, 0), "the other region makes no key");
    assert!(proxy.count("Decrypt") > 6);
}

/// G2, K3: a key out of turn, because another key spec is configured, is announced early enough for that lag too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g2_k3_another_key_spec_under_lag() {
    let mut regions = regions(MAX_AGE / 2).await;
    let mut load = Load::start(&mut regions).await;
    load.run(&mut regions, ROTATION / 2).await;
    regions.set_a("SIGNING_KEY_SPEC", "ECC_NIST_P384");
    load.instances[0] = regions.a.instance().await;
    load.instances[2] = regions.a.instance().await;
    load.run(&mut regions, ROTATION).await;
    for instance in &load.instances {
        let header = jsonwebtoken::decode_header(&token(instance, &load.client).await).expect("a header");
        assert_eq!(json!(header.alg), "ES384");
    }
}

/// G2, K3: a region that is cut off for less than a rotation, less one and a half `JWKS_MAX_AGE`, signs with the keys
/// that it knows, switches to the reserve on time, and misses nothing when it returns.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g2_k3_a_region_that_was_cut_off_and_returns() {
    let mut regions = regions(1).await;
    let mut load = Load::start(&mut regions).await;
    // Cut off before the second key signs and the third one is made.
    load.run(&mut regions, ROTATION - MAX_AGE).await;
    let before = load.signers.len();
    regions.cut(true);
    load.run(&mut regions, ROTATION - 2 * MAX_AGE).await;
    assert_eq!(load.signers.len(), before + 1, "both regions switched to the same key");
    let [a, b] = stored_keys(&mut regions).await;
    assert_eq!(a.len(), b.len() + 1, "the reserve that the other region does not know");
    regions.cut(false);
    load.run(&mut regions, 2 * ROTATION).await;
    let [a, b] = stored_keys(&mut regions).await;
    assert_eq!(a, b);
}

/// G2, K4: two regions that make the next key at the same time, because both have `KEY_ROTATION=on` while they are cut
/// off. After the replication one of the two keys remains in both. It was in reserve, so the other one signed nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g2_k4_both_regions_make_the_next_key() {
    let mut regions = regions(1).await;
    let mut load = Load::start(&mut regions).await;
    // As when the first region fails and an operator lets the other one make the keys.
    regions.set_b("KEY_ROTATION", "on");
    load.instances[1] = regions.b.instance().await;
    load.instances[3] = regions.b.instance().await;
    load.run(&mut regions, ROTATION - MAX_AGE).await;
    for _ in 0..2 {
        regions.cut(true);
        load.run(&mut regions, ROTATION - 2 * MAX_AGE).await;
        let [a, b] = stored_keys(&mut regions).await;
        let generations = |keys: &[(String, Value)]| keys.iter().map(|(number, _)| number.clone()).collect::<Vec<_>>();
        assert_eq!(generations(&a), generations(&b), "the same number");
        assert_ne!(a, b, "two different keys");
        regions.cut(false);
        load.run(&mut regions, 2 * MAX_AGE).await;
        let [a, b] = stored_keys(&mut regions).await;
        assert_eq!(a, b);
    }
    load.run(&mut regions, ROTATION).await;
}

/// G2, O6: a region that makes no keys answers 503 until the first ones are replicated, for the key set too, so that no
/// verifier caches an empty one. It makes none itself.
#[tokio::test]
async fn g2_o6_no_key_before_the_first_replication() {
    let mut regions = regions(60).await;
    regions.restart().await;
    let proxy = regions.b.behind_proxy().await;
    let client = regions.b.client(json!({})).await;
    let instance = regions.b.instance().await;
    for _ in 0..3 {
        let refused = ask(&instance, &client).await;
        refused.expect_error(503, "temporarily_unavailable");
        assert!(refused.header("retry-after").is_some());
        let refused = instance.token(&events::load("token-jwks")).await;
        refused.expect_error(503, "temporarily_unavailable");
        regions.pass(19).await;
    }
    regions.settle().await;
    let token = token(&instance, &client).await;
    let published = jwks(&instance).await;
    verifies(&token, &published).expect("verifies");
    assert_eq!(kids(&published), kids(&jwks(&regions.a.instance().await).await));
    assert_eq!(proxy.count(GENERATE), 0);
}

/// G2, O3: a region whose reserve does not arrive says so in its log: an operator has until that reserve signs in the other
/// regions. A lag is no reason to.
#[tokio::test]
async fn g2_o3_an_overdue_reserve_is_logged() {
    let mut regions = regions(MAX_AGE / 2).await;
    let a = regions.a.instance().await;
    let client = regions.a.client(json!({})).await;
    regions.settle().await;
    let b = regions.b.instance().await;
    let log = Log::capture();
    for (cut, passed, overdue) in [
        (false, 2 * ROTATION + MAX_AGE / 2, false),
        (true, ROTATION - MAX_AGE / 2, false),
        (true, MAX_AGE + 60, true),
        (false, MAX_AGE, false),
    ] {
        regions.cut(cut);
        regions.pass(1).await;
        let before = log.text().matches("the next signing key is overdue").count();
        let until = regions.now() + passed;
        while regions.now() < until {
            token(&b, &client).await;
            jwks(&a).await;
            regions.pass(100).await;
        }
        let after = log.text().matches("the next signing key is overdue").count();
        assert_eq!(after > before, overdue, "{cut} {passed}: {}", log.text());
    }
}

/// G2: why only one region may make the first key: it signs at once, so of two first keys one is lost together with its
/// tokens.
#[tokio::test]
async fn g2_two_first_keys_lose_one() {
    let mut regions = regions(60).await;
    regions.set_b("KEY_ROTATION", "on");
    let (a, b) = (regions.a.instance().await, regions.b.instance().await);
    let client = regions.a.client(json!({})).await;
    regions.observe().await;
    let of_a = token(&a, &client).await;
    verifies(&of_a, &jwks(&b).await).expect_err("the other region does not know the key");
    regions.settle().await;
    regions.pass(MAX_AGE).await;
    let [in_a, in_b] = stored_keys(&mut regions).await;
    assert_eq!(in_a, in_b);
    verifies(&of_a, &jwks(&a).await).expect_err("the first region's key is lost");
    verifies(&token(&a, &client).await, &jwks(&b).await).expect("both sign with the other region's key");
}

/// G2, K2: a deleted key disappears in the other region after the lag, and the reserve signs in both.
#[tokio::test]
async fn g2_k2_a_stolen_key_is_deleted_in_both_regions() {
    let mut regions = regions(60).await;
    let a = regions.a.instance().await;
    let client = regions.a.client(json!({})).await;
    regions.settle().await;
    let b = regions.b.instance().await;
    let stolen = token(&b, &client).await;
    assert_eq!(kid(&token(&a, &client).await), kid(&stolen));
    regions.delete_key_in_a("1").await;
    regions.settle().await;
    regions.pass(MAX_AGE / 4).await;
    for instance in [&a, &b] {
        let token = token(instance, &client).await;
        assert_ne!(kid(&token), kid(&stolen));
        let published = jwks(instance).await;
        verifies(&token, &published).expect("verifies");
        verifies(&stolen, &published).expect_err("its key is gone");
    }
}
