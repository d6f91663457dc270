//! Clients whose identifier is the URL of their metadata document: draft-ietf-oauth-client-id-metadata-document-02 §5.

use std::sync::Arc;

use tokenmint_aws::config::TokenConfig;
use tokenmint_fetch::{Cache, FetchError, Fetcher, Found};
use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::client::{Client, ClientId};
use tokenmint_oauth::client_document::{DocumentTerms, DocumentUrl, MetadataHosts};

/// The documents of clients on the hosts of `CLIENT_METADATA_HOSTS`. No such client is in the table.
#[derive(Debug)]
pub(crate) struct ClientDocuments {
    hosts: Arc<MetadataHosts>,
    terms: Arc<DocumentTerms>,
    fetcher: Arc<Fetcher>,
    cache: Cache<Client>,
}

impl ClientDocuments {
    pub(crate) fn new(config: &TokenConfig) -> Self {
        let (local, profile) = (config.issuer.is_local(), config.security_profile);
        let methods = profile.methods(config.mutual_tls.method()).collect();
        Self {
            hosts: Arc::new(config.client_metadata_hosts.clone()),
            terms: Arc::new(DocumentTerms { local, methods, profile }),
            fetcher: Arc::new(Fetcher::new(local)),
            cache: Cache::limited(),
        }
    }

    /// The identifier as the URL of a document, if it is one.
    pub(crate) fn url<'a>(&'a self, id: &'a ClientId) -> Option<DocumentUrl<'a>> {
        self.hosts.find(id, self.terms.local)
    }

    /// The client that the document describes, cached or fetched.
    ///
    /// # Errors
    /// [`FetchError`]; [`FetchError::Busy`] and [`FetchError::Ended`] say nothing of the client.
    pub(crate) async fn client(&self, url: &DocumentUrl<'_>, now: EpochSeconds) -> Result<Arc<Client>, FetchError> {
        self.cache.document(url.as_str(), now, self.fetch(url, now)).await
    }

    /// The client as a newer document describes it, after what was found has led to a refusal.
    pub(crate) async fn newer(
        &self,
        url: &DocumentUrl<'_>,
        held: &Arc<Client>,
        now: EpochSeconds,
    ) -> Option<Arc<Client>> {
        self.cache.newer(url.as_str(), held, now, self.fetch(url, now)).await
    }

    /// Fetches and reads the document. The fetch may outlive the request, so it owns what it needs.
    fn fetch(
        &self,
        url: &DocumentUrl<'_>,
        now: EpochSeconds,
    ) -> impl Future<Output = Result<Found<Client>, FetchError>> + Send + use<> {
        let (fetcher, hosts, terms, id) =
            (self.fetcher.clone(), self.hosts.clone(), self.terms.clone(), url.id().clone());
        Box::pin(async move {
            let url = hosts.find(&id, terms.local).ok_or(FetchError::Url)?;
            let response = fetcher.get(url.as_str()).await?;
            let client = url.client(&response.body, &terms, now)?;
            Ok((client, response.max_age.map(EpochSeconds::from)))
        })
    }
}
