//! Clients' keys at their URLs, and those of trusted issuers.

use std::sync::Arc;

use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::jose::PublicKeys;

use crate::cache::Cache;
use crate::cached::Found;
use crate::{FetchError, Fetcher};

/// The keys at clients' URLs. Each URL has at most one fetch at a time.
#[derive(Debug)]
pub struct KeyCache {
    fetcher: Arc<Fetcher>,
    cache: Cache<PublicKeys>,
}

impl KeyCache {
    /// An empty cache.
    pub fn new(fetcher: Fetcher) -> Self {
        Self { fetcher: Arc::new(fetcher), cache: Cache::new() }
    }

    /// The keys at a URL, by [`Cache::document`].
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn keys(&self, url: &str, now: EpochSeconds) -> Result<Arc<PublicKeys>, FetchError> {
        self.cache.document(url, now, self.fetch(url)).await
    }

    /// Newer keys than `held`, which do not contain the required key, by [`Cache::newer`].
    pub async fn newer(&self, url: &str, held: &Arc<PublicKeys>, now: EpochSeconds) -> Option<Arc<PublicKeys>> {
        self.cache.newer(url, held, now, self.fetch(url)).await
    }

    /// The lifetime of keys is this server's: the responses of their hosts are not asked for one.
    fn fetch(&self, url: &str) -> impl Future<Output = Result<Found<PublicKeys>, FetchError>> + Send + use<> {
        let (fetcher, url) = (self.fetcher.clone(), url.to_owned());
        Box::pin(async move { Ok((fetcher.keys(&url).await?, None)) })
    }
}

#[cfg(test)]
mod tests;
