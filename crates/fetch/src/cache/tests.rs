use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::{MIN_LIFETIME, NEW_AT_ONCE, NEW_PER_SECOND, RETRY_AFTER};

const START: EpochSeconds = 1000;

/// Counts the fetches, of which each finds the number of its fetch and a lifetime.
#[derive(Default)]
struct Source(Arc<AtomicU64>);

impl Source {
    fn fetch(
        &self,
        lifetime: Option<EpochSeconds>,
    ) -> impl Future<Output = Result<Found<u64>, FetchError>> + Send + use<> {
        let count = self.0.clone();
        async move { Ok((count.fetch_add(1, Ordering::SeqCst), lifetime)) }
    }

    fn fetches(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// C4: a response may shorten the lifetime of a document, but not below a minute, and cannot lengthen it.
#[tokio::test]
async fn c4_lifetime_of_a_document() {
    for (named, lifetime) in [
        (None, MAX_AGE),
        (Some(0), MIN_LIFETIME),
        (Some(MIN_LIFETIME + 1), MIN_LIFETIME + 1),
        (Some(MAX_AGE), MAX_AGE),
        (Some(86_400), MAX_AGE),
    ] {
        let (cache, source) = (Cache::limited(), Source::default());
        for (now, fetches) in [(START, 1), (START + lifetime - 1, 1), (START + lifetime, 2)] {
            cache.document("a", now, source.fetch(named)).await.expect("a document");
            assert_eq!(source.fetches(), fetches, "{named:?} {now}");
        }
    }
}

/// C4: any request can name a URL, so the fetches of new ones are limited. What is cached stays in use and is renewed.
#[tokio::test]
async fn c4_new_urls_are_limited() {
    let (cache, source) = (Cache::limited(), Source::default());
    cache.document("known", START, source.fetch(None)).await.expect("a document");
    let ask = async |prefix: &str, now| {
        let mut admitted = 0;
        for n in 0..200 {
            match cache.document(&format!("{prefix}{n}"), now, source.fetch(None)).await {
                Ok(_) => admitted += 1,
                Err(error) => assert_eq!(error, FetchError::Busy),
            }
        }
        admitted
    };
    assert_eq!(ask("a", START).await, NEW_AT_ONCE - 1);
    assert_eq!(source.fetches(), NEW_AT_ONCE);
    assert_eq!(ask("b", START).await, 0);
    cache.document("known", START + 1, source.fetch(None)).await.expect("a document");
    assert_eq!(source.fetches(), NEW_AT_ONCE, "no fetch");
    // What was refused is not remembered as a failure.
    assert_eq!(ask("b", START + 1).await, NEW_PER_SECOND);
    // A renewal is none of them, also where none is left.
    assert_eq!(ask("c", START + MAX_AGE).await, NEW_AT_ONCE);
    let held = cache.document("known", START + MAX_AGE, source.fetch(None)).await.expect("a document");
    assert_eq!(*held, NEW_AT_ONCE + NEW_PER_SECOND + NEW_AT_ONCE);
    let later = START + MAX_AGE + MIN_LIFETIME;
    assert_eq!(ask("d", later).await, NEW_AT_ONCE);
    assert_ne!(cache.newer("known", &held, later, source.fetch(None)).await.expect("a newer one"), held);
}

/// A6: registered URLs are not limited in number.
#[tokio::test]
async fn a6_registered_urls_are_not_limited() {
    let (cache, source) = (Cache::new(), Source::default());
    for n in 0..200 {
        cache.document(&n.to_string(), START, source.fetch(None)).await.expect("a document");
    }
    assert_eq!(source.fetches(), 200);
}

/// C4: a failed fetch is not repeated for ten seconds, and counts as one.
#[tokio::test]
async fn c4_failures_are_limited() {
    let (cache, source) = (Cache::<u64>::limited(), Source::default());
    let fail = || {
        let fetch = source.fetch(None);
        async move { fetch.await.and(Err(FetchError::Status(404))) }
    };
    for now in [START, START, START + RETRY_AFTER - 1] {
        assert_eq!(cache.document("a", now, fail()).await, Err(FetchError::Status(404)));
        assert_eq!(source.fetches(), 1);
    }
    for n in 1..NEW_AT_ONCE {
        assert_eq!(cache.document(&n.to_string(), START, fail()).await, Err(FetchError::Status(404)));
    }
    assert_eq!(cache.document("b", START, fail()).await, Err(FetchError::Busy));
    assert_eq!(source.fetches(), NEW_AT_ONCE);
}
