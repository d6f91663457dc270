use super::*;
use crate::host::{KeyHost, jwks, ok, status};
use crate::{MAX_AGE, MAX_ENTRIES, MAX_STALE_AGE, MAX_URLS, NEWER_AFTER, RETRY_AFTER};

const START: EpochSeconds = 1000;

async fn host() -> KeyHost {
    KeyHost::start(ok(&jwks(""))).await
}

fn cache() -> Arc<KeyCache> {
    Arc::new(KeyCache::new(Fetcher::new(true)))
}

/// Requests keys in a separate task.
fn ask(
    cache: &Arc<KeyCache>,
    url: &str,
    now: EpochSeconds,
) -> tokio::task::JoinHandle<Result<Arc<PublicKeys>, FetchError>> {
    let (cache, url) = (cache.clone(), url.to_owned());
    tokio::spawn(async move { cache.keys(&url, now).await })
}

/// Lets all other tasks run as far as they can without the network.
async fn let_others_run() {
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
}

/// A6: how often a URL is fetched.
#[tokio::test]
async fn a6_cache() {
    let (host, cache) = (host().await, cache());
    for _ in 0..8 {
        cache.keys(&host.origin, START).await.expect("keys");
    }
    assert_eq!(host.connections(), 1);
    cache.keys(&host.origin, START + MAX_AGE - 1).await.expect("keys");
    assert_eq!(host.connections(), 1);
    let now = START + MAX_AGE;
    let keys = cache.keys(&host.origin, now).await.expect("keys");
    assert_eq!(host.connections(), 2);
    assert!(cache.newer(&host.origin, &keys, now + NEWER_AFTER - 1).await.is_none());
    let newer = cache.newer(&host.origin, &keys, now + NEWER_AFTER).await.expect("newer keys");
    assert!(cache.newer(&host.origin, &newer, now + NEWER_AFTER).await.is_none());
    assert_eq!(host.connections(), 3);

    // A failure is cached too, for a shorter time.
    let host = KeyHost::start(ok("x")).await;
    for now in [START, START + RETRY_AFTER - 1] {
        assert_eq!(cache.keys(&host.origin, now).await, Err(FetchError::Json));
        assert_eq!(host.connections(), 1);
    }
    assert_eq!(cache.keys(&host.origin, START + RETRY_AFTER).await, Err(FetchError::Json));
    assert_eq!(host.connections(), 2);
}

/// A6: valid keys are used for exactly an hour while their host fails.
#[tokio::test]
async fn a6_stale_keys_while_the_host_is_down() {
    let (host, cache) = (host().await, cache());
    let keys = cache.keys(&host.origin, START).await.expect("keys");
    let mut connections = 1;
    for (at, answer) in [
        (START + MAX_AGE, status(500)),
        (START + MAX_AGE + RETRY_AFTER, status(503)),
        (START + MAX_AGE + 2 * RETRY_AFTER, status(429)),
        (START + 1000, ok("<p>Come back later.</p>")),
        (START + 2000, b"no HTTP".to_vec()),
        (START + MAX_STALE_AGE - 1, Vec::new()),
    ] {
        host.answer(answer);
        assert_eq!(cache.keys(&host.origin, at).await.as_ref(), Ok(&keys), "{at}");
        connections += 1;
        assert_eq!(host.connections(), connections, "{at}: one attempt");
        assert_eq!(cache.keys(&host.origin, at).await.as_ref(), Ok(&keys), "{at}");
        assert_eq!(host.connections(), connections, "{at}: no second one so soon");
    }
    for later in [START + MAX_STALE_AGE, START + MAX_STALE_AGE + 8] {
        assert_eq!(cache.keys(&host.origin, later).await, Err(FetchError::Http));
        assert_eq!(host.connections(), connections, "a failure is tried again after ten seconds");
    }
    host.answer(ok(&jwks("")));
    cache.keys(&host.origin, START + MAX_STALE_AGE + RETRY_AFTER).await.expect("keys again");
}

