//! A cache of fetched keys.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::jose::PublicKeys;

use crate::cached::{Cached, Found};
use crate::{FetchError, Fetcher};

/// The lifetime of cached keys, in seconds. While its host responds, a key that a client withdraws is used no longer
/// than this.
pub const MAX_AGE: EpochSeconds = 300;

/// The maximum age of keys, in seconds, while their host is unreachable or returns errors (like `stale-if-error` of
/// RFC 5861 §4).
pub const MAX_STALE_AGE: EpochSeconds = 3600;

/// The maximum number of cached key sets; the least recently used one is evicted first.
pub const MAX_ENTRIES: usize = 256;

/// The maximum number of URLs whose fetch times are stored. None is evicted within
/// [`RETRY_AFTER`](crate::RETRY_AFTER): if the cache is full, other URLs get [`FetchError::Busy`].
pub const MAX_URLS: usize = 4096;

/// The keys at clients' URLs. Each URL has at most one fetch at a time.
#[derive(Debug)]
pub struct KeyCache(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    fetcher: Fetcher,
    entries: Mutex<Entries>,
}

/// The requested URLs.
#[derive(Debug, Default)]
struct Entries(HashMap<String, Entry>);

/// The state of one URL.
#[derive(Debug)]
struct Entry {
    used: EpochSeconds,
    keys: Cached<PublicKeys>,
}

impl KeyCache {
    /// An empty cache.
    pub fn new(fetcher: Fetcher) -> Self {
        Self(Arc::new(Shared { fetcher, entries: Mutex::default() }))
    }

    /// The keys at a URL, fetched if they are older than [`MAX_AGE`]. If the fetch fails, they are used until
    /// [`MAX_STALE_AGE`], unless the host [withdrew them](FetchError::takes_keys_back). While another caller
    /// fetches, only callers without usable keys wait for it.
    ///
    /// # Errors
    /// [`FetchError`]; the error of the last fetch if it began less than [`RETRY_AFTER`](crate::RETRY_AFTER) ago.
    pub async fn keys(&self, url: &str, now: EpochSeconds) -> Result<Arc<PublicKeys>, FetchError> {
        let keys = self.0.entries().keys(url, now)?;
        keys.document_then(now, self.fetch(url), self.bound(url)).await
    }

    /// Newer keys than `held`, which do not contain the required key: those that another caller has fetched or is
    /// fetching, otherwise those of a new fetch. `None` if the last fetch began less than
    /// [`NEWER_AFTER`](crate::NEWER_AFTER) ago, or if this one fails.
    pub async fn newer(&self, url: &str, held: &Arc<PublicKeys>, now: EpochSeconds) -> Option<Arc<PublicKeys>> {
        let keys = self.0.entries().keys(url, now).ok()?;
        keys.newer_then(held, now, self.fetch(url), self.bound(url)).await
    }

    fn fetch(&self, url: &str) -> impl Future<Output = Result<Found<PublicKeys>, FetchError>> + Send + use<> {
        let (shared, url) = (self.0.clone(), url.to_owned());
        async move { Ok((shared.fetcher.keys(&url).await?, Some(MAX_AGE))) }
    }

    /// What is done after a fetch.
    fn bound(&self, url: &str) -> impl FnOnce() + Send + use<> {
        let (shared, url) = (self.0.clone(), url.to_owned());
        move || shared.entries().bound_keys(&url)
    }
}

impl Shared {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        // No code panics while it holds the lock. Even then, the map would be consistent.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    /// The keys at a URL, which is added if it does not exist.
    fn keys(&mut self, url: &str, now: EpochSeconds) -> Result<Cached<PublicKeys>, FetchError> {
        if self.0.len() >= MAX_URLS && !self.0.contains_key(url) {
            self.forget_one(now)?;
        }
        let new = || Entry { used: now, keys: Cached::new(MAX_STALE_AGE - MAX_AGE) };
        let entry = self.0.entry(url.to_owned()).or_insert_with(new);
        entry.used = now;
        Ok(entry.keys.clone())
    }

    /// Evicts the least recently used keys if there are too many sets. Their fetch times are kept, so that eviction
    /// never causes more frequent fetches.
    fn bound_keys(&mut self, just_fetched: &str) {
        let others = || self.0.iter().filter(|(url, entry)| entry.keys.is_some() && *url != just_fetched);
        if others().count() < MAX_ENTRIES {
            return;
        }
        if let Some((_, oldest)) = others().min_by_key(|(_, entry)| entry.used) {
            oldest.keys.evict();
        }
    }

    /// Evicts a URL that may be fetched again by now: first one without keys, otherwise the least recently used.
    fn forget_one(&mut self, now: EpochSeconds) -> Result<(), FetchError> {
        let idle = self.0.iter().filter(|(_, entry)| entry.keys.is_idle(now));
        let oldest = idle.min_by_key(|(_, entry)| (entry.keys.is_some(), entry.used)).map(|(url, _)| url.clone());
        self.0.remove(&oldest.ok_or(FetchError::Busy)?);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
