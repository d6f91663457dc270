//! A document that is fetched and cached for its lifetime, within bounds.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokenmint_oauth::EpochSeconds;
use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

use crate::FetchError;

/// The shortest lifetime of a document, in seconds, whatever its response says.
pub const MIN_LIFETIME: EpochSeconds = 60;

/// The longest lifetime of a document, in seconds.
pub const MAX_LIFETIME: EpochSeconds = 86_400;

/// For how many seconds beyond its lifetime a document of the operator's host is used while the host is unreachable or
/// returns errors (like `stale-if-error` of RFC 5861 §4).
pub const MAX_STALE: EpochSeconds = 3600;

/// The delay before a failed fetch is retried, in seconds. No URL is ever fetched more often than this.
pub const RETRY_AFTER: EpochSeconds = 10;

/// After how many seconds keys are fetched again if they do not contain the key of a token.
pub const NEWER_AFTER: EpochSeconds = 60;

/// A document and its lifetime in seconds, if the response has one.
pub type Found<T> = (T, Option<EpochSeconds>);

/// A cached document. It has at most one fetch at a time.
pub struct Cached<T>(Arc<Shared<T>>);

struct Shared<T> {
    state: Mutex<State<T>>,
    /// The holder of this lock may fetch.
    turn: Arc<Turn<()>>,
}

struct State<T> {
    max_stale: EpochSeconds,
    held: Option<Held<T>>,
    tried: Option<(EpochSeconds, Result<(), FetchError>)>,
}

struct Held<T> {
    document: Arc<T>,
    fetched_at: EpochSeconds,
    lifetime: EpochSeconds,
}

impl<T> Clone for Cached<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> fmt::Debug for Cached<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cached")
    }
}

impl<T> Cached<T> {
    /// No document yet. While fetches fail, it is used for so many seconds beyond its lifetime.
    pub fn new(max_stale: EpochSeconds) -> Self {
        let state = State { max_stale, held: None, tried: None };
        Self(Arc::new(Shared { state: Mutex::new(state), turn: Arc::default() }))
    }

    /// The document that is held, without a fetch, if it is not too old.
    pub fn held(&self, now: EpochSeconds) -> Option<Arc<T>> {
        self.0.state().usable(now)
    }

    /// Whether a document is held, however old.
    pub(crate) fn is_some(&self) -> bool {
        self.0.state().held.is_some()
    }

    /// Evicts the document. The time of its fetch is kept, so that eviction never causes more frequent fetches.
    pub(crate) fn evict(&self) {
        self.0.state().held = None;
    }

    /// Whether no caller fetches the document, waits for it, or fetched it less than [`RETRY_AFTER`] ago.
    pub(crate) fn is_idle(&self, now: EpochSeconds) -> bool {
        Arc::strong_count(&self.0) == 1 && !self.0.state().was_tried_within(RETRY_AFTER, now)
    }
}

impl<T: Send + Sync + 'static> Cached<T> {
    /// The document, fetched if it is older than its lifetime. If the fetch fails, the old one is used as long as
    /// [`Cached::new`] says, unless the host [withdrew it](FetchError::withdraws). While another caller fetches,
    /// only callers without a usable document wait.
    ///
    /// # Errors
    /// [`FetchError`]; the error of the last fetch if it began less than [`RETRY_AFTER`] ago.
    pub async fn document<F>(&self, now: EpochSeconds, fetch: F) -> Result<Arc<T>, FetchError>
    where
        F: Future<Output = Result<Found<T>, FetchError>> + Send + 'static,
    {
        self.document_then(now, fetch, || ()).await
    }

    /// [`Cached::document`], and calls `stored` after a successful fetch.
    pub(crate) async fn document_then<F, S>(&self, now: EpochSeconds, fetch: F, stored: S) -> Result<Arc<T>, FetchError>
    where
        F: Future<Output = Result<Found<T>, FetchError>> + Send + 'static,
        S: FnOnce() + Send + 'static,
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
        let fetched = self.fetch(now, turn, fetch, stored).await;
        fetched.or_else(|error| self.0.state().usable(now).ok_or(error))
    }

    /// A newer document than `held`: one that another caller has fetched or is fetching, otherwise that of a new fetch.
    /// `None` if the last fetch began less than [`NEWER_AFTER`] ago, or if this one fails.
    pub async fn newer<F>(&self, held: &Arc<T>, now: EpochSeconds, fetch: F) -> Option<Arc<T>>
    where
        F: Future<Output = Result<Found<T>, FetchError>> + Send + 'static,
    {
        self.newer_then(held, now, fetch, || ()).await
    }

    /// [`Cached::newer`], and calls `stored` after a successful fetch.
    pub(crate) async fn newer_then<F, S>(&self, held: &Arc<T>, now: EpochSeconds, fetch: F, stored: S) -> Option<Arc<T>>
    where
        F: Future<Output = Result<Found<T>, FetchError>> + Send + 'static,
        S: FnOnce() + Send + 'static,
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
        self.fetch(now, turn, fetch, stored).await.ok()
    }

    /// Fetches in a separate task, so that a caller that disconnects neither ends the fetch nor causes another one.
    async fn fetch<F, S>(
        &self,
        now: EpochSeconds,
        turn: OwnedMutexGuard<()>,
        fetch: F,
        stored: S,
    ) -> Result<Arc<T>, FetchError>
    where
        F: Future<Output = Result<Found<T>, FetchError>> + Send + 'static,
        S: FnOnce() + Send + 'static,
    {
        let shared = self.0.clone();
        let task = tokio::spawn(async move {
            let fetched = fetch.await;
            let document = shared.state().store(now, fetched);
            if document.is_ok() {
                stored();
            }
            drop(turn);
            document
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
        let (_, last) = self.tried.as_ref().filter(|_| self.was_tried_within(RETRY_AFTER, now))?;
        // After a successful fetch, the document is absent only if it was evicted.
        Some(self.usable(now).ok_or_else(|| last.clone().err().unwrap_or(FetchError::Busy)))
    }

    fn usable(&self, now: EpochSeconds) -> Option<Arc<T>> {
        self.younger_than(self.max_stale, now)
    }

    fn younger_than(&self, more: EpochSeconds, now: EpochSeconds) -> Option<Arc<T>> {
        let held = self.held.as_ref()?;
        (now.saturating_sub(held.fetched_at) < held.lifetime + more).then(|| held.document.clone())
    }

    fn was_tried_within(&self, seconds: EpochSeconds, now: EpochSeconds) -> bool {
        self.tried.as_ref().is_some_and(|(at, _)| now.saturating_sub(*at) < seconds)
    }

    fn store(&mut self, now: EpochSeconds, fetched: Result<Found<T>, FetchError>) -> Result<Arc<T>, FetchError> {
        // Nothing was fetched: the next caller may try.
        if let Err(FetchError::Busy) = fetched {
            return Err(FetchError::Busy);
        }
        self.tried = Some((now, fetched.as_ref().map(drop).map_err(Clone::clone)));
        match fetched {
            Ok((document, max_age)) => {
                let lifetime = max_age.unwrap_or(0).clamp(MIN_LIFETIME, MAX_LIFETIME);
                let document = Arc::new(document);
                self.held = Some(Held { document: document.clone(), fetched_at: now, lifetime });
                Ok(document)
            }
            Err(error) => {
                self.held.take_if(|_| error.withdraws());
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests;