/// A6: an unresponsive host delays one caller by one fetch, and no caller loses the keys. The runtime's clock is
/// paused, so it jumps to the end of the fetch.
#[tokio::test]
async fn a6_stale_keys_while_the_host_stalls() {
    let (host, cache) = (host().await, cache());
    let keys = cache.keys(&host.origin, START).await.expect("keys");
    host.hold().await;
    tokio::time::pause();
    for now in [START + MAX_AGE, START + MAX_AGE + 1, START + MAX_STALE_AGE - 1] {
        assert_eq!(cache.keys(&host.origin, now).await.as_ref(), Ok(&keys), "{now}");
    }
    assert_eq!(cache.keys(&host.origin, START + MAX_STALE_AGE).await, Err(FetchError::Time));
    assert_eq!(cache.keys(&host.origin, START + 2 * MAX_STALE_AGE).await, Err(FetchError::Time));
}

/// A6: if a host reports that it has no keys, the cached keys are dropped immediately.
#[tokio::test]
async fn a6_keys_that_are_taken_back_are_not_used() {
    let private = jwks(r#","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE""#);
    for answer in [status(404), status(410), ok(r#"{"keys":[]}"#), ok(&private)] {
        let (host, cache) = (host().await, cache());
        cache.keys(&host.origin, START).await.expect("keys");
        host.answer(answer.clone());
        let text = String::from_utf8_lossy(&answer);
        for now in [START + MAX_AGE, START + MAX_AGE + 1] {
            let error = cache.keys(&host.origin, now).await.expect_err(&text);
            assert!(error.withdraws(), "{text}: {error}");
        }
        // A later outage of the host does not restore them.
        host.answer(status(500));
        assert_eq!(cache.keys(&host.origin, START + MAX_AGE + RETRY_AFTER).await, Err(FetchError::Status(500)));
    }
}

/// A6: a caller with keys does not wait for another caller's fetch. A caller without keys does, and no second fetch
/// starts.
#[tokio::test]
async fn a6_only_who_has_no_keys_waits_for_a_fetch() {
    let (host, cache) = (host().await, cache());
    let keys = cache.keys(&host.origin, START).await.expect("keys");
    host.next_connection().await;
    host.hold().await;
    let last = START + MAX_STALE_AGE - 1;
    let refresh = ask(&cache, &host.origin, last);
    host.next_connection().await;
    let stale = cache.keys(&host.origin, last).await.expect("stale keys");
    assert!(Arc::ptr_eq(&stale, &keys), "they are there before the fetch ends");
    let without: Vec<_> = (0..8).map(|_| ask(&cache, &host.origin, last + 1)).collect();
    let_others_run().await;
    assert!(!refresh.is_finished() && without.iter().all(|asked| !asked.is_finished()));
    host.release();
    let new = refresh.await.expect("no panic").expect("keys");
    for asked in without {
        assert!(Arc::ptr_eq(&asked.await.expect("no panic").expect("keys"), &new));
    }
    assert!(!Arc::ptr_eq(&new, &keys));
    assert_eq!(host.connections(), 2);
}

/// A6: concurrent callers without keys share one fetch, whether it succeeds or fails.
#[tokio::test]
async fn a6_one_fetch_at_a_time() {
    let cache = cache();
    for answer in [ok(&jwks("")), status(500)] {
        let host = KeyHost::start(answer).await;
        host.hold().await;
        let asked: Vec<_> = (0..32).map(|n| ask(&cache, &host.origin, START + n % 3)).collect();
        host.next_connection().await;
        let_others_run().await;
        host.release();
        let mut outcomes = Vec::new();
        for asked in asked {
            outcomes.push(asked.await.expect("no panic"));
        }
        assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]), "{outcomes:?}");
        assert_eq!(host.connections(), 1);
    }
}

