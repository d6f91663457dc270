//! Client registration: RFC 7591.
//!
//! The flow of `POST /register` is [`register`]: parse → decide → act → answer.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use axum::routing::post;
use tokenmint_aws::Sdk;
use tokenmint_aws::clients::{ClientsTable, InsertError};
use tokenmint_aws::config::{RegisterConfig, Registration, RegistrationStatus};
use tokenmint_http::{Clock, Failure, Record, json, random, request};
use tokenmint_oauth::error::ErrorCode;
use tokenmint_oauth::issuer::path;
use tokenmint_oauth::metadata::members::MAX_BODY_BYTES;
use tokenmint_oauth::metadata::{ClientMetadata, Policy, RequestedMetadata};
use tokenmint_oauth::registration::NewClient;

/// What registration works with; made once, at init.
#[derive(Debug)]
pub struct Register {
    clients: ClientsTable,
    policy: Policy,
    config: RegisterConfig,
    clock: Clock,
}

impl Register {
    /// Makes the AWS client; nothing is asked of AWS yet.
    pub fn new(config: RegisterConfig, sdk: &Sdk, clock: Clock) -> Self {
        let policy = Policy {
            offered: config.scopes.clone(),
            default: config.default_scopes.clone(),
            local: config.issuer.is_local(),
        };
        let clients = ClientsTable::new(sdk.dynamodb(), config.clients_table.clone());
        Self { clients, policy, config, clock }
    }
}

/// The routes of this function; where registration is disabled, there are none (R15).
pub fn routes(register: Arc<Register>) -> Router {
    match register.config.registration {
        Registration::Open => Router::new().route(path::REGISTER, post(endpoint)).with_state(register),
        Registration::Disabled => Router::new(),
    }
}

/// `POST /register` (RFC 7591 §3).
async fn endpoint(State(state): State<Arc<Register>>, request: Request) -> Response<Body> {
    let mut record = Record::default();
    let outcome = register(&state, request, &mut record).await;
    record.answer(outcome)
}

/// Registers a client.
async fn register(state: &Register, request: Request, record: &mut Record) -> Result<Response<Body>, Failure> {
    let requested = parse(request).await?;
    let metadata = ClientMetadata::verify(&requested, &state.policy).map_err(Failure::refused)?;
    let new = NewClient::new(metadata, state.clock.now(), state.config.client_secret_ttl, random);
    record.client_id = Some(new.client.client_id.clone());
    record.dynamodb(state.clients.insert(&new.client)).await.map_err(|error| match error {
        InsertError::Unavailable(error) => Failure::unavailable(error),
        // Two equal UUIDs do not happen by chance.
        InsertError::Taken | InsertError::Form(_) => Failure::broken(error),
    })?;
    let status = match state.config.registration_status {
        RegistrationStatus::Created => StatusCode::CREATED,
        RegistrationStatus::Ok => StatusCode::OK,
    };
    Ok(json(status, &new.response()))
}

/// Reads the client metadata that a request asks for (RFC 7591 §3.1).
async fn parse(request: Request) -> Result<RequestedMetadata, Failure> {
    let (head, body) = request.into_parts();
    let refused = |error: request::BodyError| Failure::refused(error.with_code(ErrorCode::InvalidClientMetadata));
    let body = request::body(body, MAX_BODY_BYTES).await.map_err(refused)?;
    request::media_type(&head.headers, "application/json").map_err(refused)?;
    RequestedMetadata::parse(&body).map_err(Failure::refused)
}
