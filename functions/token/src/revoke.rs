//! `POST /revoke`: RFC 7009 §2.
//!
//! The flow is [`revoke`]: authenticate → prove the token → remember → answer.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use tokenmint_http::{Failure, Record, json};
use tokenmint_oauth::error::{ErrorCode, OAuthError};

use crate::Token;
use crate::authenticate::authenticate;
use crate::incoming::Incoming;
use crate::introspect::{own_token, parameter};

/// The revocation endpoint.
pub(crate) async fn endpoint(State(state): State<Arc<Token>>, request: Request) -> Response<Body> {
    let mut record = Record::default();
    let outcome = revoke(&state, request, &mut record).await;
    record.answer(outcome)
}

/// Revokes a token of the authenticated client: its identifier is remembered until it would have expired
/// anyway. A token that is not good any more needs none of that (RFC 7009 §2.2).
async fn revoke(state: &Token, request: Request, record: &mut Record) -> Result<Response<Body>, Failure> {
    let incoming = Incoming::read(request).await?;
    let form = incoming.form()?;
    let token = parameter(&form)?;
    let caller = authenticate(state, &incoming.credentials(&form, &state.config)?, record).await?;
    if let Ok(token) = own_token(state, token, record).await? {
        if token.client_id != caller.client().client_id {
            let error = OAuthError::new(ErrorCode::UnauthorizedClient, "the token is another client's");
            return Err(Failure::refused(error));
        }
        record.dynamodb(state.tokens.revoke(&token.jti, token.exp)).await.map_err(Failure::unavailable)?;
    }
    Ok(json(StatusCode::OK, &serde_json::Map::new()))
}
