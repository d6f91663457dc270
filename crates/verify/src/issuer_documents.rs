//! What a resource server asks its issuer for: metadata (RFC 8414 §3), keys (RFC 7517 §5), and whether a token is still
//! active (RFC 7662 §2).

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use tokenmint_fetch::{Cached, FetchError, Fetcher, Found, MAX_BYTES, MAX_STALE};
use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::issuer::{Issuer, path};
use tokenmint_oauth::jose::PublicKeys;
use url::form_urlencoded;

use crate::refusal::Unavailable;

/// The documents of an issuer, fetched when they are needed and cached.
#[derive(Debug)]
pub struct IssuerDocuments {
    issuer: Issuer,
    fetcher: Arc<Fetcher>,
    metadata: Cached<Metadata>,
    keys: Cached<PublicKeys>,
}

/// What is read of the metadata. It is for the issuer, or it is nothing.
#[derive(Debug)]
struct Metadata(Option<Endpoints>);

#[derive(Debug)]
struct Endpoints {
    jwks_uri: String,
    introspection_endpoint: Option<String>,
}

/// The credentials of the resource server itself, a client that may introspect the tokens of others. Their `Debug` shows
/// nothing of the secret.
#[derive(Clone)]
pub struct ClientCredentials(String);

impl ClientCredentials {
    /// The credentials of a client of `client_secret_basic` (RFC 6749 §2.3.1).
    pub fn new(client_id: &str, client_secret: &str) -> Self {
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let pair = format!("{}:{}", encoded(client_id), encoded(client_secret));
        Self(format!("Basic {}", BASE64_STANDARD.encode(pair)))
    }
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientCredentials(redacted)")
    }
}

impl IssuerDocuments {
    /// The documents of this issuer, of which none is fetched yet. Only an issuer on loopback is asked over plain http.
    pub fn new(issuer: Issuer) -> Self {
        let fetcher = Arc::new(Fetcher::of_operator(issuer.is_local()));
        Self { issuer, fetcher, metadata: Cached::new(MAX_STALE), keys: Cached::new(MAX_STALE) }
    }

    /// The keys of the issuer.
    ///
    /// # Errors
    /// [`Unavailable`] if there are none that are recent enough.
    pub async fn keys(&self, now: EpochSeconds) -> Result<Arc<PublicKeys>, Unavailable> {
        let metadata = self.endpoints(now).await;
        let url = match metadata.as_ref().map_err(Clone::clone).and_then(|metadata| metadata.endpoints()) {
            Ok(endpoints) => endpoints.jwks_uri.clone(),
            // Keys that are held count for as long as their own lifetime says.
            Err(unavailable) => return self.keys.held(now).ok_or(unavailable),
        };
        self.keys.document(now, keys(self.fetcher.clone(), url)).await.map_err(Unavailable::Keys)
    }

    /// Newer keys than `held`, in which the key of a token is missing. `None` if they were fetched less than
    /// [`NEWER_AFTER`](crate::NEWER_AFTER) seconds ago, or cannot be fetched.
    pub async fn newer_keys(&self, held: &Arc<PublicKeys>, now: EpochSeconds) -> Option<Arc<PublicKeys>> {
        let metadata = self.endpoints(now).await.ok()?;
        let url = metadata.endpoints().ok()?.jwks_uri.clone();
        self.keys.newer(held, now, keys(self.fetcher.clone(), url)).await
    }

    /// Whether a token is active. Each call is a request to the issuer.
    ///
    /// # Errors
    /// [`Unavailable`] if the issuer does not say.
    pub async fn is_active(
        &self,
        token: &str,
        credentials: &ClientCredentials,
        now: EpochSeconds,
    ) -> Result<bool, Unavailable> {
        let metadata = self.endpoints(now).await?;
        let url = metadata.endpoints()?.introspection_endpoint.as_deref().ok_or(Unavailable::OtherMetadata)?;
        let form = form_urlencoded::Serializer::new(String::new()).append_pair("token", token).finish();
        let answer = self.fetcher.post_form(url, &credentials.0, form).await.and_then(|answer| answer.json());
        let active = answer.map_err(Unavailable::Introspection)?.get("active").and_then(Value::as_bool);
        active.ok_or(Unavailable::Introspection(FetchError::Json))
    }

    async fn endpoints(&self, now: EpochSeconds) -> Result<Arc<Metadata>, Unavailable> {
        let (fetcher, issuer) = (self.fetcher.clone(), self.issuer.clone());
        let fetch = async move {
            let response = fetcher.get(&issuer.url(path::AUTHORIZATION_SERVER)).await?;
            let metadata = Metadata::read(&response.json()?, &issuer);
            // A document that is not the issuer's cannot say how long it is valid.
            let lifetime = response.max_age.filter(|_| metadata.0.is_some()).map(EpochSeconds::from);
            Ok((metadata, lifetime))
        };
        self.metadata.document(now, fetch).await.map_err(Unavailable::Metadata)
    }
}

async fn keys(fetcher: Arc<Fetcher>, url: String) -> Result<Found<PublicKeys>, FetchError> {
    let response = fetcher.get(&url).await?;
    Ok((PublicKeys::parse_within(&response.json()?, MAX_BYTES)?, response.max_age.map(EpochSeconds::from)))
}

impl Metadata {
    /// Reads the document. Its issuer must be the expected one, byte for byte (RFC 8414 §3.3).
    fn read(document: &Value, issuer: &Issuer) -> Self {
        let text = |member: &str| document.get(member).and_then(Value::as_str).map(str::to_owned);
        let endpoints = || {
            let introspection_endpoint = text("introspection_endpoint");
            Some(Endpoints { jwks_uri: text("jwks_uri")?, introspection_endpoint })
        };
        Self(endpoints().filter(|_| text("issuer").as_deref() == Some(issuer.as_str())))
    }

    fn endpoints(&self) -> Result<&Endpoints, Unavailable> {
        self.0.as_ref().ok_or(Unavailable::OtherMetadata)
    }
}
