//! One request, restricted to public addresses or to a host that the operator chose.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes};
use hyper::client::conn::http1;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokenmint_oauth::client_document::DocumentError;
use tokenmint_oauth::jose::{KeysError, PublicKeys};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::task::{JoinSet, spawn_blocking};
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use crate::fetched::{Fetched, max_age};
use crate::is_public;

/// The maximum size of a response, in bytes.
pub const MAX_BYTES: usize = 64 * 1024;

/// The time limit of a fetch, from name resolution to the last byte.
pub const MAX_TIME: Duration = Duration::from_secs(2);

/// Why a document could not be fetched. For the log only.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// Neither https, nor http on loopback where that is allowed.
    #[error("is not an https URL")]
    Url,
    /// The host name does not resolve.
    #[error("cannot be resolved")]
    Resolve,
    /// One of the name's addresses is not public.
    #[error("has an address that is not public")]
    Address,
    /// The connection failed.
    #[error("refused the connection or is unreachable")]
    Connect,
    /// The TLS handshake failed, for example because the certificate is not valid for the name.
    #[error("failed the TLS handshake")]
    Tls,
    /// The response is not HTTP, or is truncated.
    #[error("did not return a valid HTTP response")]
    Http,
    /// Any status but 200; redirects are not followed.
    #[error("returned status {0}")]
    Status(u16),
    /// More than [`MAX_BYTES`].
    #[error("returned more than {MAX_BYTES} bytes")]
    TooLarge,
    /// Longer than [`MAX_TIME`].
    #[error("did not respond within {} s", MAX_TIME.as_secs())]
    Time,
    /// The response is not JSON.
    #[error("did not return JSON")]
    Json,
    /// The response is not a set of public keys.
    #[error("returned a document that {0}")]
    Keys(#[from] KeysError),
    /// The response is not the metadata document of a client.
    #[error("returned a document that {0}")]
    Client(#[from] DocumentError),
    /// Too many URLs were fetched recently.
    #[error("was not fetched: too many other URLs were fetched recently")]
    Busy,
    /// The fetch was cancelled because the server is stopping.
    #[error("was not fetched: the server is stopping")]
    Ended,
}

impl FetchError {
    /// Whether the host itself reports that its previous document is no longer valid: the URL has no document, the set
    /// has no key, a key includes its private part, or the metadata is not that of a client. No other error says anything
    /// about the keys or the client.
    pub const fn withdraws(&self) -> bool {
        match self {
            Self::Status(404 | 410) | Self::Keys(KeysError::NoUsableKey | KeysError::NotPublic) => true,
            Self::Client(error) => error.is_about_the_client(),
            _ => false,
        }
    }
}

/// What a URL returns.
#[derive(Clone, Copy, Debug)]
enum Document {
    /// A JWK Set (RFC 7517 §5).
    JwkSet,
    /// The bundle of a SPIFFE trust domain.
    SpiffeBundle,
}

/// Who chose the hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hosts {
    /// A stranger: only public addresses are opened.
    OfStrangers,
    /// The operator, who may run them in a private network.
    OfOperator,
}

/// What is requested of a URL.
enum Ask<'a> {
    Get,
    Form { authorization: &'a str, body: String },
}

/// Fetches keys and other documents.
#[derive(Debug)]
pub struct Fetcher {
    local: bool,
    hosts: Hosts,
    document: Document,
    tls: OnceCell<Arc<ClientConfig>>,
}

impl Fetcher {
    /// Creates a fetcher. `local` is for a server on a developer's machine: it also allows loopback addresses, and
    /// http to them. The system's certificates are read when the first connection needs them.
    pub fn new(local: bool) -> Self {
        Self { local, hosts: Hosts::OfStrangers, document: Document::JwkSet, tls: OnceCell::new() }
    }

    /// The same for URLs that the operator configured, or that such a URL named. Their hosts may have private addresses.
    pub fn of_operator(local: bool) -> Self {
        Self { hosts: Hosts::OfOperator, ..Self::new(local) }
    }

    /// The same for SPIFFE bundles, of which it takes the keys of JWT-SVIDs.
    pub fn of_spiffe_bundles(local: bool) -> Self {
        Self { document: Document::SpiffeBundle, ..Self::new(local) }
    }