/// A6: if a caller disconnects, the fetch continues for the waiting callers.
#[tokio::test]
async fn a6_a_caller_that_goes_away_starts_no_second_fetch() {
    let (host, cache) = (host().await, cache());
    host.hold().await;
    let gone = ask(&cache, &host.origin, START);
    host.next_connection().await;
    let waiting = ask(&cache, &host.origin, START);
    let_others_run().await;
    gone.abort();
    gone.await.expect_err("it was aborted");
    let_others_run().await;
    host.release();
    waiting.await.expect("no panic").expect("keys");
    assert_eq!(host.connections(), 1);
}

/// A6: of many callers that need a newly added key, one fetches and all get the new keys.
#[tokio::test]
async fn a6_newer_keys_for_all_who_need_them() {
    let (host, cache) = (host().await, cache());
    let old = cache.keys(&host.origin, START).await.expect("keys");
    host.next_connection().await;
    host.answer(ok(&jwks("").replace(r#""kid":"1""#, r#""kid":"2""#)));
    host.hold().await;
    let newer = || {
        let (cache, url, old) = (cache.clone(), host.origin.clone(), old.clone());
        tokio::spawn(async move { cache.newer(&url, &old, START + NEWER_AFTER).await })
    };
    let first = newer();
    host.next_connection().await;
    let others: Vec<_> = (0..8).map(|_| newer()).collect();
    let_others_run().await;
    // A caller that finds its key in the cache does not wait.
    assert!(Arc::ptr_eq(&cache.keys(&host.origin, START + NEWER_AFTER).await.expect("keys"), &old));
    host.release();
    let new = first.await.expect("no panic").expect("newer keys");
    assert_ne!(new, old);
    for other in others {
        assert!(Arc::ptr_eq(&other.await.expect("no panic").expect("newer keys"), &new));
    }
    assert_eq!(host.connections(), 2);
    assert!(cache.newer(&host.origin, &new, START + NEWER_AFTER).await.is_none(), "not twice in a minute");
    assert_eq!(host.connections(), 2);
}

/// A6: other URLs evict keys, but never cause a URL to be fetched more often. Failing URLs evict nothing.
#[tokio::test]
async fn a6_other_urls_make_no_url_be_fetched_more_often() {
    let (host, cache) = (host().await, cache());
    cache.keys(&host.origin, START).await.expect("keys");
    for n in 0..MAX_ENTRIES {
        assert_eq!(cache.keys(&format!("x{n}"), START + 1).await, Err(FetchError::Url));
    }
    cache.keys(&host.origin, START + 1).await.expect("keys");
    assert_eq!(host.connections(), 1);

    for n in 0..MAX_ENTRIES {
        cache.keys(&format!("{}/{n}", host.origin), START + 2).await.expect("keys");
    }
    let connections = 1 + MAX_ENTRIES;
    assert_eq!(cache.keys(&host.origin, START + RETRY_AFTER - 1).await, Err(FetchError::Busy));
    assert_eq!(host.connections(), connections);
    cache.keys(&host.origin, START + RETRY_AFTER).await.expect("keys");
    assert_eq!(host.connections(), connections + 1);
}

/// A6: more concurrent URLs than can be stored: none of those stored is fetched twice, the others are refused.
#[tokio::test]
async fn a6_no_url_is_forgotten_too_soon() {
    let (host, cache) = (KeyHost::start(status(500)).await, cache());
    assert_eq!(cache.keys(&host.origin, START).await, Err(FetchError::Status(500)));
    for n in 1..MAX_URLS {
        assert_eq!(cache.keys(&format!("x{n}"), START).await, Err(FetchError::Url));
    }
    for other in 0..8 {
        assert_eq!(cache.keys(&format!("y{other}"), START + RETRY_AFTER - 1).await, Err(FetchError::Busy));
    }
    assert_eq!(cache.keys(&host.origin, START + RETRY_AFTER - 1).await, Err(FetchError::Status(500)));
    assert_eq!(host.connections(), 1);
    assert_eq!(cache.keys("y", START + RETRY_AFTER).await, Err(FetchError::Url), "there is room again");
}
