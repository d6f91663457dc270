//! `POST /token`: RFC 6749 §3.2 and §4.4.
//!
//! The flow is [`issue`]: parse → authenticate → decide → sign → answer. One `GetItem`, one `Sign`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode, Uri};
use tokenmint_aws::clients::{Consistency, FindError, WriteError};
use tokenmint_aws::kms::SignError;
use tokenmint_http::{Failure, Record, json, random, request};
use tokenmint_oauth::access_token::{Claims, TokenResponse};
use tokenmint_oauth::client_auth::{AuthenticatedClient, Credentials, ProveError};
use tokenmint_oauth::error::ErrorCode;
use tokenmint_oauth::form::Form;
use tokenmint_oauth::grant::{self, Grant, Granted};
use tokenmint_oauth::token_request::{MAX_BODY_BYTES, TokenRequest};

use crate::Token;

/// The token endpoint.
pub(crate) async fn endpoint(State(state): State<Arc<Token>>, request: Request) -> Response<Body> {
    let mut record = Record::default();
    let outcome = issue(&state, request, &mut record).await;
    record.answer(outcome)
}

/// Issues an access token.
async fn issue(state: &Token, request: Request, record: &mut Record) -> Result<Response<Body>, Failure> {
    let (head, body) = request.into_parts();
    let refused = |error: request::BodyError| Failure::refused(error.with_code(ErrorCode::InvalidRequest));
    let body = request::body(body, MAX_BODY_BYTES).await.map_err(refused)?;
    request::media_type(&head.headers, "application/x-www-form-urlencoded").map_err(refused)?;

    let (query, form) = (parameters(&head.uri)?, Form::parse(&body).map_err(Failure::refused)?);
    let authorization = request::authorization(&head.headers);
    let request = TokenRequest::parse(&authorization, &query, &form).map_err(Failure::refused)?;
    let client = authenticate(state, &request.credentials, record).await?;
    let granted = match request.grant {
        Grant::ClientCredentials => {
            grant::client_credentials(&client, request.asked(), state.config.grant_policy, &state.config.audience)
        }
    }
    .map_err(Failure::refused)?;
    let token = sign(state, &client, &granted, record).await?;
    keep(state, &client, record).await?;

    Ok(json(
        StatusCode::OK,
        &TokenResponse {
            access_token: &token,
            token_type: "Bearer",
            expires_in: state.config.access_token_ttl,
            scope: granted.scope.as_str(),
        },
    ))
}

/// The parameters of the URL, where none of this endpoint's belong.
fn parameters(uri: &Uri) -> Result<Form<'_>, Failure> {
    Form::parse(uri.query().unwrap_or_default().as_bytes()).map_err(Failure::refused)
}

/// Proves who the client is: one read. Only a client that cannot be proven is read once more, and then
/// with every write visible: it may have registered a moment ago (O2).
async fn authenticate(
    state: &Token,
    credentials: &Credentials,
    record: &mut Record,
) -> Result<AuthenticatedClient, Failure> {
    record.client_id = Some(credentials.client_id().clone());
    if let Ok(client) = prove(state, credentials, Consistency::Eventual, record).await? {
        return Ok(client);
    }
    prove(state, credentials, Consistency::Strong, record).await?.map_err(Failure::refused)
}

/// Reads the client and holds the credentials against it.
async fn prove(
    state: &Token,
    credentials: &Credentials,
    consistency: Consistency,
    record: &mut Record,
) -> Result<Result<AuthenticatedClient, ProveError>, Failure> {
    let found = record.dynamodb(state.clients.find(credentials.client_id(), consistency)).await;
    let client = found.map_err(|error| match error {
        FindError::Unavailable(error) => Failure::unavailable(error),
        FindError::Damaged(..) => Failure::broken(error),
    })?;
    let now = state.clock.now();
    Ok(credentials.prove(client.filter(|client| client.is_there_at(now)), now))
}

/// Lets a client stay that would go unused: its first token takes its end away, and no later one writes
/// anything (R20).
async fn keep(state: &Token, client: &AuthenticatedClient, record: &mut Record) -> Result<(), Failure> {
    if client.client().expires_at.is_none() {
        return Ok(());
    }
    record.dynamodb(state.clients.keep(&client.client().client_id)).await.map_err(|error| match error {
        WriteError::Condition => Failure::refused(ProveError::UnknownClient),
        WriteError::Unavailable(error) => Failure::unavailable(error),
        WriteError::Form(_) => Failure::broken(error),
    })
}

/// Makes and signs the token (RFC 9068).
async fn sign(
    state: &Token,
    client: &AuthenticatedClient,
    granted: &Granted,
    record: &mut Record,
) -> Result<String, Failure> {
    let mut jti = [0; 16];
    random(&mut jti);
    let jti = uuid::Builder::from_random_bytes(jti).into_uuid().to_string();
    let (issuer, ttl) = (&state.config.issuer, state.config.access_token_ttl);
    let claims = Claims::new(issuer, &client.client().client_id, granted, &jti, state.clock.now(), ttl);
    let signer = record.kms(state.signer.keys()).await.map_err(Failure::unavailable)?;
    record.kms(signer.sign(&claims)).await.map_err(|error| match error {
        SignError::Unavailable(error) => Failure::unavailable(error),
        SignError::Malformed => Failure::broken(error),
    })
}
