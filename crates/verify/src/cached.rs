//! A document that is fetched and cached: for its `Cache-Control` lifetime, within bounds.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokenmint_fetch::FetchError;
use tokenmint_oauth::EpochSeconds;
use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

/// The shortest lifetime of a document, in seconds, whatever its response says.
pub const MIN_LIFETIME: EpochSeconds = 60;

/// The longest lifetime of a document, in seconds.
pub const MAX_LIFETIME: EpochSeconds = 86_400;

/// For how many seconds beyond its lifetime a document is used while its host is unreachable or returns errors (like
/// `stale-if-error` of RFC 5861 §4).
pub const MAX_STALE: EpochSeconds = 3600;

/// The delay before a failed fetch is retried, in seconds.
pub const RETRY_AFTER: EpochSeconds = 10;

/// After how many seconds keys are fetched again if they do not contain the key of a token.
pub const NEWER_AFTER: EpochSeconds = 60;

/// A document and its lifetime in seconds, if the response has one.
pub(crate) type Found<T> = (T, Option<u32>);

/// A cached document. It has at most one fetch at a time.
pub(crate) struct Cached<T>(Arc<Shared<T>>);

struct Shared<T> {
    state: Mutex<State<T>>,
    /// The holder of this lock may fetch.
    turn: Arc<Turn<()>>,
}

struct State<T> {
    held: Option<Held<T>>,
    tried: Option<(EpochSeconds, Result<(), FetchError>)>,
}

struct Held<T> {
    document: Arc<T>,
    fetched_at: EpochSeconds,
    lifetime: EpochSeconds,
}

impl<T> Default for Cached<T> {
    fn default() -> Self {
        Self(Arc::new(Shared { state: Mutex::new(State { held: None, tried: None }), turn: Arc::default() }))
    }
}

impl<T> fmt::Debug for Cached<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cached")
    }
}

impl<T: Send + Sync + 'static> Cached<T> {
    /// The document, fetched if it is older than its lifetime. If the fetch fails, it is used for [`MAX_STALE`] more,
    /// unless the host [withdrew it](FetchError::takes_keys_back). While another caller fetches, only callers without a
    /// usable document wait.
    ///
    /// # Errors
    /// [`FetchError`]; the error of the last fetch if it began less than [`RETRY_AFTER`] ago.
    pub(crate) async fn document<F>(&self, now: EpochSeconds, fetch: F) -> Result<Arc<T>, FetchError>
    where
        F: Future<Output = Result<Found<T>, FetchError>> + Send + 'static,
    {
        let usable = {
            let state = self.0.state();
            if let Some(known) = state.without_fetch(now) {
                return known;
            }
            state.usable(now)
        };
        let turn = self.0.turn.clone();
        let turn = match usable {
            Some(document) => match turn.try_lock_owned() {
                Ok(turn) => turn,
                Err(_) => return Ok(document),
            },
            None => turn.lock_owned().await,
        };
        // Another caller may have fetched it meanwhile.
        if let Some(known) = self.0.state().without_fetch(now) {
            return known;
        }
        let fetched = self.fetch(now, turn, fetch).await;
        fetched.or_else(|error| self.0.state().usable(now).ok_or(error))
    }

    /// A newer document than `held`: one that another caller has fetched or is fetching, otherwise that of a new fetch.
    /// `None` if the last fetch began less than [`NEWER_AFTER`] ago, or if this one fails.
    pub(crate) async fn newer<F>(&self, held: &Arc<T>, now: EpochSeconds, fetch: F) -> Option<Arc<T>>
    where
        F: Future<Output = Result<Found<T>, FetchError>> + Send + 'static,
    {
        let turn = self.0.turn.clone().lock_owned().await;
        {
            let state = self.0.state();
            if let Some(other) = state.usable(now).filter(|document| !Arc::ptr_eq(document, held)) {
                return Some(other);
            }
            if state.was_tried_within(NEWER_AFTER, now) {
                return None;
            }
        }
        self.fetch(now, turn, fetch).await.ok()
    }

    /// The document that is held, without a fetch, if it is not too old.
    pub(crate) fn held(&self, now: EpochSeconds) -> Option<Arc<T>> {
        self.0.state().usable(now)
    }

    /// Fetches in a separate task, so that a caller that disconnects neither ends the fetch nor causes another one.
    async fn fetch<F>(&self, now: EpochSeconds, turn: OwnedMutexGuard<()>, fetch: F) -> Result<Arc<T>, FetchError>
    where
        F: Future<Output = Result<Found<T>, FetchError>> + Send + 'static,
    {
        let shared = self.0.clone();
        let task = tokio::spawn(async move {
            let fetched = fetch.await;
            let stored = shared.state().store(now, fetched);
            drop(turn);
            stored
        });
        task.await.unwrap_or(Err(FetchError::Ended))
    }
}

