//! Failing, throttled and stalled calls of DynamoDB and KMS: O6, K2, K4.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokenmint_function::REQUEST_BUDGET;
use tokenmint_tests::{Answer, Fault, World, events};
use tokio::task::JoinSet;

use super::{GENERATE, ask, jwks, kid, stored, token, verifies};

/// The time limit of a response in the worst case.
const LIMIT: Duration = REQUEST_BUDGET.saturating_add(Duration::from_millis(500));

async fn timed<T>(what: &str, work: impl Future<Output = T>) -> T {
    let started = Instant::now();
    let output = work.await;
    assert!(started.elapsed() < LIMIT, "{what}: {:?}", started.elapsed());
    output
}

fn expect_unavailable(answer: &Answer) {
    answer.expect_error(503, "temporarily_unavailable");
    assert_eq!(answer.header("retry-after"), Some("1"));
}

/// Asserts that all stored items are complete and every generation exists once.
fn expect_whole(keys: &[Value]) {
    for (at, key) in keys.iter().enumerate() {
        assert_eq!(key["generation"]["N"], (at + 1).to_string());
        assert_eq!(key.as_object().map(serde_json::Map::len), Some(11), "{key}");
    }
}

/// O6, K2: each call of the first start fails in each way. The function still starts, answers 503 in time, stores no
/// partial item, and serves when the services recover.
#[tokio::test]
async fn o6_the_first_start() {
    let mut cases = JoinSet::new();
    for operation in ["Query", GENERATE, "Decrypt", "PutItem"] {
        for fault in Fault::ALL {
            cases.spawn(async move { first_start(operation, fault).await });
        }
    }
    cases.join_all().await;
}

async fn first_start(operation: &str, fault: Fault) {
    let what = &format!("{operation} {fault:?}");
    let (mut world, proxy) = World::sealed("ECC_NIST_P256").await;
    // Without the table of clients, which uses the same operations.
    let client = world.client(json!({})).await;
    proxy.break_down(operation, fault);
    timed(what, world.restart()).await;
    let answers =
        [timed(what, world.ask(&client, "")).await, timed(what, world.token(&events::load("token-jwks"))).await];
    if (operation, fault) == ("PutItem", Fault::LoseAnswer) {
        // The item was stored, and the next read finds it.
        assert!(answers.iter().all(|answer| answer.status == 200), "{what}: {answers:?}");
    } else {
        answers.iter().for_each(expect_unavailable);
        assert_eq!(stored(&world, &proxy).await.len(), 0, "{what}");
    }
    proxy.repair();
    timed(what, world.verified_token(&client)).await;
    expect_whole(&stored(&world, &proxy).await);
}

/// O6, K2: a start with existing keys, while KMS or the table fails.
#[tokio::test]
async fn o6_a_restart() {
    let mut cases = JoinSet::new();
    for operation in ["Query", "Decrypt"] {
        for fault in Fault::ALL {
            cases.spawn(async move {
                let what = &format!("{operation} {fault:?}");
                let (mut world, proxy) = World::sealed("ECC_NIST_P256").await;
                world.restart().await;
                let client = world.client(json!({})).await;
                let keys = stored(&world, &proxy).await;
                proxy.break_down(operation, fault);
                timed(what, world.restart()).await;
                expect_unavailable(&timed(what, world.ask(&client, "")).await);
                let published = timed(what, world.token(&events::load("token-jwks"))).await;
                // A key that KMS has not authenticated is not published.
                expect_unavailable(&published);
                proxy.repair();
                timed(what, world.verified_token(&client)).await;
                assert_eq!(stored(&world, &proxy).await, keys, "{what}");
            });
        }
    }
    cases.join_all().await;
}

/// O6, K3: a running instance that cannot read the table continues for half of `JWKS_MAX_AGE`, then answers 503, and
/// serves again when the table recovers.
#[tokio::test]
async fn o6_the_table_cannot_be_read_again() {
    let mut cases = JoinSet::new();
    for fault in Fault::ALL {
        cases.spawn(async move {
            let what = &format!("{fault:?}");
            let (world, proxy) = World::sealed("ECC_NIST_P256").await;
            let instance = world.instance().await;
            let client = world.client(json!({})).await;
            let first = kid(&token(&instance, &client).await);
            proxy.break_down("Query", fault);
            proxy.forget();
            world.pass(900);
            assert_eq!(kid(&timed(what, token(&instance, &client)).await), first);
            let tried = proxy.count("Query");
            assert!((1..=3).contains(&tried), "{what}: {tried}");
            // Not again for each token.
            for _ in 0..5 {
                token(&instance, &client).await;
                jwks(&instance).await;
            }
            assert_eq!(proxy.count("Query"), tried, "{what}");
            world.pass(899);
            token(&instance, &client).await;
            world.pass(1);
            expect_unavailable(&timed(what, ask(&instance, &client)).await);
            expect_unavailable(&timed(what, instance.token(&events::load("token-jwks"))).await);
            proxy.repair();
            assert_eq!(kid(&token(&instance, &client).await), first);
        });
    }
    cases.join_all().await;
}

