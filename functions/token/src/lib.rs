//! Tokens, keys and discovery: RFC 6749 §4.4, RFC 7517, RFC 8414.

mod authenticate;
mod discovery;
mod incoming;
mod issue;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use tokenmint_aws::Sdk;
use tokenmint_aws::clients::ClientsTable;
use tokenmint_aws::config::{Registration, Signing, TokenConfig};
use tokenmint_aws::kms::LoadError;
use tokenmint_aws::signer::Signer;
use tokenmint_http::Clock;
use tokenmint_oauth::discovery::ServerMetadata;
use tokenmint_oauth::issuer::path;

/// What the endpoints work with; made once, at init.
#[derive(Debug)]
pub struct Token {
    clients: ClientsTable,
    signer: Signer,
    metadata: ServerMetadata,
    config: TokenConfig,
    clock: Clock,
}

impl Token {
    /// Makes the AWS clients and asks KMS for the public keys.
    ///
    /// # Errors
    /// [`LoadError::Mistake`] if the keys can never work. KMS being out of reach is no error: the keys
    /// are asked for again with the next request.
    pub async fn start(config: TokenConfig, sdk: &Sdk, clock: Clock) -> Result<Self, LoadError> {
        let Signing::Kms(keys) = config.signing.clone() else {
            return Err(LoadError::Mistake("SIGNING_MODE".to_owned(), "sealed is not there yet".to_owned()));
        };
        let signer = Signer::start(sdk, keys).await?;
        let clients = ClientsTable::new(sdk.dynamodb(), config.clients_table.clone());
        let open = config.registration != Registration::Disabled;
        let metadata = ServerMetadata::new(&config.issuer, &config.scopes, open);
        Ok(Self { clients, signer, metadata, config, clock })
    }
}

/// The routes of this function.
pub fn routes(token: Arc<Token>) -> Router {
    Router::new()
        .route(path::TOKEN, post(issue::endpoint))
        .route(path::JWKS, get(discovery::jwks))
        .route(path::AUTHORIZATION_SERVER, get(discovery::metadata))
        .route(path::OPENID_CONFIGURATION, get(discovery::metadata))
        .with_state(token)
}
