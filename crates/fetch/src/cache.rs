//! Keys that were fetched, and when they are fetched again.

mod entries;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::jose::PublicKeys;
use tokio::sync::OwnedMutexGuard;

use crate::{FetchError, Fetcher};
use entries::Entries;

/// For how many seconds keys are used without being fetched again. While its host answers, a key that a client
/// takes back is used for no longer.
pub const MAX_AGE: EpochSeconds = 300;

/// For how many seconds after they were fetched keys are used at most, while their host cannot be reached or
/// answers with an error (as by `stale-if-error` of RFC 5861 §4).
pub const MAX_STALE_AGE: EpochSeconds = 3600;

/// After how many seconds keys are fetched again because they do not hold the one that is needed.
pub const NEWER_AFTER: EpochSeconds = 60;

/// After how many seconds a fetch that failed is tried again. No URL is ever fetched more often than this.
pub const RETRY_AFTER: EpochSeconds = 10;

/// The most sets of keys that are kept; the one that was not used for longest goes first.
pub const MAX_ENTRIES: usize = 256;

/// The most URLs of which it is remembered when they were fetched. None is forgotten within [`RETRY_AFTER`]:
/// beyond so many, [`FetchError::Busy`] is the answer for others.
pub const MAX_URLS: usize = 4096;

/// The keys at clients' URLs. For one URL there is one fetch at a time.
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

    /// The keys at a URL, fetched where they are older than [`MAX_AGE`]. If that fails they are used until
    /// [`MAX_STALE_AGE`], unless the host said that they are [taken back](FetchError::takes_keys_back). Where
    /// another caller is fetching, only a caller for whom there are no such keys waits for it.
    ///
    /// # Errors
    /// [`FetchError`]; that of the last fetch if it began less than [`RETRY_AFTER`] ago.
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
        // Another caller may have fetched them meanwhile.
        if let Some(known) = self.0.entries().entry(url, now)?.without_fetch(now) {
            return known;
        }
        let fetched = self.fetch(url, now, turn).await;
        fetched.or_else(|error| self.0.entries().entry(url, now)?.usable(now).ok_or(error))
    }

    /// Other keys at a URL than those `held`, which do not hold the right one: those that another caller has
    /// fetched or is fetching, else those of a new fetch. `None` if the last fetch began less than
    /// [`NEWER_AFTER`] ago, or this one fails.
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

    /// Fetches in a task of its own: a caller that goes away does not end the fetch, and so makes nobody begin
    /// another one.
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
        // Nothing panics while it holds the lock; if something did, the map would still be whole.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
