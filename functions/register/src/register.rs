//! `POST /register`: RFC 7591 §3.
//!
//! The flow is [`register`]: authorize → parse → decide → store → answer.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};
use tokenmint_aws::clients::NewClient;
use tokenmint_aws::config::RegistrationStatus;
use tokenmint_aws::registrations::{Throttled, UseError};
use tokenmint_http::{Failure, Record, json, random, request};
use tokenmint_oauth::bearer::BearerError;
use tokenmint_oauth::metadata::ClientMetadata;
use tokenmint_oauth::metadata::members::MAX_BODY_BYTES;
use tokenmint_oauth::registration::Issued;

use crate::authorize::{self, Permission};
use crate::{Register, not_written, requested};

/// The client registration endpoint.
pub(crate) async fn endpoint(State(state): State<Arc<Register>>, request: Request) -> Response<Body> {
    let mut record = Record::default();
    let outcome = register(&state, request, &mut record).await;
    record.answer(outcome)
}

/// Registers a client.
async fn register(state: &Register, request: Request, record: &mut Record) -> Result<Response<Body>, Failure> {
    let (head, body) = request.into_parts();
    let body = request::body(body, MAX_BODY_BYTES).await.map_err(requested::refused)?;
    let permission = authorize::registration(state, &head.headers, record).await?;
    let requested = requested::parse(state, &head.headers, &body)?;
    let policy = permission.policy(&state.policy);
    let metadata = ClientMetadata::verify(&requested, &policy).map_err(Failure::refused)?;
    let issued = Issued::new(metadata, permission.scope_ceiling(), state.clock.now(), state.config.lifetimes, random);
    store(state, &head, &permission, &issued, record).await?;
    let status = match state.config.registration_status {
        RegistrationStatus::Created => StatusCode::CREATED,
        RegistrationStatus::Ok => StatusCode::OK,
    };
    Ok(json(status, &issued.response(&state.config.issuer)))
}

/// Stores the client: an open registration within the limits, another one with a use of its token. What cannot be
/// stored is neither counted nor uses anything up.
async fn store(
    state: &Register,
    head: &Parts,
    permission: &Permission,
    issued: &Issued,
    record: &mut Record,
) -> Result<(), Failure> {
    let (client, now) = (NewClient::try_from(&issued.client).map_err(Failure::refused)?, state.clock.now());
    // Two equal UUIDs do not happen by chance.
    let not_stored = |error| not_written(error, Failure::broken);
    match permission {
        Permission::Open => {
            let count = state.registrations.count(request::source_address(head), state.config.limits, now);
            record.dynamodb(count).await.map_err(|error| match error {
                Throttled::Exceeded { retry_after } => Failure::throttled(error, retry_after),
                Throttled::Unavailable(error) => Failure::unavailable(error),
            })?;
            record.dynamodb(state.clients.insert(client)).await.map_err(not_stored)?;
        }
        Permission::Token(token) => {
            let register = state.registrations.register_with_token(&token.hash, &state.clients, client, now);
            record.dynamodb(register).await.map_err(|error| match error {
                UseError::Spent => Failure::refused(BearerError::Invalid("spent initial access token")),
                UseError::Client(error) => not_stored(error),
            })?;
        }
    }
    record.client_id = Some(issued.client.client_id.clone());
    Ok(())
}
