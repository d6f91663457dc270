//! Tokens, keys and discovery.
//!
//! | request | RFC | file |
//! |---|---|---|
//! | `POST /token` | 6749 §4.4, 7523 §2.1, 9068; 9449 for bound tokens | `issue.rs`, `jwt_bearer.rs`, `decide.rs`, `proof.rs` |
//! | `GET`, `POST /authorize` | 6749 §3.1 | `authorize.rs` |
//! | the same, and `/introspect`, `/revoke`, of a client with a metadata document | draft-ietf-oauth-client-id-metadata-document | `document.rs` |
//! | `POST /introspect` | 7662 | `introspect.rs`, `own_token.rs` |
//! | `POST /revoke` | 7009 | `revoke.rs`, `own_token.rs` |
//! | `GET /.well-known/…` | 7517 §5, 8414 | `discovery.rs` |

mod authenticate;
mod authorize;
mod decide;
mod discovery;
mod document;
mod incoming;
mod introspect;
mod issue;
mod jwt_bearer;
mod own_token;
mod proof;
mod revoke;

use std::sync::Arc;

use axum::routing::{get, post};
use tokenmint_aws::Sdk;
use tokenmint_aws::clients::ClientsTable;
use tokenmint_aws::clients::known::KnownClients;
use tokenmint_aws::config::{AssertionAudience, Registration, TokenConfig};
use tokenmint_aws::signer::{LoadError, Signer};
use tokenmint_aws::tokens::TokensTable;
use tokenmint_fetch::{Fetcher, KeyCache};
use tokenmint_function::{Clock, Routes};
use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::discovery::ServerMetadata;
use tokenmint_oauth::dpop::NonceKey;
use tokenmint_oauth::issuer::path;
use tokio::sync::Mutex;

use document::ClientDocuments;

/// The dependencies of the endpoints; made once, at init.
#[derive(Debug)]
pub struct Token {
    /// For introspection, revocation and credentials beside a JWT bearer grant, which read it each time.
    clients: ClientsTable,
    /// For the token endpoint.
    known: KnownClients,
    tokens: TokensTable,
    /// When it was read, too.
    nonce_key: Mutex<Option<(Arc<NonceKey>, EpochSeconds)>>,
    client_keys: KeyCache,
    /// Of trusted issuers, apart from those of clients, who could crowd them out.
    issuer_keys: KeyCache,
    spiffe_bundles: KeyCache,
    documents: ClientDocuments,
    signer: Signer,
    metadata: ServerMetadata,
    /// Of the token endpoint.
    urls: Vec<String>,
    assertion_audiences: Vec<String>,
    config: TokenConfig,
    clock: Clock,
}

impl Token {
    /// Makes the AWS clients and loads the signing keys.
    ///
    /// # Errors
    /// [`LoadError::Mistake`] if the keys can never work. An unreachable KMS or DynamoDB is not an error: the next
    /// request tries to load the keys again.
    pub async fn start(config: TokenConfig, sdk: &Sdk, clock: Clock) -> Result<Self, LoadError> {
        let signer = Signer::start(sdk, &config, clock.now()).await?;
        let clients = ClientsTable::new(sdk.dynamodb(), config.clients_table.clone());
        let known = KnownClients::new(clients.clone(), config.client_cache_ttl);
        let tokens = TokensTable::new(sdk, config.tokens_table.clone());
        let nonce_key = Mutex::default();
        let local = config.issuer.is_local();
        let client_keys = KeyCache::new(Fetcher::new(local));
        let issuer_keys = KeyCache::new(Fetcher::new(local));
        let spiffe_bundles = KeyCache::new(Fetcher::of_spiffe_bundles(local));
        let documents = ClientDocuments::new(&config);
        let open = config.registration != Registration::Disabled;
        let endpoint = &config.authorization_endpoint;
        let (scopes, mutual_tls, jwt_bearer) = (&config.scopes, &config.mutual_tls, config.jwt_bearer_grant);
        let profile = config.security_profile;
        let metadata = ServerMetadata::new(&config.issuer, endpoint, scopes, open, mutual_tls, jwt_bearer, profile)
            .with_client_documents(&config.client_metadata_hosts);
        let urls = config.mutual_tls.urls(&config.issuer, path::TOKEN);
        let assertion_audiences = assertion_audiences(&config, &urls);
        Ok(Self {
            clients,
            known,
            tokens,
            nonce_key,
            client_keys,
            issuer_keys,
            spiffe_bundles,
            documents,
            signer,
            metadata,
            urls,
            assertion_audiences,
            config,
            clock,
        })
    }

    /// Opens the connection to DynamoDB ahead of the first request. With `SIGNING_MODE=sealed` it is already open, because
    /// the keys are in a table.
    pub async fn connect(&self) {
        if let Signer::Kms(_) = self.signer {
            self.clients.connect().await;
        }
    }

    /// The clients that the token endpoint keeps, for other code of the same process that changes clients.
    pub const fn known_clients(&self) -> &KnownClients {
        &self.known
    }
}

/// What an assertion may name as its audience (A6).
fn assertion_audiences(config: &TokenConfig, token_endpoints: &[String]) -> Vec<String> {
    let issuer = [config.issuer.as_str().to_owned()];
    match config.assertion_audience {
        AssertionAudience::Issuer => issuer.into(),
        AssertionAudience::IssuerOrTokenEndpoint => [&issuer, token_endpoints].concat(),
    }
}

/// The routes of this function. `/authorize` is among them only where `AUTHORIZATION_ENDPOINT` is `compat`.
pub fn routes(token: Arc<Token>) -> Routes {
    let mut routes = Routes::new(token.config.cors_origins.clone(), token.config.metrics.clone());
    if token.config.authorization_endpoint.is_own() {
        routes = routes.route(path::AUTHORIZE, get(authorize::authorize).post(authorize::authorize));
    }
    routes
        .route(path::TOKEN, post(issue::issue))
        .route(path::INTROSPECT, post(introspect::introspect))
        .route(path::REVOKE, post(revoke::revoke))
        .route(path::JWKS, get(discovery::jwks))
        .route(path::AUTHORIZATION_SERVER, get(discovery::metadata))
        .route(path::OPENID_CONFIGURATION, get(discovery::metadata))
        .with_state(token)
}
