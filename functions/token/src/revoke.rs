//! `POST /revoke`: RFC 7009 §2.
//!
//! The flow is [`revoke`]: authenticate → verify the token → record → answer.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use tokenmint_function::{Failure, RequestLog, json};
use tokenmint_oauth::error::{ErrorCode, OAuthError};

use crate::authenticate::Purpose;
use crate::incoming::Incoming;
use crate::{Token, authenticate, own_token};

/// Revokes a token of the authenticated client. Its identifier is stored until the token expires. An invalid token
/// needs no record (RFC 7009 §2.2).
pub(crate) async fn revoke(
    State(state): State<Arc<Token>>,
    Extension(log): Extension<RequestLog>,
    request: Request,
) -> Result<Response<Body>, Failure> {
    let incoming = Incoming::read(request).await?;
    let form = incoming.form()?;
    let token = own_token::parameter(&form)?;
    let claim = incoming.claim(&form, &state.config)?;
    let credentials = authenticate::identify(&state, claim, Purpose::Authentication, &log).await?;
    let caller = authenticate::authenticate(&state, &credentials).await?;
    if let Some(token) = own_token::verify(&state, token).await? {
        if token.client_id != caller.client().client_id {
            let error = OAuthError::new(ErrorCode::UnauthorizedClient, "the token was issued to another client");
            return Err(Failure::refused(error));
        }
        state.tokens.revoke(&token.jti, token.exp, &token.client_id).await?;
    }
    Ok(json(StatusCode::OK, &serde_json::Map::new()))
}
