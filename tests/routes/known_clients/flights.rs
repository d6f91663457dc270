//! Reads that many requests wait for.

use std::sync::Arc;

use serde_json::json;
use tokenmint_aws::clients::Author;
use tokenmint_aws::clients::known::{KnownClients, Refused};
use tokenmint_oauth::client::ClientId;
use tokenmint_tests::{Answer, Credentials, Fault, Log, Proxy, World};
use tokio::task::{JoinHandle, JoinSet};

use super::{ask, unavailable, wrong};

/// A world behind a proxy, with a client that no instance knows yet. It signs by itself: a hundred signatures at once
/// are more than the embedded KMS makes in time.
async fn world_with_new_client() -> (Arc<World>, Proxy, Credentials) {
    let (mut world, proxy) = World::sealed("ECC_NIST_P256").await;
    world.restart().await;
    let client = world.client(json!({})).await;
    proxy.forget();
    (Arc::new(world), proxy, client)
}

/// A token request in the background.
fn spawn(world: &Arc<World>, client: &Credentials) -> JoinHandle<Answer> {
    let (world, client) = (world.clone(), client.clone());
    tokio::spawn(async move { world.ask(&client, "").await })
}

async fn many(world: &Arc<World>, client: &Credentials) -> Vec<Answer> {
    let mut requests = JoinSet::new();
    for _ in 0..100 {
        let (world, client) = (world.clone(), client.clone());
        requests.spawn(async move { world.ask(&client, "").await });
    }
    requests.join_all().await
}

fn all_issued(answers: &[Answer]) {
    let refused = answers.iter().find(|answer| answer.status != 200);
    assert!(refused.is_none(), "{refused:?}");
}

/// O2: a hundred requests at once for a client that is not known make one read.
#[tokio::test]
async fn o2_a_hundred_requests_at_once_make_one_read() {
    let (world, proxy, client) = world_with_new_client().await;
    let answers = many(&world, &client).await;
    all_issued(&answers);
    assert_eq!((proxy.count("GetItem"), proxy.total()), (1, 1));
    world.pass(30);
    all_issued(&many(&world, &client).await);
    assert_eq!(proxy.count("GetItem"), 2);
}

/// M5, O2: a hundred requests at once with a new secret of a known client share few reads, and none is refused.
#[tokio::test]
async fn m5_o2_a_hundred_requests_at_once_with_a_new_secret() {
    let (world, proxy, old) = world_with_new_client().await;
    assert_eq!(world.ask(&old, "").await.status, 200);
    let (_, new) = crate::configure::update(&world, &old, json!({"rotate_client_secret": true})).await;
    proxy.forget();
    let answers = many(&world, &new).await;
    all_issued(&answers);
    assert!(proxy.count("GetItem") <= 2, "{}", proxy.count("GetItem"));
}

/// O6: a hundred requests at once share one failure; they do not try one after the other.
#[tokio::test]
async fn o6_a_failed_read_is_shared_and_not_kept() {
    let (world, proxy, client) = world_with_new_client().await;
    proxy.break_down("GetItem", Fault::Fail);
    unavailable(&world.ask(&client, "").await);
    let attempts = proxy.count("GetItem");
    proxy.forget();
    for answer in many(&world, &client).await {
        unavailable(&answer);
    }
    assert_eq!(proxy.count("GetItem"), attempts);
    proxy.repair();
    proxy.forget();
    assert_eq!(ask(&world, &proxy, &client).await, (1, 200));
}

/// O2, O6: a caller that goes away ends no read that others wait for, and a read that nobody waits for is in nobody's
/// way.
#[tokio::test]
async fn o2_o6_a_caller_that_goes_away_takes_no_read_with_it() {
    let (world, proxy, client) = world_with_new_client().await;
    proxy.break_down("GetItem", Fault::Hold);
    let (first, second) = (spawn(&world, &client), spawn(&world, &client));
    proxy.until_held(1).await;
    first.abort();
    assert!(first.await.is_err());
    proxy.release();
    assert_eq!(second.await.expect("an answer").status, 200);
    assert_eq!(proxy.count("GetItem"), 1);

    world.pass(30);
    let gone = spawn(&world, &client);
    proxy.until_held(2).await;
    gone.abort();
    assert!(gone.await.is_err());
    proxy.repair();
    assert_eq!(ask(&world, &proxy, &client).await, (1, 200));
}

/// O3: each request that waits for a shared read reports its wait, and a request without a read reports none.
#[tokio::test]
async fn o3_the_wait_for_a_shared_read_is_logged() {
    let (world, proxy, client) = world_with_new_client().await;
    let log = Log::capture();
    proxy.break_down("GetItem", Fault::Hold);
    let waiting: Vec<_> = (0..5).map(|_| spawn(&world, &client)).collect();
    proxy.until_held(1).await;
    proxy.repair();
    proxy.release();
    for request in waiting {
        assert_eq!(request.await.expect("an answer").status, 200);
    }
    world.ask(&client, "").await;
    let times: Vec<_> = log.requests().iter().map(|line| line["dynamodb_ms"].as_f64().expect("a time")).collect();
    let [waited @ .., known] = &times[..] else { panic!("no requests") };
    assert!(waited.len() == 5 && waited.iter().all(|time| *time > 0.0) && *known == 0.0, "{times:?}");
}