    /// Fetches keys.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn keys(&self, url: &str) -> Result<PublicKeys, FetchError> {
        let document = self.get(url).await?.json()?;
        Ok(match self.document {
            Document::JwkSet => PublicKeys::parse_within(&document, MAX_BYTES),
            Document::SpiffeBundle => PublicKeys::parse_spiffe_bundle(&document, MAX_BYTES),
        }?)
    }

    /// Fetches a document, within [`MAX_TIME`].
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn get(&self, url: &str) -> Result<Fetched, FetchError> {
        self.ask(url, Ask::Get).await
    }

    /// Sends a form with an `Authorization` header, within [`MAX_TIME`].
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn post_form(&self, url: &str, authorization: &str, body: String) -> Result<Fetched, FetchError> {
        self.ask(url, Ask::Form { authorization, body }).await
    }

    async fn ask(&self, url: &str, ask: Ask<'_>) -> Result<Fetched, FetchError> {
        tokio::time::timeout(MAX_TIME, self.connect(url, ask)).await.unwrap_or(Err(FetchError::Time))
    }

    async fn connect(&self, url: &str, ask: Ask<'_>) -> Result<Fetched, FetchError> {
        let url = Url::parse(url).map_err(|_| FetchError::Url)?;
        let addresses = self.addresses(&url).await?;
        // Connects only to the checked addresses: the name is not resolved again.
        let stream = TcpStream::connect(&addresses[..]).await.map_err(|_| FetchError::Connect)?;
        if url.scheme() == "http" {
            return exchange(&url, ask, stream).await;
        }
        let name = match url.host().ok_or(FetchError::Url)? {
            Host::Domain(name) => ServerName::try_from(name.to_owned()).map_err(|_| FetchError::Url)?,
            Host::Ipv4(address) => ServerName::from(std::net::IpAddr::V4(address)),
            Host::Ipv6(address) => ServerName::from(std::net::IpAddr::V6(address)),
        };
        let tls = TlsConnector::from(self.tls().await?);
        exchange(&url, ask, tls.connect(name, stream).await.map_err(|_| FetchError::Tls)?).await
    }

    /// The addresses of the URL's host, all of them allowed. No host gets plain http but those on loopback.
    async fn addresses(&self, url: &Url) -> Result<Vec<SocketAddr>, FetchError> {
        let plain = match url.scheme() {
            "https" => false,
            "http" if self.local => true,
            _ => return Err(FetchError::Url),
        };
        let port = url.port_or_known_default().ok_or(FetchError::Url)?;
        let addresses: Vec<SocketAddr> = match url.host().ok_or(FetchError::Url)? {
            Host::Ipv4(address) => vec![(address, port).into()],
            Host::Ipv6(address) => vec![(address, port).into()],
            Host::Domain(name) => {
                tokio::net::lookup_host((name, port)).await.map_err(|_| FetchError::Resolve)?.collect()
            }
        };
        let may_be_opened = |address: &SocketAddr| {
            let (ip, loopback) = (address.ip(), self.local && address.ip().is_loopback());
            let https = self.hosts == Hosts::OfOperator || loopback || is_public(ip);
            if plain { loopback } else { https }
        };
        if addresses.is_empty() {
            return Err(FetchError::Resolve);
        }
        if addresses.iter().all(may_be_opened) { Ok(addresses) } else { Err(FetchError::Address) }
    }

    async fn tls(&self) -> Result<Arc<ClientConfig>, FetchError> {
        let made = self.tls.get_or_try_init(|| async {
            let roots = spawn_blocking(|| {
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                roots
            });
            config(roots.await.map_err(|_| FetchError::Tls)?)
        });
        made.await.cloned()
    }
}

fn config(roots: RootCertStore) -> Result<Arc<ClientConfig>, FetchError> {
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let config = config.with_safe_default_protocol_versions().map_err(|_| FetchError::Tls)?;
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Sends the request over a connection that closes when this call ends, in any case.
async fn exchange<S>(url: &Url, ask: Ask<'_>, stream: S) -> Result<Fetched, FetchError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let handshake = http1::Builder::new().max_buf_size(MAX_BYTES).handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.map_err(|_| FetchError::Http)?;
    let mut background = JoinSet::new();
    background.spawn(connection);
    let response = sender.send_request(request(url, ask)?).await.map_err(|_| FetchError::Http)?;
    if response.status() != StatusCode::OK {
        return Err(FetchError::Status(response.status().as_u16()));
    }
    let max_age = max_age(response.headers());
    let mut body = response.into_body();
    let too_large = |length: u64| usize::try_from(length).map_or(true, |length| length > MAX_BYTES);
    if too_large(body.size_hint().lower()) {
        return Err(FetchError::TooLarge);
    }
    let mut document = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| FetchError::Http)?.into_data() else { continue };
        if document.len() + data.len() > MAX_BYTES {
            return Err(FetchError::TooLarge);
        }
        document.extend_from_slice(&data);
    }
    Ok(Fetched { body: document, max_age })
}

fn request(url: &Url, ask: Ask<'_>) -> Result<Request<Full<Bytes>>, FetchError> {
    let host = url.host_str().ok_or(FetchError::Url)?;
    let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let request = Request::builder()
        .uri(target)
        .header(header::HOST, host)
        .header(header::ACCEPT, "application/jwk-set+json, application/json")
        .header(header::CONNECTION, "close");
    let request = match ask {
        Ask::Get => request.body(Full::default()),
        Ask::Form { authorization, body } => request
            .method("POST")
            .header(header::AUTHORIZATION, authorization)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body.into()),
    };
    request.map_err(|_| FetchError::Url)
}

#[cfg(test)]
mod tests;
