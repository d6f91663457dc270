//! `POST /introspect`: RFC 7662 §2.
//!
//! The flow is [`introspect`]: authenticate → verify the token → look it up → answer.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use tokenmint_aws::clients::Consistency;
use tokenmint_function::{Failure, RequestLog, json};
use tokenmint_oauth::client::Client;
use tokenmint_oauth::introspection::{Introspection, OwnToken};

use crate::authenticate::Purpose;
use crate::incoming::Incoming;
use crate::{Token, authenticate, own_token};

/// Reports whether a token is active to an authenticated client that may introspect it.
pub(crate) async fn introspect(
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
    let answer = match own_token::verify(&state, token).await? {
        Some(token) if is_active(&state, &token, caller.client()).await? => Introspection::active(token),
        _ => Introspection::inactive(),
    };
    Ok(json(StatusCode::OK, &answer))
}

/// Whether the caller may introspect the token, its client exists and is enabled, and the token is not revoked (D3).
async fn is_active(state: &Token, token: &OwnToken, caller: &Client) -> Result<bool, Failure> {
    if !token.is_visible_to(caller, state.config.introspection_scope.as_deref()) {
        return Ok(false);
    }
    // A client with a metadata document exists as long as its host is allowed (C6).
    if state.documents.url(&token.client_id).is_none() {
        let found = state.clients.find(&token.client_id, Consistency::Strong).await?;
        if !found.is_some_and(|client| client.is_live_at(state.clock.now()) && !client.disabled) {
            return Ok(false);
        }
    }
    Ok(!state.tokens.is_revoked(&token.jti).await?)
}
