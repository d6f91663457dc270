//! The JWK Set and the server metadata: RFC 7517 §5, RFC 8414 §3.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use tokenmint_function::{Failure, cacheable};

use crate::Token;

/// `GET /.well-known/jwks.json` (D2).
pub(crate) async fn jwks(State(state): State<Arc<Token>>, headers: HeaderMap) -> Result<Response<Body>, Failure> {
    let keys = state.signer.jwk_set(state.clock.now()).await?;
    Ok(cacheable(&headers, state.config.jwks_max_age, &keys))
}

/// `GET /.well-known/oauth-authorization-server` and its alias (D1).
pub(crate) async fn metadata(State(state): State<Arc<Token>>, headers: HeaderMap) -> Response<Body> {
    cacheable(&headers, state.config.jwks_max_age, &state.metadata)
}
