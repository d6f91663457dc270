//! Keys that were fetched, kept for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::jose::PublicKeys;
use tokio::sync::Mutex as AsyncMutex;

use crate::{FetchError, Fetcher};

/// For how many seconds keys are good. A key that a client takes back is good for no longer.
pub const MAX_AGE: EpochSeconds = 300;

/// After how many seconds keys are fetched again because they do not hold the one that is needed.
pub const NEWER_AFTER: EpochSeconds = 60;

/// After how many seconds a fetch that failed is tried again.
pub const RETRY_AFTER: EpochSeconds = 10;

/// The most URLs that are remembered; the one that was not asked for for longest goes first.
pub const MAX_ENTRIES: usize = 256;

/// The keys at clients' URLs. For one URL there is one fetch at a time.
#[derive(Debug)]
pub struct KeyCache {
    fetcher: Fetcher,
    entries: Mutex<HashMap<String, Entry>>,
}

#[derive(Debug)]
struct Entry {
    used: EpochSeconds,
    known: Arc<AsyncMutex<Known>>,
}

/// What is known of one URL.
#[derive(Debug, Default)]
struct Known {
    keys: Option<(EpochSeconds, Arc<PublicKeys>)>,
    tried: Option<(EpochSeconds, Result<(), FetchError>)>,
}

impl KeyCache {
    /// An empty cache.
    pub fn new(fetcher: Fetcher) -> Self {
        Self { fetcher, entries: Mutex::default() }
    }

    /// The keys at a URL, not older than [`MAX_AGE`].
    ///
    /// # Errors
    /// [`FetchError`]; that of the last fetch where this came less than [`RETRY_AFTER`] ago.
    pub async fn keys(&self, url: &str, now: EpochSeconds) -> Result<Arc<PublicKeys>, FetchError> {
        let known = self.entry(url, now);
        let mut known = known.lock().await;
        if let Some((at, keys)) = &known.keys
            && now.saturating_sub(*at) < MAX_AGE
        {
            return Ok(keys.clone());
        }
        if let Some((at, Err(error))) = known.tried
            && now.saturating_sub(at) < RETRY_AFTER
        {
            return Err(error);
        }
        self.fetch(url, now, &mut known).await
    }

    /// The keys at a URL, fetched anew because those of [`Self::keys`] do not hold the right one; `None` if the
    /// last fetch came less than [`NEWER_AFTER`] ago, or this one fails.
    pub async fn newer(&self, url: &str, now: EpochSeconds) -> Option<Arc<PublicKeys>> {
        let known = self.entry(url, now);
        let mut known = known.lock().await;
        if known.tried.is_some_and(|(at, _)| now.saturating_sub(at) < NEWER_AFTER) {
            return None;
        }
        self.fetch(url, now, &mut known).await.ok()
    }

    async fn fetch(&self, url: &str, now: EpochSeconds, known: &mut Known) -> Result<Arc<PublicKeys>, FetchError> {
        let fetched = self.fetcher.keys(url).await.map(Arc::new);
        known.tried = Some((now, fetched.as_ref().map(drop).map_err(|error| *error)));
        if let Ok(keys) = &fetched {
            known.keys = Some((now, keys.clone()));
        }
        fetched
    }

    fn entry(&self, url: &str, now: EpochSeconds) -> Arc<AsyncMutex<Known>> {
        // Nothing panics while it holds the lock; if something did, the map would still be whole.
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.get_mut(url) {
            entry.used = now;
            return entry.known.clone();
        }
        if entries.len() >= MAX_ENTRIES
            && let Some(oldest) = entries.iter().min_by_key(|(_, entry)| entry.used).map(|(url, _)| url.clone())
        {
            entries.remove(&oldest);
        }
        let known = Arc::default();
        entries.insert(url.to_owned(), Entry { used: now, known: Arc::clone(&known) });
        known
    }
}
