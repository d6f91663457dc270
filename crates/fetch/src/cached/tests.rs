use tokenmint_oauth::jose::KeysError;

use super::*;

const DOWN: FetchError = FetchError::Connect;

async fn at(cached: &Cached<u8>, now: EpochSeconds, found: Result<Found<u8>, FetchError>) -> Result<u8, FetchError> {
    cached.document(now, async move { found }).await.map(|document| *document)
}

/// V2: a document is cached for the lifetime of its response, within bounds.
#[tokio::test]
async fn v2_lifetimes_are_bounded() {
    for (max_age, lifetime) in [
        (None, MIN_LIFETIME),
        (Some(0), MIN_LIFETIME),
        (Some(59), MIN_LIFETIME),
        (Some(3600), 3600),
        (Some(u64::MAX), MAX_LIFETIME),
    ] {
        let cached = Cached::new(MAX_STALE);
        assert_eq!(at(&cached, 100, Ok((1, max_age))).await, Ok(1));
        assert_eq!(at(&cached, 100 + lifetime - 1, Ok((2, None))).await, Ok(1), "{max_age:?}");
        assert_eq!(at(&cached, 100 + lifetime, Ok((2, None))).await, Ok(2), "{max_age:?}");
    }
}

/// V2: while the host is down a document is used for an hour longer; a fetch is tried every ten seconds. One that the
/// host takes back is not used.
#[tokio::test]
async fn v2_stale_if_error_is_bounded() {
    let cached = Cached::new(MAX_STALE);
    assert_eq!(at(&cached, 100, Err(DOWN)).await, Err(DOWN));
    assert_eq!(at(&cached, 109, Ok((1, None))).await, Err(DOWN), "not tried again yet");
    assert_eq!(at(&cached, 110, Ok((1, None))).await, Ok(1));
    assert_eq!(at(&cached, 170, Err(DOWN)).await, Ok(1));
    assert_eq!(at(&cached, 179, Ok((2, None))).await, Ok(1), "not tried again yet");
    assert_eq!(at(&cached, 110 + MIN_LIFETIME + MAX_STALE - 1, Err(DOWN)).await, Ok(1));
    assert_eq!(at(&cached, 110 + MIN_LIFETIME + MAX_STALE, Err(DOWN)).await, Err(DOWN));

    let cached = Cached::new(MAX_STALE);
    assert_eq!(at(&cached, 100, Ok((1, None))).await, Ok(1));
    assert_eq!(at(&cached, 160, Err(FetchError::Status(404))).await, Err(FetchError::Status(404)));
}

/// V2: an unknown key causes a fetch once a minute at most.
#[tokio::test]
async fn v2_newer_documents_are_bounded() {
    let cached = Cached::new(MAX_STALE);
    let first = cached.document(100, async { Ok((1, Some(3600))) }).await.expect("a document");
    assert_eq!(cached.newer(&first, 159, async { Ok((2, None)) }).await, None);
    let second = cached.newer(&first, 160, async { Ok((2, Some(3600))) }).await.expect("a newer one");
    assert_eq!(*second, 2);
    assert_eq!(cached.newer(&first, 161, async { Ok((3, None)) }).await.as_deref(), Some(&2), "the known one");
    assert_eq!(cached.newer(&second, 219, async { Ok((3, None)) }).await, None);
    assert_eq!(cached.newer(&second, 220, async { Err(DOWN) }).await, None);
    assert_eq!(at(&cached, 221, Ok((4, None))).await, Ok(2), "a failure takes nothing away");
}

/// V2: what the host takes back while a newer document is asked for is not used.
#[tokio::test]
async fn v2_a_newer_document_that_is_taken_back() {
    for gone in [FetchError::Status(404), FetchError::Status(410), FetchError::Keys(KeysError::NoUsableKey)] {
        let cached = Cached::new(MAX_STALE);
        let held = cached.document(100, async { Ok((1, Some(3600))) }).await.expect("a document");
        let withdrawn = Err(gone.clone());
        assert_eq!(cached.newer(&held, 160, async { withdrawn }).await, None);
        assert_eq!(cached.held(160), None, "{gone}");
        assert_eq!(at(&cached, 169, Ok((2, None))).await, Err(gone), "not tried again yet");
        assert_eq!(at(&cached, 170, Err(DOWN)).await, Err(DOWN));
        assert_eq!(at(&cached, 180, Ok((2, None))).await, Ok(2));
    }
}
