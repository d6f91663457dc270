//! The state of each URL.

use std::collections::HashMap;
use std::sync::Arc;

use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::jose::PublicKeys;
use tokio::sync::Mutex;

use super::{MAX_AGE, MAX_ENTRIES, MAX_STALE_AGE, MAX_URLS, RETRY_AFTER};
use crate::FetchError;

/// The requested URLs.
#[derive(Debug, Default)]
pub(super) struct Entries(HashMap<String, Entry>);

/// The state of one URL.
#[derive(Debug, Default)]
pub(super) struct Entry {
    used: EpochSeconds,
    keys: Option<(EpochSeconds, Arc<PublicKeys>)>,
    tried: Option<(EpochSeconds, Result<(), FetchError>)>,
    turn: Arc<Mutex<()>>,
}

impl Entries {
    /// The entry of a URL, created if it does not exist.
    pub(super) fn entry(&mut self, url: &str, now: EpochSeconds) -> Result<&mut Entry, FetchError> {
        if self.0.len() >= MAX_URLS && !self.0.contains_key(url) {
            self.forget_one(now)?;
        }
        let entry = self.0.entry(url.to_owned()).or_default();
        entry.used = now;
        Ok(entry)
    }

    /// Records the result of a fetch that began at `now`.
    pub(super) fn store(&mut self, url: &str, now: EpochSeconds, fetched: &Result<Arc<PublicKeys>, FetchError>) {
        // An entry whose fetch lock is held is never evicted.
        let Some(entry) = self.0.get_mut(url) else { return };
        entry.tried = Some((now, fetched.as_ref().map(drop).map_err(|error| *error)));
        match fetched {
            Ok(keys) => {
                entry.keys = Some((now, keys.clone()));
                self.bound_keys(url);
            }
            Err(error) if error.takes_keys_back() => entry.keys = None,
            Err(_) => {}
        }
    }

    /// Evicts the least recently used keys if there are too many sets. Their fetch times are kept, so that eviction
    /// never causes more frequent fetches.
    fn bound_keys(&mut self, just_fetched: &str) {
        let others = || self.0.iter().filter(|(url, entry)| entry.keys.is_some() && *url != just_fetched);
        if others().count() < MAX_ENTRIES {
            return;
        }
        let oldest = others().min_by_key(|(_, entry)| entry.used).map(|(url, _)| url.clone());
        if let Some(entry) = oldest.and_then(|url| self.0.get_mut(&url)) {
            entry.keys = None;
        }
    }

    /// Evicts a URL that may be fetched again by now: first one without keys, otherwise the least recently used.
    fn forget_one(&mut self, now: EpochSeconds) -> Result<(), FetchError> {
        let idle = self.0.iter().filter(|(_, entry)| entry.is_idle(now));
        let oldest = idle.min_by_key(|(_, entry)| (entry.keys.is_some(), entry.used)).map(|(url, _)| url.clone());
        self.0.remove(&oldest.ok_or(FetchError::Busy)?);
        Ok(())
    }
}

impl Entry {
    /// The holder of this lock may fetch.
    pub(super) fn turn(&self) -> Arc<Mutex<()>> {
        self.turn.clone()
    }

    /// The result that is available without a fetch; `None` if a fetch is due.
    pub(super) fn without_fetch(&self, now: EpochSeconds) -> Option<Result<Arc<PublicKeys>, FetchError>> {
        if let Some(keys) = self.younger_than(MAX_AGE, now) {
            return Some(Ok(keys));
        }
        let (_, last) = self.tried.filter(|_| self.was_tried_within(RETRY_AFTER, now))?;
        // After a successful fetch, keys are absent only if they were evicted.
        Some(self.usable(now).ok_or_else(|| last.err().unwrap_or(FetchError::Busy)))
    }

    /// The keys, if they are not too old.
    pub(super) fn usable(&self, now: EpochSeconds) -> Option<Arc<PublicKeys>> {
        self.younger_than(MAX_STALE_AGE, now)
    }

    /// Whether the last fetch began less than this many seconds ago.
    pub(super) fn was_tried_within(&self, seconds: EpochSeconds, now: EpochSeconds) -> bool {
        self.tried.is_some_and(|(at, _)| now.saturating_sub(at) < seconds)
    }

    fn younger_than(&self, seconds: EpochSeconds, now: EpochSeconds) -> Option<Arc<PublicKeys>> {
        let (at, keys) = self.keys.as_ref()?;
        (now.saturating_sub(*at) < seconds).then(|| keys.clone())
    }

    /// Whether the URL is idle: no caller fetches it, waits for it, or fetched it recently.
    fn is_idle(&self, now: EpochSeconds) -> bool {
        Arc::strong_count(&self.turn) == 1 && !self.was_tried_within(RETRY_AFTER, now)
    }
}
