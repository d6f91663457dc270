//! `POST /register`: RFC 7591 §3.
//!
//! The flow is [`register`]: authorize → parse → decide → store → answer.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};
use tokenmint_aws::clients::NewClient;
use tokenmint_aws::config::RegistrationStatus;
use tokenmint_aws::registrations::{Throttled, UseError};
use tokenmint_function::{Failure, OrRefuse, RequestLog, json, random, request};
use tokenmint_oauth::bearer::BearerError;
use tokenmint_oauth::client::Client;
use tokenmint_oauth::metadata::ClientMetadata;
use tokenmint_oauth::metadata::members::MAX_BODY_BYTES;
use tokenmint_oauth::registration::Issued;

use crate::authorize::{self, Permission};
use crate::{Register, requested};

/// Registers a client.
pub(crate) async fn register(
    State(state): State<Arc<Register>>,
    Extension(log): Extension<RequestLog>,
    request: Request,
) -> Result<Response<Body>, Failure> {
    let (head, body) = request.into_parts();
    let body = request::body(body, MAX_BODY_BYTES).await.map_err(requested::refused)?;
    let permission = authorize::registration(&state, &head.headers).await?;
    let requested = requested::parse(&state, &head.headers, &body)?;
    let metadata = ClientMetadata::verify(&requested, &permission.policy(&state.policy)).or_refuse()?;
    let issued = Issued::new(metadata, permission.scope_ceiling(), state.clock.now(), state.config.lifetimes, random);
    store(&state, &head, &permission, &issued.client).await?;
    log.client_id(&issued.client.client_id);
    let status = match state.config.registration_status {
        RegistrationStatus::Created => StatusCode::CREATED,
        RegistrationStatus::Ok => StatusCode::OK,
    };
    Ok(json(status, &issued.response(&state.config.issuer)))
}

/// Stores the client: an open registration counts against the limits, any other consumes one use of its token.
/// Metadata that cannot be stored is refused before either.
async fn store(state: &Register, head: &Parts, permission: &Permission, client: &Client) -> Result<(), Failure> {
    let (client, now) = (NewClient::new(client, &permission.author()).or_refuse()?, state.clock.now());
    match permission {
        Permission::Open => {
            let counted = state.registrations.count(request::source_address(head), state.config.limits, now).await;
            counted.map_err(|error| match error {
                Throttled::Exceeded { retry_after } => Failure::throttled(error, retry_after),
                Throttled::Unavailable(error) => error.into(),
            })?;
            Ok(state.clients.insert(client).await?)
        }
        Permission::Token(token) => {
            let stored = state.registrations.register_with_token(&token.hash, &state.clients, client, now).await;
            stored.map_err(|error| match error {
                UseError::Spent => Failure::refused(BearerError::Invalid("spent initial access token")),
                UseError::Client(error) => error.into(),
            })
        }
    }
}
