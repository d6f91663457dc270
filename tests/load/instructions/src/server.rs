//! Both functions and the embedded services, in one process and on one thread.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http_body_util::BodyExt as _;
use jsonwebtoken::jwk::JwkSet;
use lambda_http::request::LambdaRequest;
use register::Register;
use serde_json::Value;
use token::Token;
use tokenmint_aws::config::{Environment, RegisterConfig, TokenConfig};
use tokenmint_aws::{Sdk, clients, provision, registrations, tokens};
use tokenmint_embedded::Embedded;
use tokenmint_function::{Clock, lambda, shell};
use tokio::runtime::{self, Runtime};
use tower::ServiceExt as _;

use crate::{Failure, failure};

/// The issuer of the tokens.
pub(crate) const ISSUER: &str = "https://as.example";
/// The time at which everything happens.
pub(crate) const NOW: u64 = 1_700_000_000;

const CLIENTS: &str = "clients";
const REGISTRATIONS: &str = "registrations";
const TOKENS: &str = "tokens";
const KEYS: &str = "keys";

/// The functions, ready for requests.
#[derive(Debug)]
pub(crate) struct Server {
    runtime: Runtime,
    routes: Router,
    /// Stops when it is dropped.
    _embedded: Embedded,
}

/// A registered client.
pub(crate) struct Client {
    /// `client_id`.
    pub(crate) id: String,
    /// `client_secret`.
    pub(crate) secret: String,
}

/// A response: the status and the body.
pub(crate) type Answer = (StatusCode, Bytes);

impl Server {
    /// Starts the services and the functions.
    ///
    /// # Errors
    /// Any error of starting them.
    pub(crate) fn start() -> Result<Self, Failure> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let (routes, embedded) = runtime.block_on(start())?;
        Ok(Self { runtime, routes, _embedded: embedded })
    }

    /// Answers an event of API Gateway, as a function does between two calls of the runtime API.
    ///
    /// # Errors
    /// If the text is no such event.
    pub(crate) fn answer(&self, event: &str) -> Result<Answer, Failure> {
        self.runtime.block_on(async {
            let event: LambdaRequest = serde_json::from_str(event)?;
            let (head, body) = lambda_http::Request::from(lambda::sanitize_event(event)).into_parts();
            let request = Request::from_parts(head, Body::new(body));
            let (head, body) = self.routes.clone().oneshot(request).await?.into_parts();
            Ok((head.status, body.collect().await?.to_bytes()))
        })
    }

    /// The published keys.
    ///
    /// # Errors
    /// If there are none.
    pub(crate) fn keys(&self) -> Result<JwkSet, Failure> {
        let (status, body) = self.answer(include_str!("../../../../events/token-jwks.json"))?;
        if status != StatusCode::OK {
            return Err(failure(format_args!("the key set: status {status}")));
        }
        Ok(serde_json::from_slice(&body)?)
    }
}

/// A registration, as API Gateway sends it.
pub(crate) const fn registration_event() -> &'static str {
    include_str!("../../../../events/register-seed.json")
}

/// A token request of the client, which authenticates with HTTP Basic, as API Gateway sends it.
///
/// # Errors
/// If the file with the event is no JSON.
pub(crate) fn token_event(client: &Client) -> Result<String, Failure> {
    let mut event: Value = serde_json::from_str(include_str!("../../../../events/token-seed.json"))?;
    // Both consist of characters that Basic does not have to encode (RFC 6749 §2.3.1).
    let credentials = BASE64_STANDARD.encode(format!("{}:{}", client.id, client.secret));
    event["headers"]["authorization"] = format!("Basic {credentials}").into();
    Ok(event.to_string())
}

async fn start() -> Result<(Router, Embedded), Failure> {
    let embedded = Embedded::in_memory().await?;
    let services = embedded.in_process();
    let sdk = Sdk::local(&embedded.dynamodb_url(), &embedded.kms_url()).await;
    let sdk = sdk.in_process(move |target, body| services.call(target, body));
    let dynamodb = sdk.dynamodb();
    provision::table(&dynamodb, CLIENTS, clients::KEY).await?;
    provision::table(&dynamodb, REGISTRATIONS, registrations::KEY).await?;
    provision::table(&dynamodb, TOKENS, tokens::KEY).await?;
    provision::keys_table(&dynamodb, KEYS).await?;
    let environment = Environment::default()
        .with("ISSUER", ISSUER)
        .with("CLIENTS_TABLE", CLIENTS)
        .with("REGISTRATIONS_TABLE", REGISTRATIONS)
        .with("TOKENS_TABLE", TOKENS)
        .with("REGISTRATION", "open")
        .with("REGISTRATION_RATE", "0")
        .with("REGISTRATION_RATE_TOTAL", "0")
        .with("SCOPES", "client-scope")
        .with("SIGNING_MODE", "sealed")
        .with("SIGNING_KEY_SPEC", "ECC_NIST_P256")
        .with("SEALING_KEY", provision::sealing_key(&sdk.kms(), "alias/sealing").await?)
        .with("KEYS_TABLE", KEYS)
        .with("METRICS", "tokenmint-instructions");
    let clock = Clock::Manual(Arc::new(AtomicU64::new(NOW)));
    let config = TokenConfig::from_environment(&environment).map_err(failure)?;
    let token = Token::start(config, &sdk, clock.clone()).await?;
    let config = RegisterConfig::from_environment(&environment).map_err(failure)?;
    let register = Register::new(config, &sdk, clock);
    let routes = register::routes(Arc::new(register)).merge(token::routes(Arc::new(token)));
    Ok((shell(routes), embedded))
}
