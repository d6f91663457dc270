//! A cache of fetched keys.

mod entries;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::jose::PublicKeys;
use tokio::sync::OwnedMutexGuard;

use crate::{FetchError, Fetcher};
use entries::Entries;

/// The lifetime of cached keys, in seconds. While its host responds, a key that a client withdraws is used no longer
/// than this.
pub const MAX_AGE: EpochSeconds = 300;

/// The maximum age of keys, in seconds, while their host is unreachable or returns errors (like `stale-if-error` of
/// RFC 5861 §4).
pub const MAX_STALE_AGE: EpochSeconds = 3600;

/// After how many seconds keys are fetched again if they do not contain the required key.
pub const NEWER_AFTER: EpochSeconds = 60;

/// The delay before a failed fetch is retried, in seconds. No URL is ever fetched more often than this.
pub const RETRY_AFTER: EpochSeconds = 10;

/// The maximum number of cached key sets; the least recently used one is evicted first.
pub const MAX_ENTRIES: usize = 256;

/// The maximum number of URLs whose fetch times are stored. None is evicted within [`RETRY_AFTER`]: if the cache is
/// full, other URLs get [`FetchError::Busy`].
pub const MAX_URLS: usize = 4096;

/// The keys at clients' URLs. Each URL has at most one fetch at a time.
#[derive(Debug)]
pub struct KeyCache(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    fetcher: Fetcher,
    entries: Mutex<Entries>,
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
    /// [`FetchError`]; the error of the last fetch if it began less than [`RETRY_AFTER`] ago.
    pub async fn keys(&self, url: &str, now: EpochSeconds) -> Result<Arc<PublicKeys>, FetchError> {
        let (usable, turn) = {
            let mut entries = self.0.entries();
            let entry = entries.entry(url, now)?;
            if let Some(known) = entry.without_fetch(now) {
                return known;
            }
            (entry.usable(now), entry.turn())
        };
        let turn = match usable {
            Some(keys) => match turn.try_lock_owned() {
                Ok(turn) => turn,
                Err(_) => return Ok(keys),
            },
            None => turn.lock_owned().await,
        };
        // Another caller may have fetched the keys meanwhile.
        if let Some(known) = self.0.entries().entry(url, now)?.without_fetch(now) {
            return known;
        }
        let fetched = self.fetch(url, now, turn).await;
        fetched.or_else(|error| self.0.entries().entry(url, now)?.usable(now).ok_or(error))
    }

    /// Newer keys than `held`, which do not contain the required key: those that another caller has fetched or is
    /// fetching, otherwise those of a new fetch. `None` if the last fetch began less than [`NEWER_AFTER`] ago, or if
    /// this one fails.
    pub async fn newer(&self, url: &str, held: &Arc<PublicKeys>, now: EpochSeconds) -> Option<Arc<PublicKeys>> {
        let turn = self.0.entries().entry(url, now).ok()?.turn();
        let turn = turn.lock_owned().await;
        {
            let mut entries = self.0.entries();
            let entry = entries.entry(url, now).ok()?;
            if let Some(other) = entry.usable(now).filter(|keys| !Arc::ptr_eq(keys, held)) {
                return Some(other);
            }
            if entry.was_tried_within(NEWER_AFTER, now) {
                return None;
            }
        }
        self.fetch(url, now, turn).await.ok()
    }

    /// Fetches in a separate task, so that a caller that disconnects neither ends the fetch nor causes another one.
    async fn fetch(
        &self,
        url: &str,
        now: EpochSeconds,
        turn: OwnedMutexGuard<()>,
    ) -> Result<Arc<PublicKeys>, FetchError> {
        let (shared, url) = (self.0.clone(), url.to_owned());
        let task = tokio::spawn(async move {
            let fetched = shared.fetcher.keys(&url).await.map(Arc::new);
            shared.entries().store(&url, now, &fetched);
            drop(turn);
            fetched
        });
        task.await.unwrap_or(Err(FetchError::Ended))
    }
}

impl Shared {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        // No code panics while it holds the lock. Even then, the map would be consistent.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