/// O6, K3: if KMS cannot open the next key when it starts to sign, the previous key signs for one more cache
/// lifetime, as long as its publication outlives the tokens; then the answer is 503. The new key signs when KMS
/// recovers. The key set is published without the next key while no verifier needs it, and after that not at all.
#[tokio::test]
async fn o6_the_next_key_cannot_be_opened() {
    let mut cases = JoinSet::new();
    for fault in Fault::ALL {
        cases.spawn(async move {
            let what = &format!("{fault:?}");
            let (world, proxy) = World::sealed("ECC_NIST_P256").await;
            let maker = world.instance().await;
            let instance = world.instance().await;
            let client = world.client(json!({})).await;
            world.pass(2_592_000);
            // Another instance makes the next key; this one learns of it when KMS no longer opens any key.
            let first = kid(&token(&maker, &client).await);
            proxy.break_down("Decrypt", fault);
            assert_eq!(kid(&timed(what, token(&instance, &client)).await), first, "{what}");
            assert_eq!((stored(&world, &proxy).await.len(), jwks(&instance).await.keys.len()), (3, 2), "{what}");
            world.pass(2_592_000 - 3_660);
            assert_eq!(kid(&timed(what, token(&instance, &client)).await), first, "{what}");
            assert_eq!(
                jwks(&instance).await.keys.len(),
                1,
                "{what}: the first key is removed, the third not yet known"
            );
            world.pass(1);
            expect_unavailable(&timed(what, instance.token(&events::load("token-jwks"))).await);
            world.pass(3_659);
            let late = timed(what, token(&instance, &client)).await;
            assert_eq!(kid(&late), first, "{what}");
            let tried = proxy.count("Decrypt");
            token(&instance, &client).await;
            assert_eq!(proxy.count("Decrypt"), tried, "{what}: not with each token again");
            world.pass(3_600);
            assert_eq!(kid(&timed(what, token(&instance, &client)).await), first, "{what}");
            world.pass(1);
            expect_unavailable(&timed(what, ask(&instance, &client)).await);
            expect_unavailable(&timed(what, instance.token(&events::load("token-jwks"))).await);
            proxy.repair();
            verifies(&late, &jwks(&instance).await).expect("still published");
            assert_ne!(kid(&timed(what, token(&instance, &client)).await), first, "{what}");
        });
    }
    cases.join_all().await;
}

/// O6, K4: if the reserve cannot be made, tokens are still signed in time, and the reserve is made when possible.
#[tokio::test]
async fn o6_the_reserve_cannot_be_made() {
    let mut cases = JoinSet::new();
    for operation in [GENERATE, "PutItem"] {
        for fault in Fault::ALL {
            cases.spawn(async move {
                let what = &format!("{operation} {fault:?}");
                let (world, proxy) = World::sealed("ECC_NIST_P256").await;
                let instance = world.instance().await;
                let client = world.client(json!({})).await;
                proxy.break_down(operation, fault);
                world.pass(2_592_000);
                proxy.forget();
                let signed = timed(what, token(&instance, &client)).await;
                verifies(&signed, &jwks(&instance).await).expect("verifies");
                let tried = proxy.count(operation);
                token(&instance, &client).await;
                assert_eq!(proxy.count(operation), tried, "{what}: not with each token again");
                let lost_answer = (operation, fault) == ("PutItem", Fault::LoseAnswer);
                assert_eq!(stored(&world, &proxy).await.len(), if lost_answer { 3 } else { 2 }, "{what}");
                proxy.repair();
                world.pass(900);
                token(&instance, &client).await;
                let keys = stored(&world, &proxy).await;
                assert_eq!(keys.len(), 3, "{what}");
                expect_whole(&keys);
            });
        }
    }
    cases.join_all().await;
}