impl<T> Shared<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        // No code panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    /// The result that is available without a fetch; `None` if a fetch is due.
    fn without_fetch(&self, now: EpochSeconds) -> Option<Result<Arc<T>, FetchError>> {
        if let Some(document) = self.younger_than(0, now) {
            return Some(Ok(document));
        }
        let (_, last) = self.tried.filter(|_| self.was_tried_within(RETRY_AFTER, now))?;
        let error = last.err()?;
        Some(self.usable(now).ok_or(error))
    }

    fn usable(&self, now: EpochSeconds) -> Option<Arc<T>> {
        self.younger_than(MAX_STALE, now)
    }

    fn younger_than(&self, more: EpochSeconds, now: EpochSeconds) -> Option<Arc<T>> {
        let held = self.held.as_ref()?;
        (now.saturating_sub(held.fetched_at) < held.lifetime + more).then(|| held.document.clone())
    }

    fn was_tried_within(&self, seconds: EpochSeconds, now: EpochSeconds) -> bool {
        self.tried.is_some_and(|(at, _)| now.saturating_sub(at) < seconds)
    }

    fn store(&mut self, now: EpochSeconds, fetched: Result<Found<T>, FetchError>) -> Result<Arc<T>, FetchError> {
        self.tried = Some((now, fetched.as_ref().map(drop).map_err(|error| *error)));
        match fetched {
            Ok((document, max_age)) => {
                let lifetime = EpochSeconds::from(max_age.unwrap_or(0)).clamp(MIN_LIFETIME, MAX_LIFETIME);
                let document = Arc::new(document);
                self.held = Some(Held { document: document.clone(), fetched_at: now, lifetime });
                Ok(document)
            }
            Err(error) => {
                self.held.take_if(|_| error.takes_keys_back());
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOWN: FetchError = FetchError::Connect;

    async fn at(
        cached: &Cached<u8>,
        now: EpochSeconds,
        found: Result<Found<u8>, FetchError>,
    ) -> Result<u8, FetchError> {
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
            (Some(u32::MAX), MAX_LIFETIME),
        ] {
            let cached = Cached::default();
            assert_eq!(at(&cached, 100, Ok((1, max_age))).await, Ok(1));
            assert_eq!(at(&cached, 100 + lifetime - 1, Ok((2, None))).await, Ok(1), "{max_age:?}");
            assert_eq!(at(&cached, 100 + lifetime, Ok((2, None))).await, Ok(2), "{max_age:?}");
        }
    }

    /// V2: while the host is down a document is used for an hour longer; a fetch is tried every ten seconds. One that the
    /// host takes back is not used.
    #[tokio::test]
    async fn v2_stale_if_error_is_bounded() {
        let cached = Cached::default();
        assert_eq!(at(&cached, 100, Err(DOWN)).await, Err(DOWN));
        assert_eq!(at(&cached, 109, Ok((1, None))).await, Err(DOWN), "not tried again yet");
        assert_eq!(at(&cached, 110, Ok((1, None))).await, Ok(1));
        assert_eq!(at(&cached, 170, Err(DOWN)).await, Ok(1));
        assert_eq!(at(&cached, 179, Ok((2, None))).await, Ok(1), "not tried again yet");
        assert_eq!(at(&cached, 110 + MIN_LIFETIME + MAX_STALE - 1, Err(DOWN)).await, Ok(1));
        assert_eq!(at(&cached, 110 + MIN_LIFETIME + MAX_STALE, Err(DOWN)).await, Err(DOWN));

        let cached = Cached::default();
        assert_eq!(at(&cached, 100, Ok((1, None))).await, Ok(1));
        assert_eq!(at(&cached, 160, Err(FetchError::Status(404))).await, Err(FetchError::Status(404)));
    }

    /// V2: an unknown key causes a fetch once a minute at most.
    #[tokio::test]
    async fn v2_newer_documents_are_bounded() {
        let cached = Cached::default();
        let first = cached.document(100, async { Ok((1, Some(3600))) }).await.expect("a document");
        assert_eq!(cached.newer(&first, 159, async { Ok((2, None)) }).await, None);
        let second = cached.newer(&first, 160, async { Ok((2, Some(3600))) }).await.expect("a newer one");
        assert_eq!(*second, 2);
        assert_eq!(cached.newer(&first, 161, async { Ok((3, None)) }).await.as_deref(), Some(&2), "the known one");
        assert_eq!(cached.newer(&second, 219, async { Ok((3, None)) }).await, None);
        assert_eq!(cached.newer(&second, 220, async { Err(DOWN) }).await, None);
        assert_eq!(at(&cached, 221, Ok((4, None))).await, Ok(2), "a failure takes nothing away");
    }
}
