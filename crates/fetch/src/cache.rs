//! A cache of documents at URLs that strangers chose.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokenmint_oauth::EpochSeconds;

use crate::FetchError;
use crate::admission::Admission;
use crate::cached::{Cached, Found};

/// The lifetime of cached keys, in seconds. While its host responds, a key that a client withdraws is used no longer
/// than this. The metadata document of a client is used no longer than this either.
pub const MAX_AGE: EpochSeconds = 300;

/// The maximum age of a document, in seconds, while its host is unreachable or returns errors (like `stale-if-error` of
/// RFC 5861 §4).
pub const MAX_STALE_AGE: EpochSeconds = 3600;

/// The maximum number of cached documents; the least recently used one is evicted first.
pub const MAX_ENTRIES: usize = 256;

/// The maximum number of URLs whose fetch times are stored. None is evicted within
/// [`RETRY_AFTER`](crate::RETRY_AFTER): if the cache is full, other URLs get [`FetchError::Busy`].
pub const MAX_URLS: usize = 4096;

/// The documents at many URLs, parsed. Each URL has at most one fetch at a time.
pub struct Cache<T>(Arc<Shared<T>>);

struct Shared<T> {
    /// How often a document may be fetched that is not cached; without it, that is not limited.
    admission: Option<Admission>,
    entries: Mutex<Entries<T>>,
}

/// The requested URLs.
struct Entries<T>(HashMap<String, Entry<T>>);

/// The state of one URL.
struct Entry<T> {
    used: EpochSeconds,
    document: Cached<T>,
}

impl<T> fmt::Debug for Cache<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cache")
    }
}

impl<T: Send + Sync + 'static> Cache<T> {
    /// An empty cache for URLs that are registered.
    pub fn new() -> Self {
        Self::with(None)
    }

    /// An empty cache for URLs that any request can name. Documents that it does not hold are fetched
    /// [`NEW_AT_ONCE`](crate::NEW_AT_ONCE) at once and then [`NEW_PER_SECOND`](crate::NEW_PER_SECOND) each second; a request
    /// for another gets [`FetchError::Busy`].
    pub fn limited() -> Self {
        Self::with(Some(Admission::default()))
    }

    fn with(admission: Option<Admission>) -> Self {
        Self(Arc::new(Shared { admission, entries: Mutex::new(Entries(HashMap::new())) }))
    }

    /// The document at a URL, fetched if it is older than its lifetime, which is [`MAX_AGE`] or what `fetch` found if that is
    /// shorter. If the fetch fails, it is used until [`MAX_STALE_AGE`], unless the host
    /// [withdrew it](FetchError::withdraws). While another caller fetches, only callers without a usable document wait.
    ///
    /// # Errors
    /// [`FetchError`]; the error of the last fetch if it began less than [`RETRY_AFTER`](crate::RETRY_AFTER) ago.
    pub async fn document<F>(&self, url: &str, now: EpochSeconds, fetch: F) -> Result<Arc<T>, FetchError>
    where
        F: Future<Output = Result<Found<T>, FetchError>> + Send + 'static,
    {
        let document = self.0.entries().document(url, now)?;
        let fetch = self.admitted(&document, now, fetch);
        document.document_then(now, fetch, self.bound(url)).await
    }

    /// A newer document than `held`: one that another caller has fetched or is fetching, otherwise that of a new fetch.
    /// `None` if the last fetch began less than [`NEWER_AFTER`](crate::NEWER_AFTER) ago, or if this one fails.
    pub async fn newer<F>(&self, url: &str, held: &Arc<T>, now: EpochSeconds, fetch: F) -> Option<Arc<T>>
    where
        F: Future<Output = Result<Found<T>, FetchError>> + Send + 'static,
    {
        let document = self.0.entries().document(url, now).ok()?;
        let fetch = self.admitted(&document, now, fetch);
        document.newer_then(held, now, fetch, self.bound(url)).await
    }

    /// The fetch, unless too many documents that are not cached were fetched lately.
    fn admitted<F>(
        &self,
        document: &Cached<T>,
        now: EpochSeconds,
        fetch: F,
    ) -> impl Future<Output = Result<Found<T>, FetchError>> + Send + use<T, F>
    where
        F: Future<Output = Result<Found<T>, FetchError>> + Send + 'static,
    {
        let (shared, is_new) = (self.0.clone(), !document.is_some());
        async move {
            match &shared.admission {
                Some(admission) if is_new && !admission.admits(now) => Err(FetchError::Busy),
                _ => fetch.await.map(|(document, lifetime)| (document, Some(lifetime.unwrap_or(MAX_AGE).min(MAX_AGE)))),
            }
        }
    }

    /// What is done after a fetch.
    fn bound(&self, url: &str) -> impl FnOnce() + Send + use<T> {
        let (shared, url) = (self.0.clone(), url.to_owned());
        move || shared.entries().bound(&url)
    }
}

impl<T: Send + Sync + 'static> Default for Cache<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Shared<T> {
    fn entries(&self) -> MutexGuard<'_, Entries<T>> {
        // No code panics while it holds the lock. Even then, the map would be consistent.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Entries<T> {
    /// The document at a URL, which is added if it does not exist.
    fn document(&mut self, url: &str, now: EpochSeconds) -> Result<Cached<T>, FetchError> {
        if self.0.len() >= MAX_URLS && !self.0.contains_key(url) {
            self.forget_one(now)?;
        }
        let new = || Entry { used: now, document: Cached::new(MAX_STALE_AGE - MAX_AGE) };
        let entry = self.0.entry(url.to_owned()).or_insert_with(new);
        entry.used = now;
        Ok(entry.document.clone())
    }

    /// Evicts the least recently used document if there are too many. Its fetch times are kept, so that eviction never
    /// causes more frequent fetches.
    fn bound(&mut self, just_fetched: &str) {
        let others = || self.0.iter().filter(|(url, entry)| entry.document.is_some() && *url != just_fetched);
        if others().count() < MAX_ENTRIES {
            return;
        }
        if let Some((_, oldest)) = others().min_by_key(|(_, entry)| entry.used) {
            oldest.document.evict();
        }
    }

    /// Evicts a URL that may be fetched again by now: first one without a document, otherwise the least recently used.
    fn forget_one(&mut self, now: EpochSeconds) -> Result<(), FetchError> {
        let idle = self.0.iter().filter(|(_, entry)| entry.document.is_idle(now));
        let oldest = idle.min_by_key(|(_, entry)| (entry.document.is_some(), entry.used)).map(|(url, _)| url.clone());
        self.0.remove(&oldest.ok_or(FetchError::Busy)?);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
