//! `GET`, `PUT`, `DELETE /register/{client_id}`: RFC 7592 §2.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Response, StatusCode, Uri};
use tokenmint_aws::config::Registration;
use tokenmint_http::{Failure, Record, json, no_content, random, request};
use tokenmint_oauth::bearer::BearerError;
use tokenmint_oauth::client_configuration::{self, UpdateRequest};
use tokenmint_oauth::issuer::path;
use tokenmint_oauth::metadata::ClientMetadata;
use tokenmint_oauth::metadata::members::MAX_BODY_BYTES;
use tokenmint_oauth::registration::{ClientInformation, Issued};

use crate::{Register, authorize, not_written, requested};

/// Reading a registration (RFC 7592 §2.1).
pub(crate) async fn read(State(state): State<Arc<Register>>, request: Request) -> Response<Body> {
    let mut record = Record::default();
    let outcome = read_client(&state, &request.into_parts().0, &mut record).await;
    record.answer(outcome)
}

/// Changing a registration (RFC 7592 §2.2).
pub(crate) async fn update(State(state): State<Arc<Register>>, request: Request) -> Response<Body> {
    let mut record = Record::default();
    let outcome = update_client(&state, request, &mut record).await;
    record.answer(outcome)
}

/// Ending a registration (RFC 7592 §2.3).
pub(crate) async fn delete(State(state): State<Arc<Register>>, request: Request) -> Response<Body> {
    let mut record = Record::default();
    let outcome = delete_client(&state, &request.into_parts().0, &mut record).await;
    record.answer(outcome)
}

/// Authorize → answer. A secret that was made before is known by its hash only, so it is not shown.
async fn read_client(state: &Register, head: &Parts, record: &mut Record) -> Result<Response<Body>, Failure> {
    let authorization = request::authorization(&head.headers);
    let (client, token) = authorize::configuration(state, client_id(&head.uri), &authorization, record).await?;
    let information = ClientInformation::new(&client, &state.config.issuer, token.reveal(), None);
    Ok(json(StatusCode::OK, &information))
}

/// Authorize → parse → decide → store → answer.
async fn update_client(state: &Register, request: Request, record: &mut Record) -> Result<Response<Body>, Failure> {
    let (head, body) = request.into_parts();
    let body = request::body(body, MAX_BODY_BYTES).await.map_err(requested::refused)?;
    let authorization = request::authorization(&head.headers);
    let (client, _) = authorize::configuration(state, client_id(&head.uri), &authorization, record).await?;

    let requested = requested::parse(state, &head.headers, &body)?;
    let update = UpdateRequest::check(&requested, &client).map_err(Failure::refused)?;
    let is_open = state.config.registration == Registration::Open;
    let policy = client_configuration::policy(&client, &state.policy, is_open);
    let metadata = ClientMetadata::verify(&requested, &policy).map_err(Failure::refused)?;

    let (before, now) = (client.clone(), state.clock.now());
    let issued = Issued::update(client, metadata, update, now, state.config.lifetimes, random);
    let written = record.dynamodb(state.clients.update(&before, &issued.client)).await;
    written.map_err(|error| not_written(error, Failure::conflict))?;
    Ok(json(StatusCode::OK, &issued.response(&state.config.issuer)))
}

/// Authorize → remove → answer.
async fn delete_client(state: &Register, head: &Parts, record: &mut Record) -> Result<Response<Body>, Failure> {
    let authorization = request::authorization(&head.headers);
    let (client, token) = authorize::configuration(state, client_id(&head.uri), &authorization, record).await?;
    let deleted = record.dynamodb(state.clients.delete(&client.client_id, token.hash())).await;
    // The token was rotated since it was read.
    let rotated = |_| Failure::refused(BearerError::Invalid("wrong registration access token"));
    deleted.map_err(|error| not_written(error, rotated))?;
    Ok(no_content())
}

/// The identifier in the path.
fn client_id(uri: &Uri) -> &str {
    uri.path().strip_prefix(path::REGISTER).and_then(|rest| rest.strip_prefix('/')).unwrap_or_default()
}
