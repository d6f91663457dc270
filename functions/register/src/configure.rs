//! `GET`, `PUT`, `DELETE /register/{client_id}`: RFC 7592 §2.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode, Uri};
use tokenmint_aws::clients::WriteError;
use tokenmint_aws::config::Registration;
use tokenmint_function::{Failure, OrRefuse, RequestLog, json, no_content, random, request};
use tokenmint_oauth::bearer::BearerError;
use tokenmint_oauth::client_configuration::{self, UpdateRequest};
use tokenmint_oauth::issuer::path;
use tokenmint_oauth::metadata::ClientMetadata;
use tokenmint_oauth::metadata::members::MAX_BODY_BYTES;
use tokenmint_oauth::registration::{ClientInformation, Issued};

use crate::{Register, authorize, requested};

/// Reads a registration (RFC 7592 §2.1): authorize → answer. The secret is omitted, because only its hash is stored.
pub(crate) async fn read(
    State(state): State<Arc<Register>>,
    Extension(log): Extension<RequestLog>,
    request: Request,
) -> Result<Response<Body>, Failure> {
    let head = request.into_parts().0;
    let authorization = request::authorization(&head.headers);
    let (client, token) = authorize::configuration(&state, client_id(&head.uri), &authorization, &log).await?;
    let information = ClientInformation::new(&client, &state.config.issuer, token.reveal(), None);
    Ok(json(StatusCode::OK, &information))
}

/// Updates a registration (RFC 7592 §2.2): authorize → parse → decide → store → answer.
pub(crate) async fn update(
    State(state): State<Arc<Register>>,
    Extension(log): Extension<RequestLog>,
    request: Request,
) -> Result<Response<Body>, Failure> {
    let (head, body) = request.into_parts();
    let body = request::body(body, MAX_BODY_BYTES).await.map_err(requested::refused)?;
    let authorization = request::authorization(&head.headers);
    let (client, _) = authorize::configuration(&state, client_id(&head.uri), &authorization, &log).await?;

    let requested = requested::parse(&state, &head.headers, &body)?;
    let update = UpdateRequest::check(&requested, &client).or_refuse()?;
    let is_open = state.config.registration == Registration::Open;
    let policy = client_configuration::policy(&client, &state.policy, is_open);
    let metadata = ClientMetadata::verify(&requested, &policy).or_refuse()?;

    let (before, now) = (client.clone(), state.clock.now());
    let issued = Issued::update(client, metadata, update, now, state.config.lifetimes, random);
    state.clients.update(&before, &issued.client).await.map_err(|error| match error {
        WriteError::Condition => Failure::conflict(error),
        error => error.into(),
    })?;
    Ok(json(StatusCode::OK, &issued.response(&state.config.issuer)))
}

/// Deletes a registration (RFC 7592 §2.3): authorize and remove → answer. The write that states who removes the client also
/// checks the token, so there is no read before it, except to say why it is refused.
pub(crate) async fn delete(
    State(state): State<Arc<Register>>,
    Extension(log): Extension<RequestLog>,
    request: Request,
) -> Result<Response<Body>, Failure> {
    let head = request.into_parts().0;
    let (path_id, authorization) = (client_id(&head.uri), request::authorization(&head.headers));
    let (id, token) = authorize::presented(path_id, &authorization, &log)?;
    match state.clients.delete(&id, token.hash(), state.clock.now()).await {
        Ok(()) => Ok(no_content()),
        Err(WriteError::Condition) => {
            authorize::configuration(&state, path_id, &authorization, &log).await?;
            // The token was rotated after it was checked, or the client was enabled since.
            Err(Failure::refused(BearerError::Invalid("wrong registration access token")))
        }
        Err(error) => Err(error.into()),
    }
}

/// The identifier in the path.
fn client_id(uri: &Uri) -> &str {
    uri.path().strip_prefix(path::REGISTER).and_then(|rest| rest.strip_prefix('/')).unwrap_or_default()
}