/// O2: a wrong secret that waits for a read which began before it came is compared with one that begins after it, so
/// that a secret which was stored meanwhile is found.
#[tokio::test]
async fn o2_a_read_that_began_too_early_refuses_nothing() {
    let (world, proxy, old) = world_with_new_client().await;
    assert_eq!(world.ask(&old, "").await.status, 200);
    proxy.break_down("GetItem", Fault::Hold);
    let attacker = spawn(&world, &wrong(&old));
    proxy.until_held(1).await;
    proxy.repair();
    // The answer that is held has the old secret only.
    let (_, new) = crate::configure::update(&world, &old, json!({"rotate_client_secret": true})).await;
    proxy.forget();
    let owner = spawn(&world, &new);
    tokio::task::yield_now().await;
    proxy.release();
    assert_eq!(attacker.await.expect("an answer").status, 401);
    assert_eq!(owner.await.expect("an answer").status, 200);
    assert_eq!(proxy.count("GetItem"), 1);
}

/// M6: a read that began before a client was removed keeps nothing of it afterwards, whoever waits for it.
#[tokio::test]
async fn m6_a_read_that_began_before_a_removal_keeps_nothing() {
    let (world, proxy, client) = world_with_new_client().await;
    let id = ClientId::parse(&client.id).expect("an identifier");
    let known = KnownClients::new(world.clients(), 30);
    let table = world.clients().seen_by(&known);
    proxy.break_down("GetItem", Fault::Hold);
    let early = tokio::spawn({
        let (known, id, now) = (known.clone(), id.clone(), world.now());
        async move { known.find(&id, now).await.expect("a read").client }
    });
    proxy.until_held(1).await;
    proxy.repair();
    table.remove(&id, &Author::operator("test")).await.expect("removed");
    // Nobody joins the early read any more.
    let found = known.find(&id, world.now()).await.expect("a read");
    assert_eq!((found.client.is_none(), proxy.count("GetItem")), (true, 2));
    proxy.release();
    assert!(early.await.expect("a read").is_some(), "it had read the client before");
    assert_eq!(known.size().0, 0);
    let found = known.find(&id, world.now()).await.expect("a read");
    assert_eq!((found.client.is_none(), proxy.count("GetItem")), (true, 3));
}

/// M6, O2: each write through a table that is watched makes the client be forgotten, also one that fails.
#[tokio::test]
async fn m6_o2_each_write_makes_the_client_be_forgotten() {
    let (world, proxy, client) = world_with_new_client().await;
    let id = ClientId::parse(&client.id).expect("an identifier");
    let known = KnownClients::new(world.clients(), 30);
    let table = world.clients().seen_by(&known);
    let find = async || known.find(&id, world.now()).await.expect("a read").client;
    let before = find().await.expect("the client");
    let (token, lost) = (before.registration_access_token.expect("a token"), Fault::LoseAnswer);
    for write in 0..6 {
        find().await;
        assert_eq!(known.size().0, 1, "{write}");
        match write {
            0 => table.set_disabled(&id, true, &Author::operator("test")).await.expect("written"),
            1 => table.set_disabled(&id, false, &Author::operator("test")).await.expect("written"),
            2 => table.set_secrets(&before, &before, &Author::operator("test")).await.expect("written"),
            3 => table.update(&before, &before).await.expect("written"),
            4 => {
                proxy.break_down("UpdateItem", lost);
                table.update(&before, &before).await.expect_err("the response is lost");
                proxy.repair();
            }
            _ => table.delete(&id, &token, world.now()).await.expect("written"),
        }
        assert_eq!(known.size().0, 0, "{write}");
    }
    assert!(find().await.is_none());
}

/// O2: a clock that was set back makes no client live longer.
#[tokio::test]
async fn o2_a_clock_that_is_set_back() {
    let (world, proxy, client) = world_with_new_client().await;
    let id = ClientId::parse(&client.id).expect("an identifier");
    let known = KnownClients::new(world.clients(), 30);
    for (now, reads) in [(100, 1), (129, 0), (99, 1), (99, 0), (128, 0), (129, 1), (u64::MAX, 1), (u64::MAX, 0)] {
        proxy.forget();
        assert!(known.find(&id, now).await.expect("a read").client.is_some());
        assert_eq!(proxy.count("GetItem"), reads, "{now}");
    }
}

/// O2, R19: with a lifetime of 0 nothing is kept. What is kept prints nothing of a client.
#[tokio::test]
async fn o2_r19_nothing_is_kept_or_shown() {
    let (world, proxy, client) = world_with_new_client().await;
    let id = ClientId::parse(&client.id).expect("an identifier");
    let (off, known) = (KnownClients::new(world.clients(), 0), KnownClients::new(world.clients(), 30));
    for _ in 0..3 {
        let found = off.find(&id, world.now()).await.expect("a read");
        assert!(off.newer(&id, &found, Refused::Request, world.now()).await.expect("no read").is_none());
        let newer = off.newer(&id, &found, Refused::Credentials, world.now()).await.expect("a read").expect("newer");
        assert!(off.newer(&id, &newer, Refused::Credentials, world.now()).await.expect("no read").is_none());
    }
    assert_eq!((proxy.count("GetItem"), off.size()), (6, (0, 0)));
    known.find(&id, world.now()).await.expect("a read");
    let shown = format!("{known:?}");
    assert!(shown.contains("Kept { clients: 1, bytes: ") && !shown.contains(&client.id), "{shown}");
}
