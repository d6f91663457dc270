//! `POST /introspect`: RFC 7662 §2.
//!
//! The flow is [`introspect`]: authenticate → prove the token → look → answer.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use tokenmint_aws::clients::Consistency;
use tokenmint_http::{Failure, Record, json};
use tokenmint_oauth::client::Client;
use tokenmint_oauth::error::{ErrorCode, OAuthError};
use tokenmint_oauth::form::Form;
use tokenmint_oauth::introspection::{Introspection, NotOurs, OwnToken};

use crate::Token;
use crate::authenticate::{authenticate, not_read};
use crate::incoming::Incoming;

/// The introspection endpoint.
pub(crate) async fn endpoint(State(state): State<Arc<Token>>, request: Request) -> Response<Body> {
    let mut record = Record::default();
    let outcome = introspect(&state, request, &mut record).await;
    record.answer(outcome)
}

/// Tells an authenticated client whether a token is good, if it may know.
async fn introspect(state: &Token, request: Request, record: &mut Record) -> Result<Response<Body>, Failure> {
    let incoming = Incoming::read(request).await?;
    let form = incoming.form()?;
    let token = parameter(&form)?;
    let caller = authenticate(state, &incoming.credentials(&form, &state.config)?, record).await?;
    let answer = match own_token(state, token, record).await? {
        Ok(token) if is_good(state, &token, caller.client(), record).await? => Introspection::active(token),
        _ => Introspection::inactive(),
    };
    Ok(json(StatusCode::OK, &answer))
}

/// The token that the request is about (RFC 7662 §2.1, RFC 7009 §2.1). A hint about its type helps nothing:
/// there is one type.
pub(crate) fn parameter<'f>(form: &'f Form<'_>) -> Result<&'f str, Failure> {
    let missing = || Failure::refused(OAuthError::new(ErrorCode::InvalidRequest, "token is missing"));
    form.value("token").ok_or_else(missing)
}

/// Checks whether a token is one of ours, by its form, its signature and its lifetime.
pub(crate) async fn own_token(
    state: &Token,
    token: &str,
    record: &mut Record,
) -> Result<Result<OwnToken, NotOurs>, Failure> {
    let keys = crate::signing::published_keys(state, record).await?;
    Ok(OwnToken::verify(token, &keys, &state.config.issuer, state.clock.now()))
}

/// Whether the caller may see the token, its client is still there, and it was not revoked (D3).
async fn is_good(state: &Token, token: &OwnToken, caller: &Client, record: &mut Record) -> Result<bool, Failure> {
    if !token.is_visible_to(caller, state.config.introspection_scope.as_deref()) {
        return Ok(false);
    }
    let found = record.dynamodb(state.clients.find(&token.client_id, Consistency::Strong)).await.map_err(not_read)?;
    if !found.is_some_and(|client| client.is_there_at(state.clock.now()) && !client.disabled) {
        return Ok(false);
    }
    let revoked = record.dynamodb(state.tokens.is_revoked(&token.jti)).await.map_err(Failure::unavailable)?;
    Ok(!revoked)
}
